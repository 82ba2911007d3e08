//! Compiles the programs of the floor into one object, and the Rust side of it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use libbpf_cargo::SkeletonBuilder;
use sha2::{Digest, Sha256};

const SOURCES: &str = "src/bpf";

fn main() {
    // a new file in the folder counts, too
    println!("cargo:rerun-if-changed={SOURCES}");
    for entry in fs::read_dir(SOURCES).expect("the folder of the programs") {
        let path = entry
            .expect("an entry of the folder of the programs")
            .path();
        println!("cargo:rerun-if-changed={}", path.display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let object = out.join("floor.bpf.o");
    SkeletonBuilder::new()
        .source(Path::new(SOURCES).join("floor.bpf.c"))
        .obj(&object)
        .clang_args(["-Wall", "-Werror", "-mcpu=v3"])
        .build_and_generate(out.join("floor.skel.rs"))
        .unwrap_or_else(|error| panic!("the programs of the floor do not compile: {error:#}"));
    println!("cargo:rustc-env=SEVORIX_FLOOR={}", name_of(&object));
}

/// Programs and maps of one object belong together: the folder of their pins has its digest for a name.
fn name_of(object: &Path) -> String {
    let bytes = fs::read(object).expect("the object that was just built");
    let digest = Sha256::digest(bytes);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
