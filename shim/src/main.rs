//! The binary `sevorix`, which container engines call as they call runc.

use std::process::ExitCode;

fn main() -> ExitCode {
    sevorix::main(std::env::args_os())
}
