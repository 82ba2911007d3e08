//! The files that the policies and the attacks speak of.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Copies of this very binary: see `program`.
pub const ALLOWED: &str = "/usr/bin/allowed";
pub const DENIED: &str = "/usr/bin/denied";
/// Begins as an allowed one does.
pub const ALLOWED_PREFIX: &str = "/usr/bin/allowed-not";
pub const SETUID: &str = "/usr/bin/setuid";
/// Scripts: the first names ALLOWED as its interpreter, the second DENIED, the third the second.
pub const SCRIPT: &str = "/usr/bin/script-allowed";
pub const SCRIPT_OF_DENIED: &str = "/usr/bin/script-denied";
pub const SCRIPT_OF_SCRIPT: &str = "/usr/bin/script-nested";
/// Neither read, nor written, nor changed.
pub const SECRET: &str = "/protected/secret";
/// Read, but neither written nor changed.
pub const READABLE: &str = "/readable/plain";
/// Read and written.
pub const PLAIN: &str = "/desk/plain";
/// What an exception opens below /protected, and what begins like it.
pub const PUBLIC: &str = "/protected/public/plain";
pub const PUBLIC_PREFIX: &str = "/protected/public-not/plain";
/// Files come into being there only under other names than hooks/*.
pub const REPOSITORY: &str = "/desk/.git";

/// The longest name there is: 255 times this letter. Its neighbour differs in the last one.
pub const LONG: u8 = b'a';

/// Two programs whose names differ in the last letter, after `length` letters.
pub fn long_names(length: usize) -> [String; 2] {
    let stem = "a".repeat(length - 1);
    [
        format!("/usr/lib/{stem}{}", char::from(LONG)),
        format!("/usr/lib/{stem}b"),
    ]
}

/// Makes all of it below `root`, from outside the container.
pub fn prepare(root: &Path) -> io::Result<()> {
    let at = |path: &str| root.join(path.trim_start_matches('/'));
    for folder in [
        "usr/bin",
        "usr/lib",
        "protected/public",
        "protected/public-not",
        "readable",
    ] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::create_dir_all(at(REPOSITORY).join("hooks"))?;
    for file in [SECRET, READABLE, PLAIN, PUBLIC, PUBLIC_PREFIX] {
        fs::write(at(file), "something\n")?;
    }
    let itself = std::env::current_exe()?;
    let programs = [ALLOWED, DENIED, ALLOWED_PREFIX, SETUID];
    let long = crate::policies::LENGTHS.into_iter().flat_map(long_names);
    for program in programs.map(String::from).into_iter().chain(long) {
        fs::copy(&itself, at(&program))?;
        fs::set_permissions(at(&program), Permissions::from_mode(0o755))?;
    }
    fs::set_permissions(at(SETUID), Permissions::from_mode(0o4755))?;
    for (script, interpreter) in [
        (SCRIPT, ALLOWED),
        (SCRIPT_OF_DENIED, DENIED),
        (SCRIPT_OF_SCRIPT, SCRIPT_OF_DENIED),
    ] {
        fs::write(at(script), format!("#!{interpreter}\n"))?;
        fs::set_permissions(at(script), Permissions::from_mode(0o755))?;
    }
    Ok(())
}
