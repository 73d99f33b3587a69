//! The program `fake-kubelet`.

use std::process::ExitCode;

/// Ten thousand connections make and drop the same few sizes all the time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    fake_kubelet::program::main()
}
