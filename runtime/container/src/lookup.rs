//! Finds the program a container asks for, and says in runc's words why it can't be run.
//!
//! Docker derives exit status 126 and 127 from these texts, so they are part of the interface.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, faccessat};

use crate::error::errno_text;

/// The path `execve` is to be called with. Must run inside the container, with the payload's identity.
pub fn find_executable(name: &str, search_path: Option<&str>) -> Result<PathBuf, String> {
    if name.is_empty() {
        return Err("exec: \"\": executable file not found in $PATH".into());
    }
    if name.contains('/') {
        return check(Path::new(name))
            .map(|()| name.into())
            .map_err(|reason| format!("exec: {name:?}: {reason}"));
    }
    let folders = search_path
        .filter(|path| !path.is_empty())
        .into_iter()
        .flat_map(|path| path.split(':'));
    let runnable = |folder: &str| {
        let candidate = Path::new(if folder.is_empty() { "." } else { folder }).join(name);
        check(&candidate).is_ok().then_some(candidate)
    };
    // one that is there but may not be run is passed over as well: so says Go, and so engines expect it
    folders
        .into_iter()
        .find_map(runnable)
        .ok_or_else(|| format!("exec: {name:?}: executable file not found in $PATH"))
}

fn check(path: &Path) -> Result<(), String> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            return Err(format!(
                "stat {}: {}",
                path.display(),
                crate::error::os_text(&error)
            ));
        }
    };
    if metadata.is_dir() {
        // Docker before 23 knows exit status 126 by the first words only, later ones by either
        return Err("permission denied (is a directory)".into());
    }
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| errno_text(Errno::EINVAL))?;
    faccessat(
        nix::fcntl::AT_FDCWD,
        path.as_c_str(),
        AccessFlags::X_OK,
        nix::fcntl::AtFlags::AT_EACCESS,
    )
    .map_err(errno_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_texts_engines_parse() {
        let dir = tempfile::tempdir().expect("tempdir");
        let plain = dir.path().join("plain");
        fs::write(&plain, "x").expect("written");
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).expect("mode");
        let plain = plain.to_str().expect("utf-8");
        let folder = dir.path().to_str().expect("utf-8");

        let cases = [
            (
                "/no/such".to_string(),
                None,
                "exec: \"/no/such\": stat /no/such: no such file or directory".to_string(),
            ),
            (
                plain.to_string(),
                None,
                format!("exec: {plain:?}: permission denied"),
            ),
            (
                folder.to_string(),
                None,
                format!("exec: {folder:?}: permission denied (is a directory)"),
            ),
            (
                "nope".into(),
                Some("/bin:/usr/bin"),
                "exec: \"nope\": executable file not found in $PATH".into(),
            ),
            (
                "sh".into(),
                None,
                "exec: \"sh\": executable file not found in $PATH".into(),
            ),
            (
                "plain".into(),
                Some(folder),
                "exec: \"plain\": executable file not found in $PATH".into(),
            ),
        ];
        for (name, path, expected) in cases {
            assert_eq!(find_executable(&name, path), Err(expected));
        }
        assert_eq!(
            find_executable("sh", Some("/nope:/bin")),
            Ok("/bin/sh".into())
        );
        assert_eq!(find_executable("/bin/sh", None), Ok("/bin/sh".into()));
    }
}
