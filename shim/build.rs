//! Which commit this is, for `--version` and `features`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SEVORIX_COMMIT");
    let given = std::env::var("SEVORIX_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(head).unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=SEVORIX_COMMIT={commit}");
}

/// A source package has no git folder; its builder sets SEVORIX_COMMIT.
fn head() -> Option<String> {
    println!("cargo:rerun-if-changed=../.git/logs/HEAD");
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
