//! The metrics server's flags, read as the server reads them.

use cluster_format::{Mistake, YamlNode};

use super::super::format::{ExpectationFields, Spec, Step};
use crate::world::flag_mistakes;

/// Reports flags with which the server would refuse to start where the file does not expect that.
pub(super) fn check(spec: &Spec<ExpectationFields>, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if !at.field("server").broken {
        let steps = &spec.steps;
        check_list(&spec.server.args, steps, at.field("server").field("args"), mistakes);
    }
    for (index, step) in spec.steps.iter().enumerate() {
        let node = at.field("steps").item(index).field("change").field("server");
        let changed = step.change.as_ref().and_then(|change| change.server.as_ref());
        if let Some(args) = changed.and_then(|server| server.args.as_ref())
            && !node.broken
        {
            // From this step on.
            let (this, later) = (&spec.steps[index..=index], &spec.steps[index + 1..]);
            if !expects_refusal(this) {
                check_list(args, later, node.field("args"), mistakes);
            }
        }
    }
}

/// Checks the flags that the server has until one of these steps gives it others.
fn check_list(
    args: &[String],
    steps: &[Step<ExpectationFields>],
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) {
    let restarts = |step: &Step<ExpectationFields>| {
        let server = step.change.as_ref().and_then(|change| change.server.as_ref());
        server.is_some_and(|server| server.args.is_some())
    };
    let until = steps.iter().position(restarts).unwrap_or(steps.len());
    if expects_refusal(&steps[..until]) {
        return;
    }
    for text in flag_mistakes(args) {
        let flag = |arg: &String| {
            let name = arg.split('=').next().unwrap_or_default();
            name.starts_with('-') && text.contains(name)
        };
        let place = args.iter().position(flag).map_or(at, |index| at.item(index));
        mistakes.push(
            Mistake::at(place.place(), format!("the metrics server refuses to start: {text}"))
                .help("correct the flag, or expect this with \"refused\""),
        );
    }
}

fn expects_refusal(steps: &[Step<ExpectationFields>]) -> bool {
    steps.iter().flat_map(|step| &step.expect).any(|it| it.refused.is_some())
}
