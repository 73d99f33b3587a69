//! The program `scenario`.

use std::process::ExitCode;

/// A bench's cluster is in this process, and must not cost more than what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harness::program::main()
}
