#![no_main]

#[path = "../../tests/laws/bodies.rs"]
#[allow(dead_code)] // the others have targets of their own
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::to_service(bytes));
