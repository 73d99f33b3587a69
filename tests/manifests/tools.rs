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

/// `None`, with the reason printed, where it is not installed. What the variable names must be there.
fn program(variable: &str, name: &str, check: &[&str]) -> Option<Command> {
    let named = env::var_os(variable);
    let path = named.clone().unwrap_or_else(|| name.into());
    match Command::new(&path).args(check).output() {
        Ok(_) => Some(Command::new(path)),
        Err(error) if named.is_some() => {
            panic!("{}, named by {variable}, cannot be run: {error}", path.display())
        }
        Err(error) => {
            eprintln!("skipped: {name} cannot be run: {error}; .ci/tools FOLDER fetches it");
            None
        }
    }
}
