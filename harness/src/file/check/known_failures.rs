//! Programs that are known to fail a scenario.

use cluster_format::{Mistake, YamlNode, suggest::quote};
use semver::VersionReq;

use super::super::format::KnownFailure;

/// The shortest text that a program is known by: shorter ones are in most files.
const SHORTEST: usize = 8;

/// Checks the list.
pub(super) fn check(failures: &[KnownFailure], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (index, known) in failures.iter().enumerate() {
        let at = at.item(index);
        if known.program.len() < SHORTEST {
            let message = format!("{} is in the files of many programs", quote(&known.program));
            mistakes.push(Mistake::at(at.field("program").place(), message).help(
                "write a text that only this one has, such as the path of its Go module, \
                 sigs.k8s.io/metrics-server",
            ));
        }
        if let Some(range) = &known.versions
            && let Err(error) = VersionReq::parse(range)
        {
            let message = format!("{} is not a range of versions: {error}", quote(range));
            mistakes.push(
                Mistake::at(at.field("versions").place(), message)
                    .help("write one such as <0.7.0, or >=0.6.0, <0.8.0"),
            );
        }
        if known.reason.trim().is_empty() {
            let message = "a failure is known without a reason".to_owned();
            mistakes.push(
                Mistake::at(at.field("reason").place(), message)
                    .help("say what is wrong with the program, and link to its issue"),
            );
        }
    }
}
