//! The program `fake-kubelet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fake_kubelet::program::main()
}
