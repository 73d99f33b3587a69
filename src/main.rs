//! The program `metrics-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    metrics_server::program::main()
}
