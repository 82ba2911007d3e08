//! A failed mount in runc's words.
//!
//! libcontainer tells which one it was by the debug text of the mount, which nobody can read. The same text of the mounts
//! it was given says which one it means.

use std::path::Path;

use libcontainer::oci_spec::runtime::Mount;

use crate::bundle::is_bind;

/// `reason`, or what runc would say if it is about one of the mounts.
pub fn in_words(reason: String, mounts: &[Mount], rootfs: &Path) -> String {
    let told = mounts
        .iter()
        .find_map(|mount| Some((mount, cause_for(mount, &reason)?)));
    let Some((mount, cause)) = told else {
        return reason;
    };
    let nothing = Path::new("");
    let source = mount.source().as_deref().unwrap_or(nothing);
    let destination = mount.destination();
    let of_call = |errno| {
        format!(
            "mount {}:{}: {errno}",
            source.display(),
            destination.display()
        )
    };
    let cause = match cause.strip_prefix("syscall: ") {
        Some("invalid argument") if is_of_other_kind(mount, rootfs) => of_call("not a directory"),
        Some(errno) => of_call(errno),
        None => cause.into(),
    };
    format!(
        "error during container init: error mounting {source:?} to rootfs at {destination:?}: {cause}"
    )
}

/// What stands behind libcontainer's name for the mount.
fn cause_for<'a>(mount: &Mount, reason: &'a str) -> Option<&'a str> {
    let rest = reason.strip_prefix("failed to mount ")?;
    let of_dev = || {
        rest.strip_prefix("/dev: ")
            .filter(|_| mount.destination() == Path::new("/dev"))
    };
    rest.strip_prefix(&format!("{mount:?}: ")).or_else(of_dev)
}

/// A folder over a file or a file over a folder: the kernel's new mount calls have no word of their own for that.
fn is_of_other_kind(mount: &Mount, rootfs: &Path) -> bool {
    let destination = mount.destination();
    let target = rootfs.join(destination.strip_prefix("/").unwrap_or(destination));
    let source = mount.source().as_deref().filter(|_| is_bind(mount));
    source.is_some_and(|source| target.exists() && source.is_dir() != target.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(json: &str) -> Mount {
        serde_json::from_str(json).expect("a mount")
    }

    #[test]
    fn the_mount_is_named_as_runc_names_it() {
        let mounts = [
            mount(r#"{"destination":"/dev","type":"tmpfs","source":"tmpfs"}"#),
            mount(r#"{"destination":"/t","type":"tmpfs","source":"tmpfs","options":["size=x"]}"#),
        ];
        let told = |reason: String| in_words(reason, &mounts, Path::new("/r"));
        assert_eq!(
            told(format!(
                "failed to mount {:?}: syscall: invalid argument",
                mounts[1]
            )),
            r#"error during container init: error mounting "tmpfs" to rootfs at "/t": mount tmpfs:/t: invalid argument"#
        );
        assert_eq!(
            told("failed to mount /dev: openat2 failed: not a directory".into()),
            r#"error during container init: error mounting "tmpfs" to rootfs at "/dev": openat2 failed: not a directory"#
        );
        let other = "failed to mount somewhere: syscall: invalid argument";
        assert_eq!(told(other.into()), other);
    }

    #[test]
    fn a_file_over_a_folder_is_not_a_directory() {
        let root = tempfile::tempdir().expect("tempdir");
        std::fs::create_dir(root.path().join("etc")).expect("made");
        let file = root.path().join("file");
        std::fs::write(&file, "").expect("written");
        let mounts = [mount(&format!(
            r#"{{"destination":"/etc","type":"bind","source":{file:?},"options":["rbind"]}}"#
        ))];
        let reason = format!("failed to mount {:?}: syscall: invalid argument", mounts[0]);
        let told = in_words(reason, &mounts, root.path());
        assert!(told.ends_with("/etc: not a directory"), "{told}");
    }
}
