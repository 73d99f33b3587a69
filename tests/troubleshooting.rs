//! `docs/troubleshooting.md` matches the scenarios: they show each symptom and each cure on the
//! page.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::{fs, path::Path};

use diagnosis::Cause;
use metrics_server::flags::Flags;
use serde_json::Value;

const PAGE: &str = include_str!("../docs/troubleshooting.md");

/// One failure of the page.
struct Failure {
    title: &'static str,
    body: &'static str,
}

fn failures() -> Vec<Failure> {
    let parts = PAGE.split("\n### ").skip(1);
    let failures = parts.map(|part| {
        let (title, rest) = part.split_once('\n').unwrap();
        Failure { title, body: rest.split("\n## ").next().unwrap() }
    });
    failures.collect()
}

// === impl Failure ===

impl Failure {
    /// What is marked as code in the lines of a kind.
    fn code(&self, kind: &str) -> Vec<&'static str> {
        let start = format!("- {kind}: ");
        let lines = self.body.lines().filter_map(|line| line.strip_prefix(&start));
        lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
    }

    fn has(&self, kind: &str) -> bool {
        let start = format!("- {kind}: ");
        self.body.lines().any(|line| line.len() > start.len() && line.starts_with(&start))
    }
}

/// What a scenario expects, and what the server did in it.
fn shown(scenario: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{scenario}: {error}"));
    let story = scenario.replacen("scenarios/", "tests/snapshots/", 1).replace(".yaml", ".snap");
    let story = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(story));
    text + &story.unwrap_or_default().replace("\\\"", "\"")
}

/// What a test expects, where no scenario can show it.
fn tested(test: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(test);
    let shown = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{test}: {error}"));
    shown.replace("\\\"", "\"")
}

#[test]
fn each_failure_has_all_parts() {
    let failures = failures();
    assert!(failures.len() > 25, "only {} failures were found", failures.len());
    for failure in failures {
        for kind in ["Symptom", "Cause", "Cure", "Scenario"] {
            assert!(failure.has(kind), "{}: no {kind}", failure.title);
        }
    }
}

#[test]
fn each_symptom_is_seen_in_a_scenario() {
    for failure in failures() {
        let scenarios = failure.code("Scenario").into_iter().map(shown);
        let shown: String = scenarios.chain(failure.code("Test").into_iter().map(tested)).collect();
        for symptom in failure.code("Symptom") {
            // What is shorter is found in any text.
            assert!(symptom.len() >= 8, "{}: {symptom} is too short", failure.title);
            assert!(shown.contains(symptom), "{}: nothing says {symptom}", failure.title);
        }
    }
}

#[test]
fn each_cure_names_flags_that_exist() {
    let flags = Flags::parse_from_args([]).unwrap();
    for failure in failures() {
        for code in failure.code("Cure") {
            let name = code.trim_start_matches("--").split('=').next().unwrap();
            // Kubelets have flags too.
            if code.starts_with("--") && code != "--node-ip" {
                assert!(flags.effective().contains_key(name), "{}: {code}", failure.title);
            }
        }
    }
}

/// In the words of kubectl, autoscalers and events, which people search for.
#[test]
fn messages_of_other_programs_are_on_the_page() {
    let elsewhere: Vec<_> =
        failures().iter().flat_map(|failure| failure.code("Elsewhere")).collect();
    for searched in [
        "the server is currently unable to handle the request",
        "FailedGetResourceMetric",
        "unable to get metrics for resource cpu",
        "missing request for cpu",
        "couldn't get resource list for metrics.k8s.io",
        "Readiness probe failed",
        "network is unreachable",
        "connection reset by peer",
        "ImagePullBackOff",
        "unable to fully collect metrics",
        "no metrics known for node",
    ] {
        assert!(elsewhere.iter().any(|text| text.starts_with(searched)), "{searched}");
    }
}

/// A way around a failure is shown to work, by a scenario with the flag.
#[test]
fn each_way_around_is_shown() {
    for way in ["--kubelet-address-fallback", "--kubelet-endpoint=auto"] {
        let with: Vec<_> =
            failures().into_iter().filter(|failure| failure.code("Cure").contains(&way)).collect();
        assert!(!with.is_empty(), "nothing is said of {way}");
        for failure in with {
            let shown: String = failure.code("Scenario").into_iter().map(shown).collect();
            assert!(shown.contains(way), "{}: nothing shows {way}", failure.title);
        }
    }
}

/// Links to a cause lead to the failure that names it, and its scenario is one that shows it.
#[test]
fn each_cause_has_its_anchor_and_its_scenario() {
    let failures = failures();
    for cause in Cause::ALL {
        let name = cause.name();
        let anchor = format!("<a id=\"{name}\"></a>");
        let with: Vec<_> = failures.iter().filter(|it| it.body.contains(&anchor)).collect();
        let [failure] = &with[..] else { panic!("{name}: {} failures have it", with.len()) };
        assert_eq!(PAGE.matches(&anchor).count(), 1, "{name}");
        assert_eq!(cause.page(), format!("docs/troubleshooting.md#{name}"));
        let title = failure.title;
        let Some(scenario) = cause.scenario() else {
            let variant = format!("{cause:?}");
            let lines = ["go_server", "kubectl", "others"]
                .map(|file| tested(&format!("harness/tests/explain/lines/{file}.rs")));
            let words = lines.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
            assert!(words.into_iter().any(|word| word == variant), "{name}: no line shows it");
            continue;
        };
        assert!(failure.code("Scenario").contains(&scenario), "{name}: {title}: no {scenario}");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario).is_file(), "{scenario}");
    }
    let named: Vec<_> = failures.iter().flat_map(|failure| failure.code("Name")).collect();
    for name in &named {
        assert!(Cause::by_name(name).is_some(), "the page names {name}");
    }
    assert_eq!(named.len(), Cause::ALL.len());
}

/// The objects of the manifests.
fn objects() -> Vec<Value> {
    let read = |name: &str| -> Vec<Value> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kind-config/base").join(name);
        serde_yaml::from_multiple(&fs::read_to_string(path).unwrap()).unwrap()
    };
    ["deployment.yaml", "rbac.yaml", "apiservice.yaml", "service.yaml"]
        .into_iter()
        .flat_map(read)
        .collect()
}

/// The lines of kubectl in cures and in documents.
fn commands() -> Vec<String> {
    let steps = Cause::ALL.iter().flat_map(|cause| cause.steps());
    let steps = steps.flat_map(|step| step.text.lines()).map(str::to_owned);
    let pages = [PAGE, include_str!("../docs/diagnose.md"), include_str!("../README.md")];
    let pages = pages.iter().flat_map(|page| page.split(['`', '\n'])).map(str::to_owned);
    let lines = steps.chain(pages).map(|line| line.trim().trim_start_matches("$ ").to_owned());
    lines.filter(|line| line.starts_with("kubectl ")).collect()
}

/// Manifests, Helm chart and other installations have different labels, and the same names.
#[test]
fn commands_name_what_there_is() {
    let objects = objects();
    let exists = |kind: &str, name: &str| {
        let is = |object: &Value| {
            object["kind"].as_str().unwrap().eq_ignore_ascii_case(kind)
                && object["metadata"]["name"] == name
        };
        objects.iter().any(is)
    };
    let (commands, mut named) = (commands(), 0);
    assert!(commands.len() > 50, "only {} commands were found", commands.len());
    for command in commands {
        let words: Vec<_> = command.split(' ').collect();
        for pair in words.windows(2) {
            let (kind, name) = pair[0].split_once('/').unwrap_or((pair[0], pair[1]));
            // The kubelet's and DNS's are not in the manifests, nor are names to be replaced.
            let is_name = name == "metrics-server" || name.ends_with(".metrics.k8s.io");
            if is_name && ["deployment", "service", "apiservice", "clusterrole"].contains(&kind) {
                assert!(exists(kind, name), "{command}: there is no {kind} {name}");
                named += 1;
            }
        }
        for selector in words.iter().filter_map(|word| word.strip_prefix("--selector=")) {
            // CoreDNS has this label everywhere, and a Service's slices have the other.
            let known = ["k8s-app=kube-dns", "kubernetes.io/service-name=metrics-server"];
            assert!(known.contains(&selector), "{command}: not every installation has {selector}");
        }
        assert!(!command.ends_with('.'), "{command}: a copy of it fails");
    }
    assert!(named > 20, "only {named} names were found");
}

/// The commands of cures: patches are JSON and fit the manifests, flags exist.
#[test]
fn each_step_of_a_cure_can_be_taken() {
    let objects = objects();
    let flags = Flags::parse_from_args([]).unwrap();
    let (mut patches, mut set) = (0, 0);
    for (cause, line) in Cause::ALL.iter().flat_map(|cause| {
        cause.steps().iter().flat_map(|step| step.text.lines()).map(move |line| (cause, line))
    }) {
        let Some((command, json)) = line.split_once(" --patch '") else { continue };
        patches += 1;
        let operations: Value = serde_json::from_str(json.trim_end_matches('\'')).unwrap();
        let words: Vec<_> = command.split(' ').collect();
        let at = words.iter().position(|word| *word == "patch").unwrap();
        let object = objects.iter().find(|object| {
            object["kind"].as_str().unwrap().eq_ignore_ascii_case(words[at + 1])
                && object["metadata"]["name"] == words[at + 2]
        });
        let object = object.unwrap_or_else(|| panic!("{cause:?}: no object for {line}"));
        for operation in operations.as_array().unwrap_or(&Vec::new()) {
            let path = operation["path"].as_str().unwrap();
            let parent = path.rsplit_once('/').unwrap().0;
            assert!(object.pointer(parent).is_some(), "{cause:?}: no {parent} for {line}");
            if let Some(flag) = operation["value"].as_str().and_then(|v| v.strip_prefix("--")) {
                let name = flag.split('=').next().unwrap();
                assert!(flags.effective().contains_key(name), "{cause:?}: --{name}");
                set += 1;
            }
        }
    }
    assert!(patches > 10 && set > 10, "only {patches} patches with {set} flags were found");
}
