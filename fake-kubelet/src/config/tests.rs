use std::{env, fs, time::Duration};

use cluster_format::{
    BodyFault, CertificateFault, CertificateKind, In, reference, unknown_keywords,
};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T09:48:15Z".parse().unwrap()
}

fn load(text: &str) -> Result<Config, String> {
    let loaded = Config::parse(Path::new("config.yaml"), text.to_owned(), now());
    loaded.map_err(|errors| errors.to_string())
}

fn parse(text: &str) -> Result<Vec<KubeletSpec>, String> {
    let config = load(text)?;
    Ok(config.specs(Path::new("config.yaml"), now(), Hosting::default()).unwrap())
}

#[test]
fn the_least_is_a_name_and_an_address() {
    let specs = parse("nodes:\n- name: n1\n  listen: ['127.0.0.1:10250']\n").unwrap();
    let [spec] = &specs[..] else { panic!("{specs:?}") };
    assert_eq!(spec.addresses, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(spec.names, ["n1"]);
    assert_eq!(spec.node.started().to_string(), "2026-11-21T09:48:15Z");
    assert_eq!((spec.access, spec.certificate), (Access::Webhook, CertificateKind::SelfSigned));
    assert_eq!(spec.faults, cluster_format::Faults::default());
}

#[test]
fn a_node_of_a_scenario_listens_on_its_own_addresses() {
    let text = "nodes: [{name: n1, addresses: [{type: Hostname, address: h1}, {type: InternalIP, address: 127.0.0.9}], kubelet: {port: 4001}}]";
    let spec = parse(text).unwrap().remove(0);
    assert_eq!(spec.listen, ["127.0.0.9:4001".parse().unwrap()]);
    assert_eq!(spec.names, ["h1"]);
}

#[test]
fn every_field_of_a_kubelet_is_applied() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/kubelet-1.36");
    let specs = parse(&format!(
        "
nodes:
  - name: n1
    listen: ['127.0.0.1:10250', '[::1]:10250']
    usage: {{cpu: 310715486n, memory: 2369228Ki}}
    kubelet:
      started: 2026-11-22T09:00:00Z
      sampling: {{every: 15s, offset: 250ms}}
      certificate: Signed
      access: Open
      replay: {}
      faults: {{delay: 1m30s, body: Garbage, certificate: NoIPSAN, also: [{{trickle: {{bytes: 10, every: 1s}}, when: {{for: 5s, probability: 0.25}}}}]}}
    pods:
      - name: p
        containers:
          - {{name: c, usage: {{cpu: 0.5, memory: 1024}}, started: 2026-11-22T09:30:00Z}}
",
        golden.display()
    ))
    .unwrap();
    let spec = &specs[0];
    assert_eq!(spec.listen.len(), 2);
    assert_eq!((spec.access, spec.certificate), (Access::Open, CertificateKind::Signed));
    assert_eq!(spec.sampling.offset, Duration::from_millis(250));
    assert_eq!(spec.faults.delay, Some(In(Duration::from_secs(90))));
    assert_eq!(spec.faults.body, Some(BodyFault::Garbage));
    assert_eq!(spec.faults.certificate, Some(CertificateFault::NoIpSan));
    assert_eq!(spec.faults.also[0].trickle.unwrap().bytes, 10);
    assert!(spec.replay.is_some());
    let sample = spec.node.sample("2026-11-22T09:30:10Z".parse().unwrap());
    assert_eq!(sample.node.memory.unwrap().value, 2_369_228 * 1024);
    assert_eq!(sample.pods[0].pod.cpu.unwrap().value, 5_000_000_000);
}

/// Each file has a mistake at this line and column, with this message and a help that has this in it.
#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn mistakes_are_reported_with_their_location_and_cure() {
    let cases = [
        (
            "nodes:\n- name: n1\n  listen: [10250]\n",
            "3:12",
            "\"10250\" is not an IP address",
            "127.0.0.1:10250",
        ),
        (
            "nodes:\n- name: n1\n  listne: []\n",
            "3:3",
            "unknown field \"listne\"",
            "did you mean \"listen\"?",
        ),
        (
            "nodes:\n- {name: n1, listen: ['127.0.0.1:1'], kubelet: {access: open}}\n",
            "2:57",
            "unknown value \"open\"",
            "did you mean \"Open\"?",
        ),
        ("nodes:\n- name: n1\n\tlisten: []\n", "", "not valid YAML", "indent with spaces only"),
        (
            "nodes:\n- {name: n1, listen: ['127.0.0.1:1']}\n- {name: n1, listen: ['127.0.0.1:2']}\n",
            "3:10",
            "two nodes are called \"n1\"",
            "a name of its own",
        ),
        (
            "nodes:\n- {name: n1, listen: ['127.0.0.1:1']}\n- {name: n2, listen: ['127.0.0.1:1']}\n",
            "3:23",
            "two kubelets would listen on 127.0.0.1:1",
            "an address or a port of its own",
        ),
        (
            "nodes:\n- {name: 'n{n}', count: 55287, listen: ['127.0.0.1:10250']}\n",
            "2:41",
            "there are ports for 55286 of 55287 nodes from 10250 on",
            "raise: Address",
        ),
        (
            "nodes:\n- {name: 'n{n}', raise: Address, count: 3, listen: ['255.255.255.254:10250']}\n",
            "2:53",
            "there are addresses for 2 of 3 nodes from 255.255.255.254 on",
            "raise: Port",
        ),
        ("nodes:\n- name: n1\n", "2:9", "node \"n1\" listens nowhere", "add \"listen\""),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  kubelet: {faults: {status: 42}}\n",
            "4:30",
            "42 is not an HTTP status",
            "write 100 to 599",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  labels: {a_/b: c}\n",
            "4:12",
            "\"a_/b\" is not a key of a label",
            "prefix part a lowercase RFC 1123 subdomain",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  labels: {zone: a b}\n",
            "4:18",
            "\"a b\" is not a value of a label",
            "a valid label must be",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  taints: [{key: a, effect: NoRun}]\n",
            "4:29",
            "\"NoRun\" is not an effect of a taint",
            "known effects: \"NoSchedule\"",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  taints: [{key: a/, effect: NoExecute}]\n",
            "4:18",
            "\"a/\" is not a key of a taint",
            "name part must be non-empty",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  capacity: {cpu: four}\n",
            "4:19",
            "\"four\" is not a quantity",
            "16Gi",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  annotations: {'a b': c}\n",
            "4:17",
            "\"a b\" is not a key of an annotation",
            "alphanumeric",
        ),
        (
            "cluster: {owner: my team}\nnodes: [{name: n1, listen: ['127.0.0.1:1']}]\n",
            "1:18",
            "\"my team\" is not a value of a label",
            "a valid label must be",
        ),
        (
            "cluster: {heartbeat: 0s}\nnodes: [{name: n1, listen: ['127.0.0.1:1']}]\n",
            "1:22",
            "a heartbeat of 0s has no pause",
            "write 1s or more",
        ),
        (
            "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  kubelet: {started: 2000-01-01T00:00:00Z}\n  usage: {cpu: 22, memory: 1}\n",
            "2:9",
            "\"n1\" uses so much CPU that its counter",
            "",
        ),
    ];
    for (text, at, message, help) in cases {
        let errors = load(text).unwrap_err();
        assert!(errors.contains(message), "{text}: {errors}");
        assert!(errors.contains(help), "{text}: {errors}");
        assert!(errors.contains(&format!("config.yaml:{at}")) || at.is_empty(), "{text}: {errors}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once() {
    let text = "nodes:\n- {name: N1, listen: ['127.0.0.1:1'], usage: {cpu: -1, memory: 1}}\n- {nam: n2, count: 0}\n";
    let errors = load(text).unwrap_err();
    for message in
        ["\"N1\" is not a name for a node", "\"cpu\" is less than nothing", "unknown field \"nam\""]
    {
        assert!(errors.contains(message), "{message}: {errors}");
    }
}

#[test]
fn only_faults_and_usage_can_be_reloaded() {
    let text = "nodes:\n- name: n1\n  listen: ['127.0.0.1:1']\n  usage: {cpu: 1, memory: 1}\n  pods:\n  - name: p\n    containers: [{name: c, usage: {cpu: 2, memory: 2}}]\n";
    let node = |text: &str| load(text).unwrap().nodes().next().unwrap();
    let cases = [
        ("cpu: 1,", "cpu: 3,", true),
        ("cpu: 2,", "cpu: 3,", true),
        ("  pods:", "  kubelet: {faults: {status: 500}}\n  pods:", true),
        ("  usage: {cpu: 1, memory: 1}\n", "", false),
        ("name: p", "name: q", false),
        ("name: c", "name: d", false),
        (":1']", ":2']", false),
        ("  pods:", "  kubelet: {access: Open}\n  pods:", false),
    ];
    for (from, to, reloadable) in cases {
        let new = node(&text.replacen(from, to, 1));
        assert_ne!(new, node(text), "{to}");
        assert_eq!(new.is_reloadable_from(&node(text)), reloadable, "{to}");
    }
}

#[test]
fn a_change_of_lines_only_is_not_a_change() {
    let text = "nodes:\n- {name: n1, listen: ['127.0.0.1:1'], usage: {cpu: 10k, memory: 1}}\n";
    let config = load(text).unwrap();
    assert_eq!(load(&format!("# moved\n\n{text}")).unwrap(), config);
    assert_ne!(load(&text.replace("10k", "11k")).unwrap(), config);
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

#[test]
fn every_keyword_of_the_schema_is_validated() {
    assert_eq!(unknown_keywords(schema()), [""; 0]);
    assert_eq!(unknown_keywords(&schema_of::<Usage>()), [""; 0]);
}

/// With `UPDATE_DOCS` set, the files are written instead.
fn holds(file: &Path, text: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file, text).unwrap();
    }
    let held = fs::read_to_string(file).unwrap_or_default();
    let cure = "run UPDATE_DOCS=1 cargo test -p fake-kubelet reference";
    assert!(held == text, "{} is not up to date: {cure}", file.display());
}

#[test]
fn the_schema_of_the_reference_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    holds(&file, &format!("{:#}\n", schema()));
}

#[test]
fn the_reference_in_the_docs_is_up_to_date() {
    let (begin, end) =
        ("<!-- reference: made from the schema -->\n", "<!-- end of the reference -->\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fake-kubelet.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let reference = reference(schema(), "The file");
    holds(&file, &format!("{before}{begin}\n{reference}{end}{after}"));
}
