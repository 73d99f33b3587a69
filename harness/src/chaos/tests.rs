use std::path::Path;

use super::{
    document,
    laws::{self, Broken},
    plan::{Action, Plan},
    shrink::shrink,
};
use crate::file;

#[test]
fn every_plan_and_all_that_are_smaller_are_sound_files() {
    for seed in 0..30 {
        let plan = Plan::random(seed);
        let text = document::write(&plan);
        assert_eq!(text, document::write(&Plan::random(seed)), "seed {seed}");
        for plan in plan.smaller().iter().step_by(7).chain([&plan]) {
            let text = document::write(plan);
            if let Err(errors) = file::parse(Path::new("chaos.yaml"), text) {
                panic!("seed {seed}: {errors}");
            }
        }
    }
}

#[test]
fn what_has_nothing_to_do_with_a_failure_is_left_out() {
    let is_restart = |action: &Action| matches!(action, Action::Restart { .. });
    let restarts = |plan: &Plan| {
        let mut actions = plan.steps.iter().flat_map(|step| &step.actions);
        let broken = Broken { law: "no restart".to_owned(), text: String::new() };
        actions.any(is_restart).then_some(broken)
    };
    let plan =
        (0..1000).map(Plan::random).find(|plan| plan.steps.len() > 3 && restarts(plan).is_some());
    let plan = plan.unwrap();
    let broken = restarts(&plan).unwrap();
    let (plan, _) = shrink(plan, broken, restarts);
    let [step] = plan.steps.as_slice() else { panic!("{} steps", plan.steps.len()) };
    assert!(matches!(step.actions.as_slice(), [action] if is_restart(action)));
    assert_eq!((step.cycles, plan.grace, plan.fallback, plan.verify), (1, 0, false, false));
    assert!(matches!(plan.nodes.as_slice(), [node] if node.pods.is_empty() && !node.named));
}

#[test]
fn a_broken_law_is_found() {
    let text = document::write(&Plan::random(1));
    let judged = laws::run(text.replacen("ready: true", "ready: false", 1), true);
    let broken = judged.broken.unwrap();
    assert_eq!(broken.law, "ready");
    assert!(broken.text.contains("ready: false"), "{}", broken.text);
    assert!(judged.transcript.contains("all is well"));
}
