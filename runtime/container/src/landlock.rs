//! Places that a process and its children may use, held by Landlock: a right on a folder is a right on what lies in it.

use std::fs::File;
use std::path::Path;

use ::landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus,
};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};

use crate::error::errno_text;

/// The oldest that can let a file be moved between folders: Linux 5.19.
const OLDEST: ABI = ABI::V2;

/// Rights on one place; what nobody grants is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// as the container sees it
    pub path: String,
    /// also for what lies in it; else it is a file
    pub tree: bool,
    pub read: bool,
    pub write: bool,
    /// names in it: create, rename, link, unlink
    pub change: bool,
    /// of programs that may be read, too: else the kernel starts none
    pub exec: bool,
}

impl Grant {
    fn rights(&self) -> BitFlags<AccessFs> {
        let rights = [
            (self.read, AccessFs::ReadFile | AccessFs::ReadDir),
            (self.write, AccessFs::WriteFile | AccessFs::Truncate),
            (self.change, names()),
            (self.exec, AccessFs::Execute.into()),
        ];
        let held = rights.into_iter().filter(|(held, _)| *held);
        held.fold(BitFlags::EMPTY, |all, (_, rights)| all | rights)
    }
}

/// Device nodes are in nobody's grant.
fn names() -> BitFlags<AccessFs> {
    AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::MakeSym
        | AccessFs::MakeSock
        | AccessFs::MakeFifo
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
}

/// For the rest of this process's life. Takes `no_new_privs`, or CAP_SYS_ADMIN.
pub fn restrict(grants: &[Grant]) -> Result<(), String> {
    let failed = |error: ::landlock::RulesetError| format!("restrict files: {error}");
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(OLDEST))
        .map_err(failed)?
        // since 6.2; before, truncate(2) is not judged, and told so
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::Truncate)
        .map_err(failed)?
        .create()
        .map_err(failed)?
        .no_new_privs(false);
    for grant in grants {
        if let Some((place, rights)) = opened(grant)? {
            rules = rules
                .add_rule(PathBeneath::new(place, rights))
                .map_err(failed)?;
        }
    }
    match rules.restrict_self().map_err(failed)?.ruleset {
        RulesetStatus::NotEnforced => Err("restrict files: the kernel has no Landlock".into()),
        _ => Ok(()),
    }
}

/// `None`: nothing is there that could have the right. A rule names a place and no link to one, so links are not followed.
fn opened(grant: &Grant) -> Result<Option<(File, BitFlags<AccessFs>)>, String> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .mode(Mode::empty())
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    let place = match openat2(nix::fcntl::AT_FDCWD, Path::new(&grant.path), how) {
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR) => return Ok(None),
        place => File::from(place.map_err(|errno| {
            format!("restrict files: open {}: {}", grant.path, errno_text(errno))
        })?),
    };
    let is_folder = place
        .metadata()
        .map_err(|error| format!("restrict files: look at {}: {error}", grant.path))?
        .is_dir();
    let rights = match (is_folder, grant.tree) {
        (true, true) => grant.rights(),
        // the right would be on all that lies in it
        (true, false) => return Ok(None),
        (false, _) => grant.rights() & AccessFs::from_file(ABI::V3),
    };
    Ok((!rights.is_empty()).then_some((place, rights)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    use super::*;

    fn grant(path: &Path, tree: bool) -> Grant {
        Grant {
            path: path.display().to_string(),
            tree,
            read: true,
            write: false,
            change: false,
            exec: false,
        }
    }

    /// What an act answers behind the grants: 0, or the errno; 255 when the grants themselves failed.
    fn behind(grants: &[Grant], act: impl FnOnce() -> std::io::Result<()>) -> i32 {
        // SAFETY: the child restricts itself, does one thing and ends.
        match unsafe { fork() }.expect("fork") {
            ForkResult::Parent { child } => match waitpid(child, None).expect("the child") {
                WaitStatus::Exited(_, status) => status,
                other => panic!("{other:?}"),
            },
            ForkResult::Child => {
                let _ = nix::sys::prctl::set_no_new_privs();
                let status = match restrict(grants) {
                    Ok(()) => {
                        act().map_or_else(|error| error.raw_os_error().unwrap_or(254), |()| 0)
                    }
                    Err(_) => 255,
                };
                // SAFETY: ends the child without running the test program's own exit handlers.
                unsafe { libc::_exit(status) }
            }
        }
    }

    #[test]
    fn what_is_not_granted_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("its real path");
        let at = |name: &str| folder.join(name);
        for name in ["open", "shut"] {
            fs::create_dir(at(name)).expect("made");
            fs::write(at(name).join("file"), "x").expect("written");
        }
        symlink(at("shut"), at("link")).expect("linked");
        let all = [
            grant(&at("open"), true),
            grant(&at("shut"), false),
            grant(&at("link"), true),
            grant(&at("nowhere"), true),
        ];
        if behind(&all, || Ok(())) == 255 {
            eprintln!("skipped: this kernel has no Landlock");
            return;
        }
        let read = |name: &str| behind(&all, || fs::read(at(name).join("file")).map(drop));
        assert_eq!(read("open"), 0);
        assert_eq!(read("shut"), libc::EACCES);
        assert_eq!(read("link"), libc::EACCES);
        let write = behind(&all, || fs::write(at("open").join("file"), "y"));
        assert_eq!(write, libc::EACCES);
        let make = behind(&all, || fs::write(at("open").join("new"), "y"));
        assert_eq!(make, libc::EACCES);
    }

    #[test]
    fn a_files_rights_are_the_files_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder
            .path()
            .canonicalize()
            .expect("its real path")
            .join("f");
        fs::write(&file, "x").expect("written");
        let whole = Grant {
            write: true,
            change: true,
            ..grant(&file, true)
        };
        let (_, rights) = opened(&whole).expect("opened").expect("a file");
        assert_eq!(
            rights,
            AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate
        );
    }
}
