//! The law of `scenario capture`: a captured cluster fails in the same way. Each scenario of the
//! library runs up to the first step in which something fails, or to its end. Its cluster is
//! captured then through the API server, and what is captured is a valid scenario that passes, and
//! whose log has the same causes for the same nodes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    thread,
};

use diagnosis::Cause;
use fake_apiserver::User;
use harness::{
    capture::{CaptureError, Captured, from_client},
    events::{Event, What},
    explain::Explainer,
    file::{self, ScenarioFile},
    run::{run, run_and_look},
};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::Value;

/// The label of what takes long; the scenarios' own test leaves it out too.
const SLOW: &str = "slow";

/// Scenarios for which the law does not hold, and why it cannot.
const EXCEPTIONS: [(&str, &str); 9] = [
    ("auth/exec-plugin", "its failure is over when it is captured"),
    ("dns/nsswitch.yaml[dns-first]", "nsswitch.conf is in the image, which is not read"),
    ("dns/one-name-for-all", "one name leads to another node each time, by chance"),
    ("dns/upstream-by-chance", "name servers that differ answer by chance"),
    ("kubelet/now-and-then", "connections break by chance, and most failures are over"),
    ("kubelet/duplicates-of-one-kubelet", "a recording has pods that the API server does not have"),
    ("kubelet/one-counter-falls", "a recording has a counter that falls"),
    ("kubelet/one-pod-two-kubelets", "a recording has another node's pod"),
    ("kubelet/pods-that-do-not-exist", "a recording has pods that the API server does not have"),
];

/// Causes by node; those of the cluster have no name.
type Causes = BTreeMap<String, BTreeSet<&'static str>>;

/// What became of a scenario.
enum Held {
    Yes,
    /// Its cluster cannot be captured: the server has ended, or the API server does not answer.
    NotCaptured,
    No(String),
}

fn lines(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match &event.what {
        What::Log { text } => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(line).collect()
}

fn causes(lines: &[String]) -> Causes {
    let mut explainer = Explainer::default();
    explainer.read("log", lines.join("\n").as_bytes()).unwrap();
    let mut causes = Causes::new();
    for group in explainer.finish().causes {
        let is_of_cluster = group.nodes.is_empty()
            && !group.cause.is_consequence()
            && !Cause::OF_SCRAPES.contains(&group.cause);
        let nodes = group.nodes.into_keys().chain(is_of_cluster.then(String::new));
        for node in nodes {
            causes.entry(node).or_default().insert(group.cause.name());
        }
    }
    causes
}

/// The scenario up to its first step in which something fails.
fn to_first_failure(file: &ScenarioFile) -> ScenarioFile {
    let outcome = run(file);
    let mut until = file.clone();
    let is_step = |event: &&Event| matches!(event.what, What::Step(_));
    for (index, event) in outcome.events.iter().enumerate() {
        let is_end = matches!(event.what, What::Step(_)) || index + 1 == outcome.events.len();
        if is_end && !causes(&lines(&outcome.events[..=index])).is_empty() {
            let steps = outcome.events[..index].iter().filter(is_step).count();
            until.scenario.spec.steps.truncate(steps);
            break;
        }
    }
    until
}

fn check(file: &ScenarioFile) -> Held {
    let file = to_first_failure(file);
    let looked = run_and_look(&file, async |world| {
        world.install(&file).await.unwrap();
        from_client(world.admin(), "https://10.96.0.1", "kube-system").await
    });
    let (outcome, captured) = looked.unwrap();
    let has_ended = |event: &Event| matches!(event.what, What::Ended { .. });
    if outcome.events.iter().any(has_ended) {
        return Held::NotCaptured;
    }
    let captured = match captured {
        Ok(captured) => captured,
        Err(CaptureError::Unreachable { .. }) => return Held::NotCaptured,
        Err(error) => return Held::No(error.to_string()),
    };
    if let Some(unread) = captured.unread.iter().find(|it| !it.what.contains("metrics.k8s.io/")) {
        return Held::No(format!("not read: {unread:?}"));
    }
    let parsed = file::parse(Path::new("captured.yaml"), captured.yaml).unwrap().remove(0);
    let again = run(&parsed);
    let (expected, seen) = (causes(&lines(&outcome.events)), causes(&lines(&again.events)));
    if expected != seen {
        return Held::No(format!("it has {expected:?}, captured {seen:?}"));
    }
    if again.passed() {
        return Held::Yes;
    }
    Held::No(format!("{:?}", again.failures))
}

#[test]
fn a_captured_cluster_fails_in_the_same_way() {
    let files = file::discover(&["scenarios".into()]).unwrap();
    let files: Vec<_> = files.iter().flat_map(|path| file::load(path).unwrap()).collect();
    let is_fast = |file: &&ScenarioFile| !file.scenario.metadata.labels.contains_key(SLOW);
    let files: Vec<_> = files.iter().filter(is_fast).collect();
    let held = thread::scope(|scope| {
        let check = |part: &[&ScenarioFile]| {
            part.iter().map(|file| (file.full_name(), check(file))).collect::<Vec<_>>()
        };
        let (first, second) = files.split_at(files.len() / 2);
        let other = scope.spawn(move || check(second));
        let mut held = check(first);
        held.extend(other.join().unwrap());
        held
    });
    let mut wrong = Vec::new();
    let mut counts = [0; 3];
    for (name, held) in &held {
        let exception = EXCEPTIONS.iter().any(|(scenario, _)| name.contains(scenario));
        match held {
            Held::Yes if exception => wrong.push(format!("{name}: it holds, take it off the list")),
            Held::Yes => counts[0] += 1,
            Held::NotCaptured => counts[1] += 1,
            Held::No(_) if exception => counts[2] += 1,
            Held::No(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{counts:?}\n{}", wrong.join("\n"));
    assert!(counts[0] > 150, "{counts:?}");
}

/// The rules of the ClusterRole and the Role with which capture does.
fn rules() -> Vec<PolicyRule> {
    let text = fs::read_to_string("kind-config/capture/role.yaml").unwrap();
    let documents: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
    let is_bound = |role: &&Value| role["metadata"]["name"] == "metrics-server-capture";
    let bound = documents.iter().filter(is_bound);
    bound
        .flat_map(|role| serde_json::from_value::<Vec<PolicyRule>>(role["rules"].clone()).unwrap())
        .collect()
}

/// Captures a cluster as a user with these rules alone.
fn captured_with(rules: &[PolicyRule]) -> Captured {
    let file = file::load(Path::new("scenarios/tls/csr-not-approved.yaml")).unwrap().remove(0);
    let looked = run_and_look(&to_first_failure(&file), async |world| {
        world.install(&file).await.unwrap();
        world.api_server().add_token("viewer", User::new("viewer", &[]));
        world.api_server().set_rules("viewer", rules.to_vec());
        let client = world.client("viewer").unwrap();
        from_client(&client, "https://10.96.0.1", "kube-system").await.unwrap()
    });
    looked.unwrap().1
}

#[test]
fn the_role_has_what_capture_reads_and_nothing_else() {
    let rules = rules();
    let all = captured_with(&rules);
    assert_eq!(all.unread, [], "{}", all.yaml);
    insta::assert_snapshot!(all.yaml);
    // Each resource of each rule is read, and what is missing is a question.
    for (index, rule) in rules.iter().enumerate() {
        for resource in rule.resources.iter().flatten() {
            for name in rule.resource_names.clone().unwrap_or_else(|| vec![String::new()]) {
                let mut fewer = rules.clone();
                fewer[index].resources.as_mut().unwrap().retain(|it| it != resource);
                let others = rule.resource_names.iter().flatten();
                let others: Vec<_> = others.filter(|it| **it != name).cloned().collect();
                if !others.is_empty() {
                    let names = Some(others);
                    fewer.push(PolicyRule { resource_names: names, ..rule.clone() });
                }
                let captured = captured_with(&fewer);
                let unread = captured.unread.iter().map(|it| it.why.as_str()).collect::<String>();
                assert!(unread.contains("is forbidden"), "{resource} {name}: {unread}");
                assert!(captured.yaml.contains("# question: /api"), "{}", captured.yaml);
            }
        }
    }
}
