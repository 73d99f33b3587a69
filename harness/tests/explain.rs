//! `scenario explain`: what it says of lines and documents from the field, and what it bears.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

#[path = "explain/bounds.rs"]
mod bounds;
#[path = "explain/documents.rs"]
mod documents;
#[path = "explain/lines.rs"]
mod lines;
#[path = "explain/program.rs"]
mod program;

use diagnosis::Cause;
use harness::explain::{Explainer, Explanation};

use crate::lines::Says;

fn explain(input: &[u8]) -> Explanation {
    let mut explainer = Explainer::default();
    explainer.read("log", input).unwrap();
    explainer.finish()
}

/// Causes with their nodes.
fn found(explanation: &Explanation) -> Vec<(Cause, Vec<&str>)> {
    let causes = explanation.causes.iter();
    causes.map(|group| (group.cause, group.nodes.keys().map(String::as_str).collect())).collect()
}

#[test]
fn each_line_has_its_cause_and_node() {
    let mut wrong = Vec::new();
    for (line, says) in [lines::GO_SERVER, lines::KUBECTL, lines::OTHERS].concat() {
        let explanation = explain(line.as_bytes());
        let (found, unknown) = (found(&explanation), explanation.unknown.lines);
        let mut expected = match says {
            Says::Cause(cause) => vec![(cause, vec![])],
            Says::Nodes(nodes) | Says::Partly(nodes) => {
                nodes.iter().map(|(cause, node)| (*cause, vec![*node])).collect()
            }
            Says::Harmless | Says::Unknown => vec![],
        };
        expected.sort_by_key(|(cause, _)| (cause.is_consequence(), *cause));
        let is_unknown = matches!(says, Says::Unknown | Says::Partly(_));
        if (&found, unknown) != (&expected, u64::from(is_unknown)) {
            wrong.push(format!("{line}\n  {says:?}: found {found:?}, {unknown} unknown"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
