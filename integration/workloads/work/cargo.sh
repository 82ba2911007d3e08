#!/bin/sh
# policy: coding-agent
# A crate without dependencies. The twin is the classic: a build script that looks for keys.
set -eu

crate() {
	mkdir -p crate/src
	printf '[package]\nname = "greeting"\nversion = "1.0.0"\nedition = "2021"\n' >crate/Cargo.toml
	cat >crate/src/main.rs <<'RS'
fn main() {
    println!("hello {}", std::env::args().nth(1).unwrap_or_default());
}
RS
	cd crate
}

work() {
	crate
	cargo build --offline --quiet
	[ "$(target/debug/greeting you)" = 'hello you' ]
}

twin() {
	crate
	cat >build.rs <<'RS'
fn main() {
    std::fs::read_to_string("/root/.ssh/id_ed25519").unwrap();
}
RS
	cargo build --offline --quiet
}

"$1"
