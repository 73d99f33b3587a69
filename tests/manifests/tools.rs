//! The programs that build what is installed.

use std::{env, process::Command};

/// `KUBECTL`, or else kubectl.
pub(super) fn kubectl() -> Option<Command> {
    program("KUBECTL", "kubectl", &["version", "--client"])
}

/// `HELM`, or else helm.
pub(super) fn helm() -> Option<Command> {
    program("HELM", "helm", &["version"])
}

/// `None`, with the reason printed, where it cannot be run. Continuous integration has it.
fn program(variable: &str, name: &str, check: &[&str]) -> Option<Command> {
    let path = env::var_os(variable).unwrap_or_else(|| name.into());
    match Command::new(&path).args(check).output() {
        Ok(_) => Some(Command::new(path)),
        Err(error) if env::var_os("CI").is_some() => {
            panic!(
                "{name} cannot be run: {error}; .ci/tools FOLDER fetches it, and {variable} names it"
            )
        }
        Err(error) => {
            eprintln!("skipped: {name} cannot be run: {error}");
            None
        }
    }
}
