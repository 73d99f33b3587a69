//! The program `kubectl-metrics_doctor`: as a plugin of kubectl, `kubectl metrics-doctor`.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::program::doctor()
}
