//! Compiles the programs of the floor into one object, those of a host that can't take them into another, and the Rust
//! side of both.

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
    let floor = compile("floor", &out);
    compile("degraded", &out);
    println!("cargo:rustc-env=SEVORIX_FLOOR={}", name_of(&floor));
}

/// One object and its skeleton.
fn compile(name: &str, out: &Path) -> PathBuf {
    let object = out.join(format!("{name}.bpf.o"));
    SkeletonBuilder::new()
        .source(Path::new(SOURCES).join(format!("{name}.bpf.c")))
        .obj(&object)
        .clang_args(["-Wall", "-Werror", "-mcpu=v3"])
        .build_and_generate(out.join(format!("{name}.skel.rs")))
        .unwrap_or_else(|error| panic!("the programs of the {name} do not compile: {error:#}"));
    object
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
