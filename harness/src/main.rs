//! The program `scenario`.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::program::main()
}
