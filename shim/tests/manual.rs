//! The manual pages and completions in the tree are what the grammar makes of itself today.

#[path = "../examples/manual/pages.rs"]
mod pages;

use std::path::Path;

#[test]
fn the_manual_is_current() {
    for (path, expected) in pages::all().expect("generated") {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(&path);
        let found = std::fs::read(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(
            found == expected,
            "{path} is out of date: cargo run -p sevorix --example manual"
        );
    }
}

#[test]
fn no_page_is_left_of_a_verb_that_is_gone() {
    let made: Vec<String> = pages::all()
        .expect("generated")
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/man");
    for entry in std::fs::read_dir(folder).expect("docs/man").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_a_verbs = name.starts_with("sevorix-") || name == "sevorix.8";
        assert!(
            !is_a_verbs || made.contains(&format!("../docs/man/{name}")),
            "{name} belongs to no verb"
        );
    }
}
