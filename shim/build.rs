//! What the binary has to know of its build: the commit it is of, and where the static libraries are: libseccomp, and
//! what libbpf needs.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SEVORIX_COMMIT");
    let given = std::env::var("SEVORIX_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty());
    let commit = given.or_else(head).unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=SEVORIX_COMMIT={commit}");
    for name in ["libseccomp.a", "libelf.a", "libz.a"] {
        if let Some(library) = static_library(name) {
            prefer(name, &library);
        }
    }
}

/// A source package has no git folder; its builder sets SEVORIX_COMMIT.
fn head() -> Option<String> {
    println!("cargo:rerun-if-changed=../.git/logs/HEAD");
    let commit = output(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]))?;
    Some(commit.trim().to_string())
}

/// Where the C compiler would find it; None on systems that ship the shared library only.
fn static_library(name: &str) -> Option<PathBuf> {
    let path = output(Command::new("cc").arg(format!("-print-file-name={name}")))?;
    let path = PathBuf::from(path.trim());
    path.is_absolute().then_some(path)
}

/// A linker takes the first folder that has the library, shared or not: this one has the static one only.
fn prefer(name: &str, library: &Path) {
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let link = folder.join(name);
    // left by an earlier build of another machine, perhaps
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(library, &link).expect("cargo's own folder can be written to");
    println!("cargo:rustc-link-search=native={}", folder.display());
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
