//! F: files that must not be read, changed, made or carried away.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno::{EACCES, EPERM};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::{Case, Row, case, not_tried, way, way_to_nothing};
use crate::attempt::{Stop, Tried, first, through};
use crate::ground::{PLAIN, PUBLIC, PUBLIC_PREFIX, READABLE, REPOSITORY, SECRET};
use crate::{donor, policies, raw};

pub const ROWS: &[Row] = &[
    file(
        "F1",
        "symlink",
        "open",
        "file_open",
        Case {
            ways: &[
                way("to the file", EACCES, || read(&link_to(SECRET, "")?)),
                way("to the folder", EACCES, || {
                    read(&link_to("/protected", "/secret")?)
                }),
            ],
            twin: || read(&link_to(PLAIN, "")?),
            ..CASE
        },
    ),
    file(
        "F2",
        "hard_link",
        "link",
        "inode_link",
        Case {
            ways: &[way("into its own folder", EACCES, || {
                gone("/desk/linked");
                fs::hard_link(SECRET, "/desk/linked")?;
                read("/desk/linked")
            })],
            twin: || {
                gone("/desk/linked");
                fs::hard_link(PLAIN, "/desk/linked")?;
                read("/desk/linked")
            },
            ..CASE
        },
    ),
    file(
        "F3",
        "rename",
        "rename",
        "inode_rename",
        Case {
            ways: &[
                way("the file", EACCES, || {
                    through(fs::rename(SECRET, "/desk/moved"))
                }),
                way("its folder", EACCES, || {
                    through(fs::rename("/protected", "/desk/moved-folder"))
                }),
                way("exchanged", EACCES, || {
                    through(raw::exchange(SECRET, PLAIN))
                }),
            ],
            twin: || {
                first("a file", fs::write("/desk/one", ""))?;
                through(fs::rename("/desk/one", "/desk/other"))
            },
            ..CASE
        },
    ),
    file(
        "F4",
        "atomic_replace",
        "rename",
        "inode_rename",
        Case {
            ways: &[way("over the file", EACCES, || replace(READABLE))],
            twin: || replace("/desk/replaced"),
            ..CASE
        },
    ),
    not_tried(
        "F5",
        "inode_reuse",
        "no table is keyed by inode numbers; the cache of decisions has its own test",
    ),
    file(
        "F6",
        "chroot_alias",
        "open",
        "file_open",
        Case {
            ways: &[way("the folder as root", EACCES, || {
                first("a new root", nix::unistd::chroot("/protected"))?;
                read("/secret")
            })],
            twin: || {
                first("a new root", nix::unistd::chroot("/desk"))?;
                read("/plain")
            },
            ..CASE
        },
    ),
    file(
        "F7",
        "bind_mount",
        "mount",
        "sb_mount",
        Case {
            ways: &[way("of the folder", EPERM, || {
                first("a place", fs::create_dir_all("/desk/mount"))?;
                let bind = MsFlags::MS_BIND;
                through(mount(
                    Some("/protected"),
                    "/desk/mount",
                    None::<&str>,
                    bind,
                    None::<&str>,
                ))
            })],
            twin: || through(fs::read_dir("/desk")),
            ..CASE
        },
    ),
    file(
        "F8",
        "detached_tree",
        "",
        "seccomp",
        Case {
            ways: &[way("of the folder", EPERM, || {
                let tree = raw::open_tree("/protected")?;
                read(&format!("/proc/self/fd/{}/secret", tree.as_raw_fd()))
            })],
            twin: || read(PLAIN),
            ..CASE
        },
    ),
    file(
        "F9",
        "new_mount_api",
        "",
        "seccomp",
        Case {
            ways: &[way("tmpfs", EPERM, || {
                through(raw::new_filesystem("tmpfs"))
            })],
            twin: || read("/proc/filesystems"),
            ..CASE
        },
    ),
    file(
        "F10",
        "own_overlay_in_a_user_namespace",
        "namespace",
        "userns_create, seccomp",
        Case {
            ways: &[way("namespaces", EPERM, || {
                unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
                let layers = "lowerdir=/protected:/desk";
                through(mount(
                    Some("none"),
                    "/desk",
                    Some("overlay"),
                    MsFlags::empty(),
                    Some(layers),
                ))
            })],
            twin: || through(unshare(CloneFlags::CLONE_FS)),
            ..CASE
        },
    ),
    file(
        "F11",
        "namespace_key_change",
        "open",
        "file_open",
        Case {
            ways: &[way("whatever comes of unshare", EACCES, || {
                let _ = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS);
                read(SECRET)
            })],
            twin: || {
                let _ = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS);
                read(PLAIN)
            },
            ..CASE
        },
    ),
    file(
        "F12",
        "proc_magic_links",
        "open",
        "file_open",
        Case {
            ways: &[
                way("root", EACCES, || read(&format!("/proc/self/root{SECRET}"))),
                way("working directory", EACCES, || {
                    first("the folder", std::env::set_current_dir("/protected"))?;
                    read("/proc/self/cwd/secret")
                }),
            ],
            twin: || read(&format!("/proc/self/root{PLAIN}")),
            ..CASE
        },
    ),
    file(
        "F13",
        "o_path_and_reopen",
        "open",
        "file_open",
        Case {
            ways: &[way("through /proc/self/fd", EACCES, || reopen(SECRET))],
            twin: || reopen(PLAIN),
            ..CASE
        },
    ),
    file(
        "F14",
        "unhooked_open_calls",
        "open",
        "file_open",
        Case {
            ways: &[
                way("openat2", EACCES, || {
                    through(raw::open_with(SECRET, libc::RESOLVE_NO_SYMLINKS))
                }),
                way("creat", EACCES, || through(File::create(READABLE))),
            ],
            twin: || through(raw::open_with(PLAIN, libc::RESOLVE_NO_SYMLINKS)),
            ..CASE
        },
    ),
    file(
        "F14s",
        "open_calls_by_filter",
        "",
        "seccomp",
        Case {
            ways: &[
                way("handle", EPERM, || through(raw::open_by_handle(SECRET))),
                way("io_uring", EPERM, || through(raw::io_uring())),
            ],
            twin: || through(raw::open_with(PLAIN, libc::RESOLVE_NO_SYMLINKS)),
            ..CASE
        },
    ),
    file(
        "F15",
        "deep_or_long_path",
        "create",
        "inode_create, file_open",
        Case {
            ways: &[way("70 folders down", EACCES, || write_below(70))],
            twin: || write_below(30),
            ..CASE
        },
    ),
    file(
        "F16",
        "component_boundary",
        "open",
        "file_open",
        Case {
            ways: &[way("begins as the exception does", EACCES, || {
                read(PUBLIC_PREFIX)
            })],
            twin: || read(PUBLIC),
            ..CASE
        },
    ),
    not_tried(
        "F17",
        "encoding",
        "needs a file system that folds case: an unregistered one is denied as a whole",
    ),
    file(
        "F18",
        "file_that_does_not_exist_yet",
        "create",
        "inode_create, inode_symlink, inode_mkdir",
        Case {
            ways: &[
                way("in a folder", EACCES, || {
                    create(&format!("{REPOSITORY}/hooks/pre-commit"))
                }),
                way("by its name", EACCES, || create("/desk/tasks.json")),
                way("symlink", EACCES, || {
                    through(symlink(PLAIN, format!("{REPOSITORY}/hooks/post-commit")))
                }),
                way("folder", EACCES, || {
                    through(fs::create_dir(format!("{REPOSITORY}/hooks/folder")))
                }),
                way("renamed to it", EACCES, || {
                    replace(&format!("{REPOSITORY}/hooks/pre-push"))
                }),
            ],
            twin: || create("/desk/tasks.text"),
            ..CASE
        },
    ),
    not_tried(
        "F19",
        "trust_hand_off",
        "what is written is listed at export, not refused",
    ),
    file(
        "F20",
        "change_without_write_open",
        "setattr",
        "path_truncate, file_open",
        Case {
            ways: &[
                way("truncate", EACCES, || {
                    through(nix::unistd::truncate(READABLE, 0))
                }),
                way("opened with O_TRUNC", EACCES, || {
                    through(OpenOptions::new().write(true).truncate(true).open(READABLE))
                }),
            ],
            twin: || through(nix::unistd::truncate(PLAIN, 0)),
            ..CASE
        },
    ),
    file(
        "F21",
        "attributes",
        "setattr",
        "inode_setattr, inode_setxattr, file_ioctl",
        Case {
            ways: &[
                way("mode", EACCES, || {
                    through(fs::set_permissions(READABLE, Permissions::from_mode(0o777)))
                }),
                way("owner", EACCES, || {
                    through(std::os::unix::fs::chown(READABLE, Some(0), Some(0)))
                }),
                way("extended", EACCES, || {
                    through(raw::set_attribute(READABLE, "user.x"))
                }),
                way("flags", EACCES, || {
                    through(raw::set_flags(
                        first("the file", File::open(READABLE))?.as_fd(),
                    ))
                }),
            ],
            twin: || through(fs::set_permissions(PLAIN, Permissions::from_mode(0o600))),
            ..CASE
        },
    ),
    file(
        "F22",
        "environ_and_kernel_files",
        "ptrace",
        "locked_down, ptrace_access_check",
        Case {
            ways: &[
                // by locked_down, which is asked before any hook on files; a policy under [never] refuses it with EACCES
                way("kernel memory", EPERM, || {
                    through(File::open("/proc/kcore"))
                }),
                way("another task's environment", EACCES, || {
                    through(File::open(format!("/proc/{}/environ", outsider()?)))
                }),
            ],
            twin: || read("/proc/self/environ"),
            ..CASE
        },
    ),
    file(
        "F23",
        "proc_pid_mem",
        "ptrace",
        "ptrace_access_check",
        Case {
            ways: &[way("of a process outside", EACCES, || {
                through(File::open(format!("/proc/{}/mem", outsider()?)))
            })],
            twin: || through(File::open("/proc/self/mem")),
            ..CASE
        },
    ),
    file(
        "F24",
        "device_node",
        "create",
        "inode_mknod",
        Case {
            ways: &[
                way("block", EPERM, || make_node(SFlag::S_IFBLK, 7)),
                way("character", EPERM, || make_node(SFlag::S_IFCHR, 1)),
            ],
            twin: || make_node(SFlag::S_IFIFO, 0),
            ..CASE
        },
    ),
    file(
        "F25",
        "foreign_descriptor",
        "open",
        "file_receive",
        Case {
            ways: &[way_to_nothing("sent by a process outside", || {
                donor::take(b'f')
            })],
            twin: donor::hand_over,
            ..CASE
        },
    ),
    not_tried(
        "F26",
        "descriptor_from_before",
        "as documented: what is open stays open; nothing is refused",
    ),
    file(
        "F27",
        "rename_race_in_the_walk",
        "open",
        "file_open",
        Case {
            ways: &[way("two folders that change places", EACCES, || {
                while_folders_change(SECRET)
            })],
            twin: || while_folders_change(PLAIN),
            ..CASE
        },
    ),
    file(
        "F28",
        "shared_scratch_race",
        "open",
        "file_open",
        Case {
            ways: &[way("eight threads", EACCES, || {
                among_other_threads(SECRET, PLAIN)
            })],
            twin: || among_other_threads(PLAIN, SECRET),
            ..CASE
        },
    ),
    file(
        "F29",
        "overlay_copy_up",
        "open",
        "file_open",
        Case {
            ways: &[way("opened for writing", EACCES, || {
                through(OpenOptions::new().write(true).open(READABLE))
            })],
            twin: || through(OpenOptions::new().write(true).open(PLAIN)),
            ..CASE
        },
    ),
];

/// What the rows have in common, and what each must say itself.
const CASE: Case = Case {
    policy: policies::FILE,
    event: "",
    hook: "",
    ways: &[],
    twin: || Err(Stop::WithoutEffect),
};

const fn file(
    id: &'static str,
    name: &'static str,
    event: &'static str,
    hook: &'static str,
    with: Case,
) -> Row {
    case(
        id,
        name,
        Case {
            event,
            hook,
            ..with
        },
    )
}

pub fn read(path: &str) -> Tried {
    fs::read(path)?;
    Ok(())
}

fn create(path: &str) -> Tried {
    gone(path);
    through(OpenOptions::new().write(true).create_new(true).open(path))
}

/// What an earlier attempt may have left.
fn gone(path: &str) {
    let _ = fs::remove_file(path);
}

fn link_to(target: &str, then: &str) -> Result<String, Stop> {
    gone("/desk/link");
    first("a symlink", symlink(target, "/desk/link"))?;
    Ok(format!("/desk/link{then}"))
}

fn replace(path: &str) -> Tried {
    first("another file", fs::write("/desk/new", "other\n"))?;
    through(fs::rename("/desk/new", path))
}

fn reopen(path: &str) -> Tried {
    let handle = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(path);
    let handle = first("a handle", handle)?;
    read(&format!("/proc/self/fd/{}", handle.as_raw_fd()))
}

/// A way down by steps, so that no path is long.
fn write_below(depth: usize) -> Tried {
    first("the folder", std::env::set_current_dir("/desk"))?;
    for _ in 0..depth {
        if !Path::new("d").is_dir() {
            fs::create_dir("d")?;
        }
        std::env::set_current_dir("d")?;
    }
    through(fs::write("file", ""))
}

fn make_node(kind: SFlag, major: u64) -> Tried {
    gone("/desk/node");
    through(mknod("/desk/node", kind, Mode::S_IRWXU, makedev(major, 3)))
}

/// A process outside the container that has the same user.
pub fn outsider() -> Result<i32, Stop> {
    let named = first(
        "ATTACK_OUTSIDER, the pid of a process outside",
        std::env::var("ATTACK_OUTSIDER"),
    )?;
    first("ATTACK_OUTSIDER", named.parse())
}

fn while_folders_change(target: &'static str) -> Tried {
    for folder in ["/desk/one", "/desk/two"] {
        gone(folder);
        first("a folder", fs::create_dir_all(folder))?;
        gone(&format!("{folder}/link"));
        first("a symlink", symlink(target, format!("{folder}/link")))?;
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = raw::exchange("/desk/one", "/desk/two"); // a refusal is the walk's matter
            }
        });
        let tried = again_and_again(|| read("/desk/one/link"));
        done.store(true, Ordering::Relaxed);
        tried
    })
}

/// Half of the threads open one file, half the other; told is what came of the first.
fn among_other_threads(told: &'static str, other: &'static str) -> Tried {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let others = || {
            while !done.load(Ordering::Relaxed) {
                let _ = read(other);
            }
        };
        for _ in 0..4 {
            scope.spawn(others);
        }
        let threads = [(); 4].map(|()| scope.spawn(|| again_and_again(|| read(told))));
        let results = threads.map(|thread| thread.join().expect("attempts do not panic"));
        done.store(true, Ordering::Relaxed);
        results.into_iter().reduce(unlike).unwrap_or(Ok(()))
    })
}

/// All must end alike; if not, the end that differs from the first is told.
fn again_and_again(mut attempt: impl FnMut() -> Tried) -> Tried {
    (0..500).map(|_| attempt()).reduce(unlike).unwrap_or(Ok(()))
}

fn unlike(one: Tried, other: Tried) -> Tried {
    match (&one, &other) {
        (left, right) if left == right => one,
        (Ok(()), _) | (_, Ok(())) => Err(Stop::Broken(format!("now {one:?}, then {other:?}"))),
        _ => other,
    }
}
