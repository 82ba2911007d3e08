//! The files of the host, by the paths that the host itself uses.
//!
//! In a Kubernetes installer the host's `/` is mounted somewhere else; nothing outside this module
//! has to know.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::Error;

pub(super) struct Host<'a> {
    root: &'a Path,
}

impl<'a> Host<'a> {
    pub fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// Where a path of the host is for us.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Fails when there is no such file.
    pub fn require(&self, path: &str) -> Result<(), Error> {
        let here = self.at(path);
        match here.is_file() {
            true => Ok(()),
            false => Err(Error::Binary { path: here }),
        }
    }

    /// The text of a file; `None` when there is none.
    pub fn read(&self, path: &str) -> Result<Option<String>, Error> {
        let here = self.behind_links(path)?;
        match fs::read(&here) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(Error::Broken {
                    path: here,
                    line: line_of(error.as_bytes(), error.utf8_error().valid_up_to()),
                    reason: "not UTF-8".to_owned(),
                }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", here)(error)),
        }
    }

    /// The files that a pattern with `*` matches, in alphabetical order, as paths of the host.
    pub fn matching(&self, pattern: &str) -> Vec<String> {
        let Some(root) = self.root.to_str() else {
            return Vec::new();
        };
        let root = root.trim_end_matches('/');
        let pattern = format!(
            "{}/{}",
            glob::Pattern::escape(root),
            pattern.trim_start_matches('/')
        );
        let found = glob::glob(&pattern).into_iter().flatten().flatten();
        let in_host = |path: PathBuf| path.to_str()?.strip_prefix(root).map(str::to_owned);
        found.filter_map(in_host).collect()
    }

    /// Replaces a file as a whole: a reader sees the old text or the new one, and so after a crash.
    ///
    /// Owner and mode stay; `mode` is for a file that was not there.
    pub fn write(&self, path: &str, text: &str, mode: u32) -> Result<(), Error> {
        let here = self.behind_links(path)?;
        let folder = here.parent().unwrap_or(self.root);
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        self.replace(&here, folder, text, mode)
            .map_err(Error::io("write", &*here))
    }

    fn replace(&self, here: &Path, folder: &Path, text: &str, mode: u32) -> std::io::Result<()> {
        let mut new = tempfile::Builder::new()
            .prefix(".sevorix-")
            .tempfile_in(folder)?;
        new.write_all(text.as_bytes())?;
        match fs::metadata(here) {
            Ok(old) => {
                chown(new.path(), Some(old.uid()), Some(old.gid()))?;
                new.as_file().set_permissions(old.permissions())?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                new.as_file()
                    .set_permissions(fs::Permissions::from_mode(mode))?;
            }
            Err(error) => return Err(error),
        }
        new.as_file().sync_all()?;
        new.persist(here).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }

    pub fn remove(&self, path: &str) -> Result<(), Error> {
        let here = self.behind_links(path)?;
        match fs::remove_file(&here) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("remove", here)(error))
            }
            _ => Ok(()),
        }
    }

    /// The folders above a path that would have to be made, the outermost first.
    pub fn missing_parents(&self, path: &str) -> Vec<String> {
        let parents = Path::new(path).ancestors().skip(1).filter_map(Path::to_str);
        let missing = |parent: &&str| !self.at(parent).exists();
        let mut missing: Vec<String> = parents.filter(missing).map(str::to_owned).collect();
        missing.reverse();
        missing
    }

    /// Removes folders in the given order, those apart in which something lies.
    pub fn remove_empty<'p>(
        &self,
        folders: impl IntoIterator<Item = &'p str>,
    ) -> Result<(), Error> {
        for folder in folders {
            let here = self.at(folder);
            match fs::remove_dir(&here) {
                Ok(()) => {}
                Err(error) if is_kept(error.kind()) => {}
                Err(error) => return Err(Error::io("remove", here)(error)),
            }
        }
        Ok(())
    }

    /// A link is followed, so that it stays a link; out of the host's root it is not.
    fn behind_links(&self, path: &str) -> Result<PathBuf, Error> {
        let here = self.at(path);
        if !here.is_symlink() {
            return Ok(here);
        }
        let target = here.canonicalize().map_err(Error::io("follow", &*here))?;
        let root = self
            .root
            .canonicalize()
            .map_err(Error::io("follow", self.root))?;
        match target.starts_with(root) {
            true => Ok(target),
            false => Err(Error::LinkOutside { path: here }),
        }
    }
}

fn is_kept(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty)
}

/// The line of a byte, counted from 1.
pub(super) fn line_of(text: &[u8], byte: usize) -> usize {
    let before = text.get(..byte).unwrap_or(text);
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::Engine;
    use super::super::testing::TestHost;
    use super::*;

    const PATH: &str = "/etc/docker/daemon.json";

    #[test]
    fn the_mode_of_a_file_is_kept() {
        let host = TestHost::new(Engine::Docker).with(PATH, "{}");
        host.chmod(PATH, 0o640);
        host.install().expect("install");
        let mode = |path: &str| fs::metadata(host.at(path)).expect(path).mode() & 0o777;
        assert_eq!(mode(PATH), 0o640);
        assert_eq!(
            mode("/var/lib/sevorix/install/etc_docker_daemon.json.json"),
            0o600
        );
        host.uninstall().expect("uninstall");
        assert_eq!(mode(PATH), 0o640);
    }

    #[test]
    fn a_link_inside_the_host_stays_a_link() {
        let host = TestHost::new(Engine::Docker).with("/etc/real.json", "{}");
        fs::create_dir_all(host.at("/etc/docker")).expect("folder");
        symlink("../real.json", host.at(PATH)).expect("link");
        host.install().expect("install");
        assert!(host.at(PATH).is_symlink());
        assert!(host.get("/etc/real.json").contains("sevorix"));
        host.uninstall().expect("uninstall");
        assert_eq!(host.get("/etc/real.json"), "{}");
    }

    #[test]
    fn a_link_out_of_the_host_is_refused() {
        let outside = tempfile::NamedTempFile::new().expect("file");
        let host = TestHost::new(Engine::Docker);
        fs::create_dir_all(host.at("/etc/docker")).expect("folder");
        symlink(outside.path(), host.at(PATH)).expect("link");
        let error = host.install().expect_err("outside");
        assert!(matches!(error, Error::LinkOutside { .. }), "{error}");
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let host = TestHost::new(Engine::Docker).with(PATH, "");
        fs::write(host.at(PATH), b"{\n\"\xff\"}").expect("write");
        host.check_refused(PATH, 2);
    }

    #[test]
    fn a_runtime_that_is_not_there_is_refused() {
        let host = TestHost::new(Engine::Docker);
        fs::remove_file(host.at("/usr/bin/sevorix")).expect("remove");
        let error = host.install().expect_err("no binary");
        assert!(matches!(error, Error::Binary { .. }), "{error}");
        assert!(!host.at("/etc/docker").exists());
    }
}
