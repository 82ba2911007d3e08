//! X: programs that must not run.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicU8, Ordering};

use nix::errno::Errno::{EACCES, EXDEV};
use nix::fcntl::AtFlags;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags};
use nix::unistd::{Uid, execv, execveat};

use super::{Case, Row, Way, case, not_tried, way, way_to_nothing};
use crate::attempt::{Outcome, Stop, Tried, first, through, try_in_child};
use crate::ground::{
    ALLOWED, ALLOWED_PREFIX, DENIED, SCRIPT, SCRIPT_OF_DENIED, SCRIPT_OF_SCRIPT, SECRET, SETUID,
    long_names,
};
use crate::policies::{self, LENGTHS};
use crate::raw;

pub const ROWS: &[Row] = &[
    case(
        "X1",
        "path_alias",
        Case {
            policy: policies::EXEC,
            event: "exec",
            hook: "bprm_check_security",
            ways: &[
                way("through /proc/self/root", EACCES, || {
                    run(&format!("/proc/self/root{DENIED}"))
                }),
                way("dots and slashes", EACCES, || {
                    run("//usr/lib/../bin/.//denied")
                }),
                way("symlink", EACCES, || run_symlink_to(DENIED)),
                way("descriptor", EACCES, || run_descriptor_of(DENIED)),
            ],
            twin: || run(&format!("/proc/self/root{ALLOWED}")),
        },
    ),
    case(
        "X2",
        "copied_or_renamed_binary",
        Case {
            policy: policies::EXEC,
            event: "exec",
            hook: "bprm_check_security, inode_link, inode_rename",
            ways: &[
                way("copy", EACCES, || run_copy(DENIED)),
                way("hard link", EXDEV, || run_moved(fs::hard_link)),
                way("rename", EXDEV, || run_moved(fs::rename)),
            ],
            twin: || run(ALLOWED),
        },
    ),
    case(
        "X3",
        "loader_trick",
        Case {
            policy: policies::EXEC,
            event: "map_exec",
            hook: "mmap_file",
            ways: &[way("mapped as a loader does", EACCES, || {
                map_as_code(DENIED)
            })],
            twin: || map_as_code(ALLOWED),
        },
    ),
    case(
        "X4",
        "interpreter",
        Case {
            policy: policies::EXEC,
            event: "open",
            hook: "file_open",
            ways: &[way("an allowed program reads", EACCES, || {
                run_with(ALLOWED, &["run", "read", SECRET])
            })],
            twin: || run_with(ALLOWED, &["run", "read", "/proc/self/status"]),
        },
    ),
    case(
        "X5",
        "fileless_exec",
        Case {
            policy: policies::EXEC,
            event: "exec",
            hook: "bprm_check_security",
            ways: &[way("memfd", EACCES, run_memfd)],
            twin: || run_descriptor_of(ALLOWED),
        },
    ),
    case(
        "X6",
        "unlinked_or_shm_exec",
        Case {
            policy: policies::EXEC,
            event: "exec",
            hook: "bprm_check_security",
            ways: &[
                way("never linked", EACCES, run_unnamed),
                way("unlinked", EACCES, run_unlinked),
                way("shared memory", EACCES, || {
                    run_copy_at("/dev/shm/copy", ALLOWED)
                }),
            ],
            twin: || run(ALLOWED),
        },
    ),
    case(
        "X7",
        "shebang_to_denied_interpreter",
        Case {
            policy: policies::EXEC,
            event: "exec",
            hook: "bprm_check_security",
            ways: &[
                way("interpreter", EACCES, || run(SCRIPT_OF_DENIED)),
                way("script of a script", EACCES, || run(SCRIPT_OF_SCRIPT)),
            ],
            twin: || run(SCRIPT),
        },
    ),
    case(
        "X8",
        "argv0_or_applet_spoof",
        Case {
            policy: policies::EXEC,
            event: "exec",
            hook: "bprm_check_security",
            ways: &[way("another name", EACCES, || run_named(DENIED, ALLOWED))],
            twin: || run_named(ALLOWED, DENIED),
        },
    ),
    case(
        "X9",
        "argv_swap",
        Case {
            policy: policies::EXEC_WORDS,
            event: "exec",
            hook: "bprm_committed_creds",
            ways: &[Way {
                name: "a second thread",
                expected: Outcome::Killed,
                attempt: swap_words,
            }],
            twin: || run_with(ALLOWED, &["run", "said"]),
        },
    ),
    not_tried(
        "X10",
        "argv_truncation",
        "what is told of such a rule, not what it does: a test of the policy's report",
    ),
    case(
        "X11",
        "code_by_environment",
        Case {
            policy: policies::EXEC,
            event: "map_exec",
            hook: "mmap_file",
            ways: &[way("a library of its own", EACCES, map_written_file)],
            twin: || map_as_code(ALLOWED),
        },
    ),
    case(
        "X12",
        "map_then_make_executable",
        Case {
            policy: policies::EXEC,
            event: "map_exec",
            hook: "file_mprotect, mmap_file",
            ways: &[
                way("written, then executable", EACCES, protect_written_file),
                way("one memfd mapped twice", EACCES, map_memfd_twice),
            ],
            twin: || protect_program(ALLOWED),
        },
    ),
    case(
        "X13",
        "anonymous_rwx",
        Case {
            policy: policies::EXEC,
            event: "map_exec",
            hook: "mmap_file, file_mprotect",
            ways: &[
                way("at once", EACCES, || {
                    through(raw::map_anonymous(ProtFlags::all_of_it()))
                }),
                way("later", EACCES, || {
                    let page = first("memory", raw::map_anonymous(ProtFlags::writable()))?;
                    through(page.protect(ProtFlags::all_of_it()))
                }),
            ],
            twin: || through(raw::map_anonymous(ProtFlags::writable())),
        },
    ),
    not_tried(
        "X14",
        "check_then_exec_race",
        "no digest rules in the tables: a policy with one is refused at create",
    ),
    case(
        "X15",
        "prefix_compare",
        Case {
            policy: policies::EXEC_LIST,
            event: "exec",
            hook: "bprm_check_security",
            ways: &[
                way("longer name", EACCES, || run(ALLOWED_PREFIX)),
                way("63 letters", EACCES, || run(&long_names(LENGTHS[0])[1])),
                way("64 letters", EACCES, || run(&long_names(LENGTHS[1])[1])),
                way("65 letters", EACCES, || run(&long_names(LENGTHS[2])[1])),
                way("255 letters", EACCES, || run(&long_names(LENGTHS[3])[1])),
            ],
            twin: || run(&long_names(LENGTHS[3])[0]),
        },
    ),
    case(
        "X16",
        "setuid_or_file_capability",
        Case {
            policy: policies::EXEC,
            event: "",
            hook: "no_new_privs",
            ways: &[way_to_nothing("setuid", || {
                run_as_user(&["run", "as-root"])
            })],
            twin: || run_as_user(&["run"]),
        },
    ),
    case(
        "X17",
        "binfmt_misc",
        Case {
            policy: policies::FLOOR,
            event: "open",
            hook: "file_open",
            ways: &[way("register", EACCES, || {
                through(
                    OpenOptions::new()
                        .write(true)
                        .open("/proc/sys/fs/binfmt_misc/register"),
                )
            })],
            twin: || through(File::open("/proc/sys/kernel/ostype")),
        },
    ),
    case(
        "X18",
        "vfork_clone_vm_posix_spawn",
        Case {
            policy: policies::EXEC,
            event: "open",
            hook: "task_alloc",
            ways: &[
                way("shared memory", EACCES, || {
                    open_in_clone(libc::CLONE_VM, SECRET)
                }),
                way("shared files", EACCES, || {
                    open_in_clone(libc::CLONE_FILES | libc::CLONE_FS, SECRET)
                }),
                way("sibling", EACCES, || {
                    open_in_clone(libc::CLONE_IO | libc::CLONE_SYSVSEM, SECRET)
                }),
            ],
            twin: || open_in_clone(libc::CLONE_VM, "/proc/self/status"),
        },
    ),
    not_tried(
        "X19",
        "write_to_the_runtime_binary",
        "the runtime's own test: it runs a sealed copy of itself",
    ),
];

fn run(program: &str) -> Tried {
    run_with(program, &["run"])
}

fn run_with(program: &str, words: &[&str]) -> Tried {
    become_program(program, program, words)
}

fn run_named(program: &str, name: &str) -> Tried {
    become_program(program, name, &["run"])
}

fn become_program(program: &str, name: &str, words: &[&str]) -> Tried {
    let words = [&[name], words].concat();
    let words: Vec<_> = words.into_iter().map(terminated).collect();
    execv(&terminated(program), &words)?;
    Ok(())
}

fn terminated(text: &str) -> std::ffi::CString {
    std::ffi::CString::new(text).expect("no zero in it")
}

fn run_symlink_to(program: &str) -> Tried {
    let _ = fs::remove_file("/desk/link"); // of an earlier attempt
    first("a symlink", symlink(program, "/desk/link"))?;
    run("/desk/link")
}

fn run_descriptor_of(program: &str) -> Tried {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(program);
    run_file(&first("a descriptor", file)?)
}

fn run_file(file: &impl AsFd) -> Tried {
    let words = ["program", "run"].map(terminated);
    execveat(
        file.as_fd(),
        c"",
        &words,
        &[] as &[std::ffi::CString],
        AtFlags::AT_EMPTY_PATH,
    )?;
    Ok(())
}

fn run_copy(program: &str) -> Tried {
    run_copy_at("/desk/copy", program)
}

fn run_copy_at(copy: &str, program: &str) -> Tried {
    write_copy(copy, program)?;
    run(copy)
}

fn write_copy(copy: &str, program: &str) -> Tried {
    first("a copy", fs::copy(program, copy))?;
    first(
        "its mode",
        fs::set_permissions(copy, Permissions::from_mode(0o755)),
    )
}

fn run_moved(move_to: fn(&'static str, &'static str) -> std::io::Result<()>) -> Tried {
    let _ = fs::remove_file("/desk/moved"); // of an earlier attempt
    move_to(DENIED, "/desk/moved")?;
    run("/desk/moved")
}

fn bytes_of(program: &str) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    first(
        "the program",
        File::open(program).and_then(|mut file| file.read_to_end(&mut bytes)),
    )?;
    Ok(bytes)
}

fn memfd() -> Result<File, Stop> {
    Ok(File::from(first(
        "a memfd",
        memfd_create(c"x", MFdFlags::MFD_CLOEXEC),
    )?))
}

fn run_memfd() -> Tried {
    let mut file = memfd()?;
    first("its bytes", file.write_all(&bytes_of(ALLOWED)?))?;
    run_file(&file)
}

fn run_unnamed() -> Tried {
    let open = |flags| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o755)
            .custom_flags(flags)
            .open("/desk")
    };
    let mut file = first("a file without a name", open(libc::O_TMPFILE))?;
    first("its bytes", file.write_all(&bytes_of(ALLOWED)?))?;
    run_file(&read_only(file)?)
}

/// The kernel runs nothing that is open for writing.
fn read_only(file: File) -> Result<File, Stop> {
    let again = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()));
    first("the file for reading", again)
}

fn run_unlinked() -> Tried {
    write_copy("/desk/unlinked", ALLOWED)?;
    let file = first("the copy", File::open("/desk/unlinked"))?;
    first("unlinking it", fs::remove_file("/desk/unlinked"))?;
    run_file(&file)
}

fn map_as_code(program: &str) -> Tried {
    let file = first("the program", File::open(program))?;
    raw::map(
        file.as_fd(),
        ProtFlags::PROT_READ | ProtFlags::PROT_EXEC,
        MapFlags::MAP_PRIVATE,
    )?;
    Ok(())
}

fn map_written_file() -> Tried {
    write_copy("/desk/library", ALLOWED)?;
    map_as_code("/desk/library")
}

fn protect_written_file() -> Tried {
    write_copy("/desk/library", ALLOWED)?;
    protect_program("/desk/library")
}

fn protect_program(program: &str) -> Tried {
    let file = first("the program", File::open(program))?;
    let page = first(
        "a page of it",
        raw::map(file.as_fd(), ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE),
    )?;
    page.protect(ProtFlags::PROT_READ | ProtFlags::PROT_EXEC)?;
    Ok(())
}

fn map_memfd_twice() -> Tried {
    let file = memfd()?;
    first("its size", file.set_len(4096))?;
    first(
        "the page to write",
        raw::map(file.as_fd(), ProtFlags::writable(), MapFlags::MAP_SHARED),
    )?;
    raw::map(
        file.as_fd(),
        ProtFlags::PROT_READ | ProtFlags::PROT_EXEC,
        MapFlags::MAP_SHARED,
    )?;
    Ok(())
}

fn run_as_user(words: &[&str]) -> Tried {
    let user = Uid::from_raw(1000);
    first("another user", nix::unistd::setresuid(user, user, user))?;
    run_with(SETUID, words)
}

fn open_in_clone(flags: libc::c_int, path: &'static str) -> Tried {
    let child = raw::clone_and_open(flags, path)?;
    match first("the child", nix::sys::wait::waitpid(child, None))? {
        nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
        nix::sys::wait::WaitStatus::Exited(_, errno) => {
            Err(nix::errno::Errno::from_raw(errno).into())
        }
        other => Err(Stop::Broken(format!("the child: {other:?}"))),
    }
}

/// The word is read for the judgement, then for the program: a second thread changes it all the while.
fn swap_words() -> Tried {
    const TRIES: usize = 300;
    let mut killed = false;
    for _ in 0..TRIES {
        match try_in_child(run_with_a_changing_word) {
            Outcome::Passed => return Ok(()),
            Outcome::Killed => killed = true,
            _ => {}
        }
    }
    if killed {
        nix::sys::signal::raise(nix::sys::signal::SIGKILL)?;
    }
    Err(Stop::WithoutEffect)
}

/// Both words are nine letters long, so that each change is one letter's.
fn run_with_a_changing_word() -> Tried {
    static WORD: [AtomicU8; 10] = letters(*b"forbidden\0");
    let flip = || {
        loop {
            for letter in *b"fx" {
                WORD[0].store(letter, Ordering::Relaxed);
            }
        }
    };
    std::thread::spawn(flip);
    raw::become_program_with(ALLOWED, &["program", "run", "said"], &WORD)?;
    Ok(())
}

const fn letters(word: [u8; 10]) -> [AtomicU8; 10] {
    let mut letters = [const { AtomicU8::new(0) }; 10];
    let mut at = 0;
    while at < word.len() {
        letters[at] = AtomicU8::new(word[at]);
        at += 1;
    }
    letters
}

trait Protections {
    fn writable() -> Self;
    fn all_of_it() -> Self;
}

impl Protections for ProtFlags {
    fn writable() -> Self {
        Self::PROT_READ | Self::PROT_WRITE
    }

    fn all_of_it() -> Self {
        Self::writable() | Self::PROT_EXEC
    }
}
