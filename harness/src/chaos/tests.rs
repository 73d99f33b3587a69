use std::{fs, path::Path, time::Duration};

use super::{
    document,
    laws::{self, Broken, HANG, Judged},
    plan::{Action, Plan},
    report,
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
        let broken = actions.any(is_restart).then_some(broken);
        Judged { broken, cluster_time: Duration::ZERO, transcript: String::new() }
    };
    let is_long = |plan: &Plan| plan.steps.len() > 3 && restarts(plan).broken.is_some();
    let plan = (0..1000).map(Plan::random).find(is_long).unwrap();
    let judged = restarts(&plan);
    let (plan, _) = shrink(plan, judged, restarts);
    let [step] = plan.steps.as_slice() else { panic!("{} steps", plan.steps.len()) };
    assert!(matches!(step.actions.as_slice(), [action] if is_restart(action)));
    assert_eq!((step.cycles, plan.grace, plan.fallback, plan.verify), (1, 0, false, false));
    assert!(matches!(plan.nodes.as_slice(), [node] if node.pods.is_empty() && !node.named));
}

/// A seed's scenario with one expectation made wrong, and the law that it then breaks.
#[test]
fn each_law_can_be_broken() {
    let plan = |has: &dyn Fn(&str) -> bool| {
        let mut texts = (1..500).map(|seed| document::write(&Plan::random(seed)));
        texts.find(|text| has(text)).unwrap()
    };
    let rows = [
        ("ready: true", "ready: false", "ready"),
        ("noLog: Panicked", "noLog: Serving securely", "noLog"),
        ("log: 'Failed to scrape node…lookup", "log: 'Failed to scrape node…sought", "log"),
        ("log: 'Failed to scrape node…connection refused", "log: 'never", "log"),
        ("status: 404}", "status: 200}", "status"),
        ("usage: {cpu: ", "usage: {cpu: 9", "body"),
    ];
    for (right, wrong, law) in rows {
        let text = plan(&|text| text.contains(right));
        // The server starts in the first step; expectations come after what they expect.
        let at = if law == "noLog" { text.find(right) } else { text.rfind(right) }.unwrap();
        let text = [&text[..at], wrong, &text[at + right.len()..]].concat();
        let judged = laws::run(text, false);
        let broken = judged.broken.unwrap_or_else(|| panic!("{right} may be {wrong}"));
        assert_eq!(broken.law, law, "{right}: {}", broken.text);
        assert!(judged.transcript.contains("all is well"), "{right}");
    }
}

#[test]
fn a_broken_law_leaves_a_file_that_can_be_run_and_its_time_line() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Some(Broken { law: HANG.to_owned(), text: "it did not end".to_owned() });
    let judged =
        Judged { broken, cluster_time: Duration::ZERO, transcript: "what happened".to_owned() };
    let found = report(3, Plan::random(3), judged, folder.path()).unwrap().unwrap();
    assert_eq!((found.seed, found.broken.law.as_str()), (3, HANG));
    let text = fs::read_to_string(&found.file).unwrap();
    assert!(file::parse(&found.file, text).is_ok());
    assert_eq!(fs::read_to_string(found.file.with_extension("log")).unwrap(), "what happened");
}
