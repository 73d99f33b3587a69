mod cannot_fail;
mod faults;
mod mistakes;

use std::{fmt::Write, path::Path};

use cluster_format::{unknown_keywords, yaml};

use super::*;

/// The smallest valid scenario.
const HEAD: &str = "\
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: test}
spec:
  about: A test.
";

const GOOD: &str = r"# yaml-language-server: $schema=../schema.json
apiVersion: harness/v1alpha1
kind: Scenario
metadata:
  name: hostname-not-in-dns
  labels: {area: dns, profile: upstream}
spec:
  about: Nodes are known by host name only in /etc/hosts of the machines.
  clock: 2019-01-04T09:53:00Z
  nodes:
    - name: k8s-node1
      addresses: [{type: Hostname, address: k8s-node1}, {type: InternalIP, address: 10.200.100.215}]
      usage: &usage {cpu: 0.5, memory: 2369228Ki}
      pods:
        - {namespace: kube-system, name: coredns, containers: [{name: coredns, usage: *usage}]}
    - name: worker-{n}.example.com
      count: 3
      addresses: [{type: InternalIP, address: 10.0.0.1}]
      kubelet: {sampling: {every: 10s}, faults: {delay: 2s}}
      pods:
        - name: web-{n}
          containers:
            - name: web
              usage: {<<: *usage, cpu: 1m}
  dns: {server: 10.96.0.10, records: {}}
  server:
    args: [--kubelet-insecure-tls, --metric-resolution=30s]
  steps:
    - name: nothing can be scraped
      wait: {cycles: 2}
      expect:
        - log: 'lookup k8s-node1 on 10.96.0.10:53: no such host'
        - get: /apis/metrics.k8s.io/v1beta1/nodes
          body: {items: []}
        - ready: false
    - name: the administrator adds the nodes
      change:
        dns: {records: {k8s-node1: 10.200.100.215}}
        nodes: {worker-2.example.com: {removed: true}}
      wait: {upTo: 90s}
      expect:
        - top: nodes
          table: |
            NAME        CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)
            k8s-node1   311m         31%      2313Mi          62%
        - kubelet: {node: k8s-node1, requests: 2}
";

fn read(text: &str) -> Result<ScenarioFile, FileErrors> {
    read_all(text).map(|mut files| files.remove(0))
}

fn read_all(text: &str) -> Result<Vec<ScenarioFile>, FileErrors> {
    parse(Path::new("scenarios/test.yaml"), text.to_owned())
}

/// The reports on all of these, one after the other.
fn reports(cases: &[(&str, String)]) -> String {
    let mut all = String::new();
    for (name, text) in cases {
        let errors = read(text).expect_err(name);
        write!(all, "== {name}\n{errors}\n\n").unwrap();
    }
    all
}

/// A file with this, indented by two, in its `spec`.
fn spec(fragment: &str) -> String {
    let lines = fragment.trim_matches('\n').lines().map(|line| format!("  {line}\n"));
    HEAD.to_owned() + &lines.collect::<String>()
}

/// A file with these nodes, a flow map each.
fn nodes(nodes: &[&str]) -> String {
    let lines = nodes.iter().map(|node| format!("  - {node}\n"));
    spec(&format!("nodes:\n{}", lines.collect::<String>()))
}

/// A file with two nodes, and a step with this in it.
fn step(fragment: &str) -> String {
    let lines = fragment.trim_matches('\n').lines().map(|line| format!("    {line}\n"));
    spec(&format!(
        "nodes: [{{name: k8s-node1}}, {{name: 'worker-{{n}}', count: 2}}]\nsteps:\n  - name: one\n{}",
        lines.collect::<String>()
    ))
}

fn expectation(fragment: &str) -> String {
    step(&format!("expect:\n  - {fragment}"))
}

/// A snapshot without the expression, which would repeat the whole test.
fn shows(name: &str, text: &str) {
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, text) });
}

#[test]
fn a_good_file_is_read() {
    let file = read(GOOD).unwrap_or_else(|errors| panic!("{errors}"));
    let spec = &file.scenario.spec;
    assert_eq!(file.scenario.metadata.name, "hostname-not-in-dns");
    assert_eq!(spec.nodes[1].pods[0].containers[0].usage.cpu.0.milli(), 1);
    assert_eq!(
        spec.nodes[1].pods[0].containers[0].usage.memory,
        spec.nodes[0].usage.as_ref().unwrap().memory
    );
    assert_eq!(spec.steps[0].expect.len(), 3);
}

#[test]
fn variables_are_replaced_by_their_values() {
    let text = spec(
        "values: {used: {cpu: 2, memory: 1Mi}, name: a, n: 3}\nnodes: [{name: 'x-${name}-${n}', usage: '${used}'}]",
    );
    let file = read(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let node = &file.scenario.spec.nodes[0];
    assert_eq!(node.name, "x-a-3");
    assert_eq!(node.usage.as_ref().unwrap().cpu.0.units(), 2);
    for (wrong, message) in [("${nmae}", "there is no value \"nmae\""), ("x${used}", "no text")] {
        let errors = read(&text.replace("x-${name}-${n}", wrong)).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }
}

#[test]
fn a_matrix_makes_a_scenario_of_each_case() {
    let text = spec(
        "values: {n: 3, m: 1}\nmatrix: {One: {name: a}, two: {name: b, n: 4}}\nnodes: [{name: 'x-${name}-${n}-${m}'}]",
    );
    let files = read_all(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let seen: Vec<_> =
        files.iter().map(|file| (file.name(), file.scenario.spec.nodes[0].name.as_str())).collect();
    assert_eq!(seen, [("test[One]".to_owned(), "x-a-3-1"), ("test[two]".to_owned(), "x-b-4-1")]);
}

#[test]
fn the_least_file_is_read() {
    assert!(read(HEAD).unwrap().scenario.spec.steps.is_empty());
    assert!(read(&format!("\u{feff}{}", HEAD.replace('\n', "\r\n"))).is_ok());
}

#[test]
fn a_failure_is_shown_in_its_file() {
    let file = read(GOOD).unwrap();
    assert_eq!(file.step(1).to_string(), "36:7");
    assert_eq!(file.expectation(1, 1).to_string(), "46:11");
    let table = file.expectation_field(1, 0, "table");
    let shown = [
        file.snippet(&file.step(1), "this step", false),
        file.snippet(&file.expectation(0, 1), "status 503", false),
        file.snippet(&table, "differs", false),
    ];
    shows("a_failure", &shown.join("\n"));
}

#[test]
fn a_mistake_has_its_place_message_and_help() {
    let errors = read(&HEAD.replace("kind:", "knid:")).unwrap_err();
    let [mistake] = errors.mistakes() else { panic!("{errors}") };
    assert_eq!(errors.path(), Path::new("scenarios/test.yaml"));
    assert_eq!(mistake.location.as_ref().map(|l| (l.line, l.column)), Some((2, 1)));
    assert_eq!(mistake.message, "unknown field \"knid\"");
    assert_eq!(mistake.help.as_deref(), Some("did you mean \"kind\"?"));
}

#[test]
fn a_flood_of_mistakes_is_cut() {
    let steps = "    - {nam: a}\n".repeat(5_000);
    let errors = read(&format!("{HEAD}  steps:\n{steps}")).unwrap_err();
    assert_eq!(errors.mistakes().len(), 5_000);
    let report = errors.to_string();
    assert!(report.ends_with("5000 mistakes in scenarios/test.yaml, 4900 of them not shown"));
}

#[test]
fn colour_is_only_used_on_request() {
    let errors = read("kind: 1").unwrap_err();
    assert!(!errors.render(false).contains('\u{1b}'));
    assert!(errors.render(true).contains('\u{1b}'));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let errors = load(Path::new("scenarios/absent.yaml")).unwrap_err();
    insta::assert_snapshot!(errors.to_string(), @"error: scenarios/absent.yaml: cannot be read: No such file or directory (os error 2)");
}

/// Editors go by the schema alone, so what they accept and what is accepted here must agree, but
/// for notations, the bounds of 64-bit numbers and keys that occur twice.
#[test]
fn the_schema_alone_reports_the_same_mistakes() {
    let validator = jsonschema::draft202012::new(schema()).unwrap();
    let cases = [
        (GOOD.to_owned(), true),
        (HEAD.to_owned(), true),
        (HEAD.replace("v1alpha1", "v1"), false),
        (HEAD.replace("about", "abuot"), false),
        (nodes(&["{name: a}"]), true),
        (nodes(&["{name: 1}"]), false),
        (nodes(&["{name: a, kubelet: {port: 70000}}"]), false),
        (nodes(&["{name: a, ready: yes}"]), false),
        (nodes(&["{name: a, usage: {cpu: 1, memory: 1Mi}}"]), true),
        (nodes(&["{name: a, usage: {cpu: 1}}"]), false),
        (nodes(&["{name: a, usage: }"]), true),
        (nodes(&["{name: a, labels: }"]), false),
        (nodes(&["{name: a, addresses: [{type: Internal, address: b}]}"]), false),
        (expectation("{get: /, body: [1, {a: [null]}]}"), true),
        (expectation("{top: node, table: x}"), false),
    ];
    for (text, good) in cases {
        let tree = yaml::parse(&text, load::LIMIT).unwrap();
        assert_eq!(validator.is_valid(&tree.to_json()), good, "schema: {text}");
        assert_eq!(read(&text).is_ok(), good, "checks: {text}");
    }
}

#[test]
fn every_keyword_of_the_schema_is_validated() {
    assert_eq!(unknown_keywords(schema()), [""; 0]);
}
