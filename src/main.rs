//! The process: the cryptographic provider before anything else, then what was typed.

use std::process::ExitCode;

use portcullis::cli;
use portcullis::crypto;

/// About a tenth less CPU for each request than the system's, in a trial (`docs/decisions/0004-dependencies.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match crypto::install_provider() {
        Ok(()) => cli::main(),
        Err(fault) => cli::refuse_to_start(&fault),
    }
}
