//! The program `scenario`.

use std::process::ExitCode;

/// A bench's cluster is in this process, and must not cost more than what is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    harness::program::main()
}
