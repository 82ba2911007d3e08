//! The binary `sevorix-slm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sevorix_jury::main()
}
