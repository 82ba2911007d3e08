//! Bind mounts whose sources the container's root may not reach.
//!
//! libcontainer looks a source up when it is already the root of the user namespace, whom the host's folders of mode
//! 0700 stop; runc looks it up as the host's root. So such sources are laid where that root may pass: in a mount
//! namespace between the host's and the container's, on a small tmpfs over one of those folders, which it could not
//! look into anyway.

mod visitor;

use std::ffi::CString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::fcntl::AT_FDCWD;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{chroot, fchdir};
use oci_spec::runtime::{Mount, Spec};

use crate::Result;
use crate::bundle::is_bind;
use crate::error::Context;
use crate::finish::{attach, clone_mount};
use visitor::Visitor;

/// The runtime in a namespace with the sources laid out. It goes home when this is dropped.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Stage {
    _home: Home,
    /// (where it lies, what the caller called it)
    sources: Vec<(PathBuf, PathBuf)>,
}

impl Stage {
    /// Rewrites the sources in `spec`; None, and nothing is done, when the container can reach them all.
    pub fn set(spec: &mut Rc<Spec>, rootfs: &Path) -> Result<Option<Self>> {
        let Some(visitor) = Visitor::of(spec) else {
            return Ok(None);
        };
        let mut mounts = spec.mounts().clone().unwrap_or_default();
        let hidden: Vec<&mut Mount> = mounts
            .iter_mut()
            .filter(|mount| is_bind(mount) && visitor.stopped_on_the_way_to(mount).is_some())
            .collect();
        let place = hidden
            .first()
            .and_then(|mount| visitor.stopped_on_the_way_to(mount));
        // one that can't reach its root file system gets told so
        let Some(place) = place.filter(|place| !rootfs.starts_with(place)) else {
            return Ok(None);
        };
        let stage = Self::build(&place, hidden)?;
        Rc::make_mut(spec).set_mounts(Some(mounts));
        Ok(Some(stage))
    }

    fn build(place: &Path, hidden: Vec<&mut Mount>) -> Result<Self> {
        let mut stage = Self {
            _home: Home::leave()?,
            sources: Vec::new(),
        };
        let mut clones = Vec::new();
        for mount in hidden {
            let source = mount.source().clone().unwrap_or_default();
            clones.push((
                clone_source(mount, &source)?,
                fs::metadata(&source).on("stat", &source)?,
            ));
            let staged = place.join(stage.sources.len().to_string());
            mount.set_source(Some(staged.clone()));
            stage.sources.push((staged, source));
        }
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(
            Some("tmpfs"),
            place,
            Some("tmpfs"),
            flags,
            Some("mode=0711,size=64k"),
        )
        .on("mount a tmpfs on", place)?;
        for ((clone, kind), (staged, source)) in clones.iter().zip(&stage.sources) {
            let target = make_target(staged, kind).on("create", staged)?;
            attach(clone, &target).on("mount a copy of", source)?;
        }
        Ok(stage)
    }

    /// An error text with the sources called as the caller calls them.
    pub fn in_callers_words(&self, text: String) -> String {
        self.sources.iter().fold(text, |text, (staged, source)| {
            text.replace(&format!("{staged:?}"), &format!("{source:?}"))
        })
    }
}

/// Recursive only if asked for: what the container may not unmount, it may not leave out of a copy either.
fn clone_source(mount: &Mount, source: &Path) -> Result<OwnedFd> {
    let is_recursive = mount
        .options()
        .iter()
        .flatten()
        .any(|option| option == "rbind");
    let flags = if is_recursive { libc::AT_RECURSIVE } else { 0 };
    CString::new(source.as_os_str().as_bytes())
        .map_err(|_| nix::errno::Errno::EINVAL)
        .and_then(|path| clone_mount(AT_FDCWD, &path, flags))
        .on("copy the mount at", source)
}

fn make_target(path: &Path, like: &Metadata) -> std::io::Result<OwnedFd> {
    if like.is_dir() {
        DirBuilder::new().mode(0o711).create(path)?;
    } else {
        File::create_new(path)?;
    }
    open_path(path).map(OwnedFd::from)
}

fn open_path(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(path)
}

/// Where the runtime was before: setns would leave it at the top of the namespace.
#[derive(Debug)]
struct Home {
    namespace: File,
    root: File,
    folder: File,
}

impl Home {
    fn leave() -> Result<Self> {
        let open = |path: &str| open_path(Path::new(path)).on("open", Path::new(path));
        let namespace = Path::new("/proc/self/ns/mnt");
        let home = Self {
            namespace: File::open(namespace).on("open", namespace)?,
            root: open("/")?,
            folder: open(".")?,
        };
        unshare(CloneFlags::CLONE_NEWNS).during(|| "unshare the mount namespace".into())?;
        // what is mounted on the host is still to arrive in the container, and nothing is to go the other way
        let flags = MsFlags::MS_REC | MsFlags::MS_SLAVE;
        mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
            .during(|| "make the mounts slaves".into())?;
        Ok(home)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let back = setns(&self.namespace, CloneFlags::CLONE_NEWNS)
            .and_then(|()| fchdir(&self.root))
            .and_then(|()| chroot("."))
            .and_then(|()| fchdir(&self.folder));
        if let Err(error) = back {
            tracing::warn!("the runtime stays in a mount namespace of its own: {error}");
        }
    }
}
