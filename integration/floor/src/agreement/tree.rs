//! What is acted on: folders four deep, with the same files in each.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Result;

/// Names of 8, 16 and 17 letters and more than a dentry holds: the programs read each kind in another way.
const FOLDERS: [&str; 3] = ["eight-88", "of-17-letters-now", ".env"];
pub const FILES: [&str; 4] = [
    "fa",
    "fb-2-fifteen.pem",
    "f.env",
    "fc-whose-name-is-too-long-to-lie-in-the-dentry-itself.a",
];
/// Names that nothing has yet, some of which rules speak of.
pub const FRESH: [&str; 4] = ["new", "x.pem", "y.a", "z.env"];

pub struct Tree {
    pub folders: Vec<PathBuf>,
    pub files: Vec<PathBuf>,
}

/// The files may be executed as far as their mode goes, and are no programs: whoever may execute one learns just that.
pub fn plant(root: &Path) -> Result<Tree> {
    let mut tree = places(root);
    for folder in &tree.folders {
        fs::create_dir_all(folder)?;
    }
    for file in &tree.files {
        fs::write(file, "content\n")?;
        fs::set_permissions(file, Permissions::from_mode(0o755))?;
    }
    tree.folders.sort();
    Ok(tree)
}

pub fn places(root: &Path) -> Tree {
    let mut level = vec![root.join("chance")];
    let mut folders = Vec::new();
    for _ in 0..4 {
        let inner = level
            .iter()
            .flat_map(|folder| FOLDERS.iter().map(|name| folder.join(name)));
        let inner = inner.collect();
        folders.append(&mut level);
        level = inner;
    }
    let files = folders
        .iter()
        .flat_map(|folder| FILES.iter().map(|file| folder.join(file)));
    Tree {
        files: files.collect(),
        folders,
    }
}
