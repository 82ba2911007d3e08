//! Writes the manual pages and the completions anew: `cargo run --example manual`.

mod pages;

use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in pages::all()? {
        let path = crate_folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(crate_folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}
