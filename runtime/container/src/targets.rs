//! Where a mount's destination really lies, when the image has links on the way.
//!
//! libcontainer refuses a destination that ends in a link to nothing, such as the `/etc/resolv.conf` of Debian's and
//! Ubuntu's root file systems; runc makes what the link points to. So links are followed here, inside the root file
//! system; libcontainer still opens the result without leaving it, whatever has changed by then.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;

/// `destination` without links, as far as the image decides: below an earlier mount it is that mount's content which
/// does, and libcontainer will see it.
pub fn resolve(rootfs: &Path, destination: &Path, earlier: &[PathBuf]) -> PathBuf {
    let mut rest: VecDeque<OsString> = names(destination).collect();
    let mut resolved = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&name);
        let is_covered = earlier
            .iter()
            .any(|mount| mount != Path::new("/") && next.starts_with(mount));
        let link = fs::read_link(rootfs.join(next.strip_prefix("/").unwrap_or(&next)));
        match link {
            Ok(target) if !is_covered && links < MOST_LINKS => {
                links += 1;
                if target.is_absolute() {
                    resolved = "/".into();
                }
                for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                    rest.push_front(name);
                }
            }
            _ => resolved = next,
        }
    }
    resolved
}

/// The steps of a path, up included; the root and `.` are none.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_inside_the_root() {
        let root = tempfile::tempdir().expect("tempdir");
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("etc")).expect("made");
        fs::create_dir_all(at("var")).expect("made");
        symlink("../run/systemd/resolve/stub.conf", at("etc/resolv.conf")).expect("linked");
        symlink("/run/lock", at("var/lock")).expect("linked");
        symlink("../../../../etc", at("escape")).expect("linked");
        symlink("loop", at("loop")).expect("linked");
        let resolved = |path: &str| resolve(root.path(), Path::new(path), &[]);
        assert_eq!(
            resolved("/etc/resolv.conf"),
            Path::new("/run/systemd/resolve/stub.conf")
        );
        assert_eq!(resolved("/var/lock/a"), Path::new("/run/lock/a"));
        assert_eq!(resolved("/escape/hosts"), Path::new("/etc/hosts"));
        assert_eq!(resolved("/no/such/place"), Path::new("/no/such/place"));
        assert_eq!(resolved("relative"), Path::new("/relative"));
        assert_eq!(resolved("/loop"), Path::new("/loop"));
        let below_a_volume = resolve(root.path(), Path::new("/var/lock"), &["/var".into()]);
        assert_eq!(below_a_volume, Path::new("/var/lock"));
    }
}
