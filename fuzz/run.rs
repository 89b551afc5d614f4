//! One target under libFuzzer: the one whose name the program bears. `cargo fuzz run <target>`, see `README.md`.

#![no_main]

#[expect(dead_code, reason = "what says how a test run mutates is not read here")]
mod targets;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = targets::TARGETS.iter().find(|target| target.name == env!("CARGO_BIN_NAME"));
    // Whether they were accepted is the target's own affair; what matters here is that it does not fall over.
    let _ = (found.expect("a target of that name").run)(bytes);
});
