//! A host to install on, for the tests of the engines.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Engine, Error, Options, Report, install, uninstall};

pub(super) struct TestHost {
    root: tempfile::TempDir,
    engine: Engine,
}

/// Paths with their modes and, for files, their bytes.
pub(super) type Tree = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

impl TestHost {
    pub fn new(engine: Engine) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let host = Self { root, engine };
        host.put("/usr/bin/sevorix", "");
        fs::create_dir_all(host.at("/var/lib")).expect("var");
        fs::create_dir_all(host.at("/etc")).expect("etc");
        host
    }

    pub fn with(self, path: &str, text: &str) -> Self {
        self.put(path, text);
        self
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    pub fn put(&self, path: &str, text: &str) {
        let here = self.at(path);
        fs::create_dir_all(here.parent().expect("a parent")).expect("folder");
        fs::write(here, text).expect("write");
    }

    pub fn get(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).expect(path)
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).expect(path);
    }

    pub fn options(&self) -> Options {
        Options {
            engines: vec![self.engine],
            dry_run: false,
            host_root: self.root.path().to_owned(),
            policy: None,
            make_default: false,
            binary: PathBuf::from("/usr/bin/sevorix"),
        }
    }

    pub fn install(&self) -> Result<Report, Error> {
        install(&self.options())
    }

    pub fn install_as_default(&self) -> Result<Report, Error> {
        install(&Options {
            make_default: true,
            ..self.options()
        })
    }

    pub fn uninstall(&self) -> Result<Report, Error> {
        uninstall(&self.options())
    }

    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        collect(self.root.path(), &mut tree);
        tree
    }

    /// Installing twice changes once; uninstalling gives back every byte and every mode.
    pub fn check_round_trip(&self) {
        for is_default in [false, true] {
            let before = self.tree();
            let options = Options {
                make_default: is_default,
                ..self.options()
            };
            let dry_run = Options {
                dry_run: true,
                ..options.clone()
            };
            let foretold = install(&dry_run).expect("dry run");
            assert_eq!(self.tree(), before, "a dry run writes nothing");
            let report = install(&options).expect("install");
            assert!(report.changes_anything() && foretold.changes_anything());
            let diff = |report: &Report| {
                report
                    .to_string()
                    .replace("dry run, nothing was written; ", "")
            };
            assert_eq!(diff(&report), diff(&foretold));
            let installed = self.tree();
            assert!(!install(&options).expect("again").changes_anything());
            assert_eq!(self.tree(), installed, "a second time changes nothing");
            self.uninstall().expect("uninstall");
            assert_eq!(self.tree(), before, "everything is as it was");
            assert!(!self.uninstall().expect("again").changes_anything());
            assert_eq!(self.tree(), before);
        }
    }

    /// A file that cannot be understood stops everything, with its name and line.
    pub fn check_refused(&self, path: &str, line: usize) {
        let before = self.tree();
        for result in [self.install(), self.uninstall()] {
            let error = result.expect_err("broken").to_string();
            assert!(error.contains(&format!("{path} line {line}: ")), "{error}");
        }
        assert_eq!(self.tree(), before);
    }
}

fn collect(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        let metadata = fs::metadata(&path).expect("metadata");
        let bytes = metadata.is_file().then(|| fs::read(&path).expect("file"));
        tree.insert(path.clone(), (metadata.permissions().mode(), bytes));
        if metadata.is_dir() {
            collect(&path, tree);
        }
    }
}
