//! The program `metrics-server`.

use std::process::ExitCode;

/// Scrapes make and drop the same few sizes all the time, between objects that stay: docs/performance.md
/// has what this saves.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    metrics_server::program::main()
}
