//! Names that come, go and move.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::{CROSSES, Case, allowed, denied, expect};
use crate::agent::Outcome;

pub fn all() -> Vec<Case> {
    vec![
        allowed("create a file", |root| {
            File::create(root.join("free/plain/new")).map(drop)
        }),
        denied("F18 create a file in a denied folder", |root| {
            File::create(root.join("free/secret/new")).map(drop)
        }),
        denied(
            "F18 create a file that a rule names before it exists",
            |root| File::create(root.join("free/hooks/later")).map(drop),
        ),
        allowed("F18 create its neighbour", |root| {
            File::create(root.join("free/hooks/now")).map(drop)
        }),
        allowed("make a folder", |root| {
            fs::create_dir(root.join("free/plain/folder"))
        }),
        denied("make a folder in a denied one", |root| {
            fs::create_dir(root.join("free/frozen/folder"))
        }),
        allowed("make a symbolic link", |root| {
            symlink("file", root.join("free/plain/symlink"))
        }),
        denied("make a symbolic link in a denied folder", |root| {
            symlink("file", root.join("free/frozen/symlink"))
        }),
        allowed("make a pipe", |root| {
            node(&root.join("free/plain/pipe"), SFlag::S_IFIFO)
        }),
        denied("make a pipe in a denied folder", |root| {
            node(&root.join("free/frozen/pipe"), SFlag::S_IFIFO)
        }),
        allowed("bind a socket", |root| {
            UnixListener::bind(root.join("free/plain/socket")).map(drop)
        }),
        denied("bind a socket in a denied folder", |root| {
            UnixListener::bind(root.join("free/frozen/socket")).map(drop)
        }),
        expect(
            "F24 make a device node",
            Outcome::Refused(Errno::EPERM),
            |root| node(&root.join("free/plain/device"), SFlag::S_IFCHR),
        ),
        allowed("remove a file", |root| {
            File::create(root.join("free/plain/to-remove"))?;
            fs::remove_file(root.join("free/plain/to-remove"))
        }),
        denied("remove a denied file", |root| {
            fs::remove_file(root.join("free/frozen/file"))
        }),
        allowed("remove a folder", |root| {
            fs::create_dir(root.join("free/plain/folder-to-remove"))?;
            fs::remove_dir(root.join("free/plain/folder-to-remove"))
        }),
        denied("remove a denied folder", |root| {
            fs::remove_dir_all(root.join("free/secret"))
        }),
        allowed("rename", |root| {
            fs::write(root.join("free/plain/a"), "a")?;
            fs::rename(root.join("free/plain/a"), root.join("free/b"))?;
            File::open(root.join("free/b")).map(drop)
        }),
        denied("F3 rename a denied file away", |root| {
            fs::rename(root.join("free/secret/file"), root.join("free/stolen"))
        }),
        denied("F4 rename over a denied file", |root| {
            fs::write(root.join("free/plain/replacement"), "a")?;
            fs::rename(
                root.join("free/plain/replacement"),
                root.join("free/frozen/file"),
            )
        }),
        denied("F18 rename to a name that a rule names", |root| {
            fs::write(root.join("free/plain/hook"), "a")?;
            fs::rename(root.join("free/plain/hook"), root.join("free/hooks/later"))
        }),
        expect(
            "F3 rename a file that keeps only its place's rule",
            CROSSES,
            |root| fs::rename(root.join("free/a.pem"), root.join("free/a.txt")),
        ),
        expect(
            "F3 rename a folder that guards another rule",
            CROSSES,
            |root| fs::rename(root.join("free/hooks"), root.join("free/plain/hooks")),
        ),
        expect("F3 rename a folder above denied ones", CROSSES, |root| {
            fs::rename(root.join("free"), root.join("bin/free"))
        }),
        expect(
            "F3 exchange with a folder that guards a rule",
            CROSSES,
            |root| exchange(&root.join("free/plain"), &root.join("free/hooks")),
        ),
        allowed("F3 exchange of harmless files", |root| {
            fs::write(root.join("free/plain/left"), "a")?;
            fs::write(root.join("free/plain/right"), "a")?;
            exchange(
                &root.join("free/plain/left"),
                &root.join("free/plain/right"),
            )
        }),
        allowed("link", |root| {
            fs::hard_link(root.join("free/victim"), root.join("free/plain/linked"))
        }),
        denied("F2 link a denied file", |root| {
            fs::hard_link(
                root.join("free/secret/file"),
                root.join("free/plain/linked-secret"),
            )
        }),
        denied("F2 link into a denied folder", |root| {
            fs::hard_link(root.join("free/file"), root.join("free/frozen/linked"))
        }),
        expect("F2 link out of a name's reach", CROSSES, |root| {
            fs::hard_link(root.join("free/.env"), root.join("free/plain/env"))
        }),
        denied(
            "F2 both names of a file are judged each by itself",
            |root| {
                fs::write(root.join("free/plain/two"), "a")?;
                File::open(root.join("free/plain/two"))?;
                File::open(root.join("free/a.pem")).map(drop)
            },
        ),
        denied("F3 remembered answers end with a rename", |root| {
            let (from, to) = (root.join("free/from/file"), root.join("free/from/file.txt"));
            for _ in 0..2 {
                File::open(&from)?;
            }
            fs::rename(&from, &to)?;
            File::open(&to)?;
            fs::rename(&to, &from)?;
            fs::remove_file(root.join("free/frozen/file"))
        }),
    ]
}

fn node(path: &Path, kind: SFlag) -> io::Result<()> {
    mknod(path, kind, Mode::S_IRWXU, makedev(1, 3)).map_err(io::Error::from)
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE).map_err(io::Error::from)
}
