use std::time::Duration;

use super::*;
use crate::{CertificateKind, Faults};

fn parse(text: &str) -> Result<Vec<KubeletSpec>, String> {
    let file = Path::new("config.yaml");
    let now = "2026-11-22T09:48:15Z".parse().unwrap();
    let specs = Config::parse(file, text).and_then(|config| config.specs(file, now, false));
    specs.map_err(|error| error.to_string())
}

#[test]
fn the_least_is_a_name_and_an_address() {
    let specs = parse("nodes:\n- name: n1\n  listen: ['127.0.0.1:10250']\n").unwrap();
    let [spec] = &specs[..] else { panic!("{specs:?}") };
    assert_eq!(spec.addresses, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(spec.node.started().to_string(), "2026-11-21T09:48:15Z");
    assert_eq!((spec.access, spec.certificate), (Access::Webhook, CertificateKind::SelfSigned));
    assert_eq!(spec.faults, Faults::default());
}

#[test]
fn everything_can_be_said() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/kubelet-1.36");
    let specs = parse(&format!(
        "
nodes:
  - name: n1
    listen: ['127.0.0.1:10250', '[::1]:10250']
    started: 2026-11-22T09:00:00Z
    usage: {{cpu: 310715486n, memory: 2369228Ki}}
    sampling: {{every: 15s, offset: 250ms}}
    certificate: Signed
    access: Open
    replay: {}
    faults: {{refuse: true, silence: true, delay: 1m30s, status: 500, body: Garbage, certificate: NoIPSAN, also: [{{trickle: {{bytes: 10, every: 1s}}, when: {{for: 5s, probability: 0.25}}}}]}}
    pods:
      - name: p
        containers:
          - {{name: c, usage: {{cpu: 0.5, memory: 1024}}, started: 2026-11-22T09:30:00Z}}
",
        golden.display()
    ))
    .unwrap();
    let spec = &specs[0];
    let faults = Faults {
        refuse: true,
        silence: true,
        delay: Some(Duration::from_secs(90)),
        status: Some(500),
        body: Some(crate::BodyFault::Garbage),
        certificate: [crate::CertificateFault::NoIpSan].into(),
        also: vec![Faults {
            trickle: Some(crate::Trickle { bytes: 10, every: Duration::from_secs(1) }),
            when: crate::When {
                for_: Some(Duration::from_secs(5)),
                probability: Some("0.25".parse().unwrap()),
                ..crate::When::default()
            },
            ..Faults::default()
        }],
        ..Faults::default()
    };
    assert_eq!(spec.faults, faults);
    assert!(spec.replay.is_some());
    let sample = spec.node.sample("2026-11-22T09:30:10Z".parse().unwrap());
    assert_eq!(sample.node.memory.unwrap().value, 2_369_228 * 1024);
    assert_eq!(sample.pods[0].pod.cpu.unwrap().value, 5_000_000_000);
}

#[test]
fn mistakes_are_named_with_their_place() {
    let cases = [
        (
            "nodes:\n- name: n1\n  listen: [10250]\n",
            "config.yaml:3:12: invalid socket address syntax: write it as 127.0.0.1:10250 or",
        ),
        ("nodes:\n- name: n1\n  listen: []\n  colour: red\n", "config.yaml:4:3: unknown field"),
        (
            "nodes:\n- name: n1\n  listen: []\n  usage: {cpu: 1 m, memory: 1}\n",
            "config.yaml:4:16: \"1 m\" is not a quantity",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  started: noon\n",
            "config.yaml:4:12: \"noon\" is not a moment",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  replay: nowhere\n",
            "config.yaml:4:11: node \"n1\": read the recording nowhere: No such file",
        ),
        ("nodes: [\n", "config.yaml:"),
        (
            "nodes:\n- {name: n1, listen: ['127.0.0.1:1']}\n- {name: n1, listen: ['127.0.0.1:2']}\n",
            "config.yaml:3:10: node \"n1\" is there twice",
        ),
        (
            "nodes:\n- {name: n1, listen: ['127.0.0.1:1']}\n- {name: n2, listen: ['127.0.0.1:1']}\n",
            "config.yaml:3:23: node \"n2\" listens on 127.0.0.1:1, as node \"n1\" does",
        ),
        (
            "nodes:\n- {name: 'n{n}', count: 55287, listen: ['127.0.0.1:10250']}\n",
            "config.yaml:2:41: there are ports for 55286 of 55287 nodes from 10250 on",
        ),
        (
            "nodes:\n- {name: 'n{n}', raise: Address, count: 3, listen: ['255.255.255.254:10250']}\n",
            "config.yaml:2:53: there are addresses for 2 of 3 nodes from 255.255.255.254 on: begin lower",
        ),
        (
            "nodes:\n- {name: n1, listen: []}\n- {name: 'm{n}', count: 4294967295, listen: []}\n",
            "config.yaml:3:25: with this there are 4294967296 nodes: write a smaller count, at most 100000",
        ),
        (
            "nodes:\n- {name: 'n{n}', count: 0, listen: []}\n",
            "config.yaml:2:25: a count of 0 makes no node: write at least 1",
        ),
        (
            "nodes:\n- name: 'n{n}'\n  count: 2\n  listen: []\n  pods:\n  - {name: 'p-{n}', containers: []}\n  - {name: 'p-1', containers: []}\n",
            "config.yaml:6:12: pod \"default/p-1\" is there twice, on the nodes \"n0\" (line 7) and \"n1\"",
        ),
        (
            "nodes:\n- name: 'n{n}'\n  count: 2\n  listen: []\n  pods:\n  - {name: p, containers: []}\n",
            "config.yaml:6:12: pod \"default/p\" is there twice, on the nodes \"n0\" (line 6) and \"n1\": write {n} in its name",
        ),
        (
            "nodes:\n- {name: n1, listen: [], pods: [{name: p, containers: []}]}\n- name: n2\n  listen: []\n  pods:\n  - name: p\n    namespace: default\n    containers: []\n",
            "config.yaml:6:11: pod \"default/p\" is there twice, on the nodes \"n1\" (line 2) and \"n2\": give each",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  pods:\n  - name: p\n    containers:\n    - {name: c, usage: {cpu: 1, memory: 1}}\n    - {name: c, usage: {cpu: 1, memory: 1}}\n",
            "config.yaml:8:14: pod \"default/p\" has two containers \"c\"",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  usage: {cpu: 1, memory: 1, shape: {kind: Ramp, over: 1s}}\n",
            "config.yaml:4:10: node \"n1\": a shape of kind Ramp needs \"to\"",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  usage: {cpu: -1, memory: 1}\n",
            "config.yaml:4:16: \"-1\" is less than nothing",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  pods:\n  - name: p\n    containers:\n    - {name: c, usage: {cpu: 1M, memory: 1}}\n",
            "config.yaml:7:24: node \"n1\": so much CPU that its counter",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  usage: {cpu: 1, memory: 1, shape: {kind: Spike, to: {cpu: 1M, memory: 1}, over: 10h}}\n",
            "config.yaml:4:10: node \"n1\": so much CPU that its counter",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  started: 2000-01-01T00:00:00Z\n  usage: {cpu: 22, memory: 1}\n",
            "config.yaml:5:10: node \"n1\": so much CPU that its counter",
        ),
    ];
    are_named(&cases);
}

/// Each of these texts is refused with words that begin like this.
fn are_named(cases: &[(&str, &str)]) {
    for (text, error) in cases {
        let seen = parse(text).unwrap_err();
        assert!(seen.starts_with(error), "{text}: {seen}");
        assert!(!seen.contains('\n'), "{seen}");
    }
}

#[test]
fn broken_yaml_is_told_with_its_cure() {
    are_named(&[
        ("", "config.yaml:1:1: there is nothing in it: write a list `nodes`"),
        (
            "nodes: []\n---\nnodes: []\n",
            "config.yaml:3:1: a second document: write one fleet a file",
        ),
        (
            "nodes:\n- name: n1\n\tlisten: []\n",
            "config.yaml:2:9: while scanning a plain scalar, found a tab: indent with spaces only",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n name: n2\n",
            "config.yaml:4:2: while parsing a block mapping, did not find expected key: check the indentation",
        ),
        (
            "nodes:\n- {name: n1, listen: *here}\n",
            "config.yaml:2:22: alias references unknown anchor: name a value with `&`",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  listen: []\n",
            "config.yaml:4:3: `listen` is given twice: keep one of the two",
        ),
        (
            "nodes:\n- {name: n1, listen: '127.0.0.1:1'}\n",
            "config.yaml:2:22: write a list, such as",
        ),
        (
            "nodes:\n- {name: n1, count: 99999999999, listen: []}\n",
            "config.yaml:2:21: write a whole number from 0 to 4294967295",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  usage: {cpu: 1, memory: 1e400}\n",
            "config.yaml:4:27: not a number that can be: write a finite one",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  faults: {refuse: maybe}\n",
            "config.yaml:4:20: write true or false",
        ),
    ]);
}

#[test]
fn faults_that_cannot_show_are_mistakes() {
    are_named(&[
        (
            "nodes:\n- name: n1\n  listen: []\n  faults: {status: 42}\n",
            "config.yaml:4:11: faults of node \"n1\": 42 is not a status of HTTP: write 100 to 599",
        ),
        (
            "nodes:\n- name: n1\n  listen: []\n  faults: {also: [{trickle: {bytes: 0, every: 1s}}]}\n",
            "config.yaml:4:11: faults of node \"n1\": `bytes` and `every` of a trickle must not be 0",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  faults: {refuse: true, at: [127.0.0.2]}\n",
            "config.yaml:4:11: faults of node \"n1\": it does not listen on 127.0.0.2: write an address",
        ),
    ]);
}

#[test]
fn faults_and_usage_follow_and_nothing_else() {
    let text = "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  usage: {cpu: 1, memory: 1}\n  pods:\n  - name: p\n    containers: [{name: c, usage: {cpu: 2, memory: 2}}]\n";
    let node = |text: &str| Config::parse(Path::new("f"), text).unwrap().nodes().next().unwrap();
    let cases = [
        ("cpu: 1,", "cpu: 3,", true),
        ("cpu: 2,", "cpu: 3,", true),
        ("  pods:", "  faults: {status: 500}\n  pods:", true),
        ("  usage: {cpu: 1, memory: 1}\n", "", false),
        ("name: p", "name: q", false),
        ("name: c", "name: d", false),
        (":1']", ":2']", false),
        ("  pods:", "  access: Open\n  pods:", false),
    ];
    for (from, to, follows) in cases {
        let new = node(&text.replacen(from, to, 1));
        assert_ne!(new, node(text), "{to}");
        assert_eq!(new.follows(&node(text)), follows, "{to}");
    }
}

#[test]
fn what_has_only_moved_has_not_changed() {
    let text = "nodes:\n- {name: n1, listen: ['127.0.0.1:1'], usage: {cpu: 100k, memory: 1}}\n";
    let file = Path::new("config.yaml");
    let config = Config::parse(file, text).unwrap();
    assert_eq!(Config::parse(file, &format!("# moved\n\n{text}")).unwrap(), config);
    assert_ne!(Config::parse(file, &text.replace("100k", "101k")).unwrap(), config);
}

#[test]
fn the_name_that_was_meant_is_named() {
    let seen = parse("nodes:\n- name: n1\n  listne: []\n").unwrap_err();
    assert!(seen.starts_with("config.yaml:3:3: unknown field `listne`"), "{seen}");
    assert!(seen.ends_with("; did you mean `listen`?"), "{seen}");
    let seen = parse("nodes:\n- {name: n1, listen: [], access: open}\n").unwrap_err();
    assert!(seen.ends_with("; did you mean `Open`?"), "{seen}");
}

#[test]
fn templates_count_names_and_ports_or_addresses() {
    let text = "nodes:\n- {name: 'n-{n}', count: 3, listen: ['127.0.0.1:10250']}\n- {name: 'm-{n}', count: 2, raise: Address, listen: ['127.1.0.255:10250']}\n";
    let specs = parse(text).unwrap();
    let seen: Vec<_> = specs.iter().map(|s| format!("{} {}", s.name, s.listen[0])).collect();
    assert_eq!(
        seen,
        [
            "n-0 127.0.0.1:10250",
            "n-1 127.0.0.1:10251",
            "n-2 127.0.0.1:10252",
            "m-0 127.1.0.255:10250",
            "m-1 127.1.1.0:10250",
        ]
    );
}
