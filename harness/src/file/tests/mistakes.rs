//! Every mistake that is known, and how it is reported.

use super::*;

#[test]
fn what_is_not_yaml() {
    let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    let bomb = "a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\n";
    shows(
        "yaml",
        &reports(&[
            ("tab", HEAD.replace("  about", "\tabout")),
            ("tab after spaces", HEAD.replace("  about", "  \tabout")),
            ("colon in a text", HEAD.replace("A test.", "What: a test.")),
            ("indentation", HEAD.replace("kind", " kind")),
            ("quotes left open", HEAD.replace("A test.", "\"A test.")),
            ("bracket left open", HEAD.replace("test}", "test")),
            ("character that YAML keeps for itself", HEAD.replace("A test.", "@test")),
            ("counter without quotes", nodes(&["{name: node-{n}, count: 2}"])),
            ("unknown alias", HEAD.replace("A test.", "*test")),
            ("unknown tag", HEAD.replace("A test.", "!secret test")),
            ("second document", format!("{HEAD}---\n{HEAD}")),
            ("key that is a list", HEAD.replace("about:", "[about]:")),
            ("key that is null", HEAD.replace("about:", "null:")),
            ("not a number", HEAD.replace("A test.", ".nan")),
            ("too deep", deep),
            ("too many aliases", bomb.to_owned()),
            ("alias inside itself", "a: &a [*a]\n".to_owned()),
            ("too large", "#".repeat((1 << 20) + 1)),
            ("control character", HEAD.replace("A test.", "A \u{1b}[31m test.")),
            ("empty", String::new()),
            ("only a comment", "# nothing\n".to_owned()),
            ("a text", "scenario".to_owned()),
            ("a list", "- a\n- b\n".to_owned()),
        ]),
    );
}

#[test]
fn what_the_schema_forbids() {
    shows(
        "schema",
        &reports(&[
            ("other version", HEAD.replace("v1alpha1", "v1")),
            ("other kind", HEAD.replace("Scenario", "Pod")),
            ("missing fields", "kind: Scenario\nmetadata: {}\nspec:\n".to_owned()),
            ("slip in a field", nodes(&["{name: a, usgae: {cpu: 1m, memory: 1Mi}}"])),
            ("slip in a required field", nodes(&["{nmae: a}"])),
            ("field of nothing here", nodes(&["{name: a, image: nginx}"])),
            ("missing field in an item", nodes(&["{name: a, usage: {cpu: 1m}}"])),
            ("missing field of an item", spec("nodes:\n  - count: 1\n    ready: true")),
            ("twice", spec("seed: 1\nclock: 2019-01-04T09:53:00Z\nseed: 2")),
            ("twice in a body", expectation("{get: /, body: {a: 1, a: 2}}")),
            ("number for a text", nodes(&["{name: a, version: 1.30}"])),
            ("truth for a text", nodes(&["{name: a, labels: {ready: true}}"])),
            ("text for a number", nodes(&["{name: a, kubelet: {port: '10250'}}"])),
            ("number too large", nodes(&["{name: a, kubelet: {port: 70000}}"])),
            ("number too small", nodes(&["{name: a, count: -1}"])),
            ("fraction", nodes(&["{name: a, count: 1.5}"])),
            ("larger than all numbers", spec("seed: 99999999999999999999")),
            ("text for a truth", nodes(&["{name: a, ready: yes}"])),
            ("map for a list", spec("nodes:\n  name: a")),
            ("list for a map", spec("dns:\n  - records")),
            ("text for a map", spec("server: --kubelet-insecure-tls")),
            ("text for a dictionary", nodes(&["{name: a, labels: x}"])),
            ("number for a choice", nodes(&["{name: a, addresses: [{type: 1, address: b}]}"])),
            ("list of other things", spec("server: {args: [1, [2], {a: b}]}")),
            ("nothing for a list", spec("nodes:\nsteps: []")),
            ("nothing for an item", spec("nodes:\n  -\n")),
            (
                "slip in a choice",
                nodes(&["{name: a, addresses: [{type: InternalIp, address: b}]}"]),
            ),
            ("no such choice", step("change: {apiServer: Sideways}")),
            ("quantity", nodes(&["{name: a, usage: {cpu: 1 core, memory: 64MB}}"])),
            ("truth for a quantity", nodes(&["{name: a, usage: {cpu: true, memory: [1]}}"])),
            ("duration", step("wait: {for: 15}")),
            ("moment", spec("clock: yesterday")),
            ("address", spec("dns: {server: 10.96.0.300, records: {a: b}}")),
            ("two lines", spec("clock: >-\n  the day\n  before")),
            ("very long", nodes(&[&format!("{{name: a, {}: b}}", "x".repeat(300))])),
        ]),
    );
}

#[test]
fn what_makes_no_sense_about_nodes() {
    let pod = |pod: &str| nodes(&[&format!("{{name: a, pods: [{pod}]}}")]);
    shows(
        "nodes",
        &reports(&[
            ("name of the scenario", HEAD.replace("test}", "Test_1}")),
            ("name of a node", nodes(&["{name: K8s_Node}"])),
            ("counter without count", nodes(&["{name: 'node-{n}'}"])),
            ("count without counter", nodes(&["{name: node, count: 3}"])),
            ("count of nothing", nodes(&["{name: node, count: 0}"])),
            ("count too large", nodes(&["{name: a}", "{name: 'b-{n}', count: 4000000000}"])),
            ("same node", nodes(&["{name: a}", "{name: b}", "{name: a}"])),
            ("same node from a template", nodes(&["{name: 'a-{n}', count: 3}", "{name: a-2}"])),
            (
                "same pod",
                nodes(&[
                    "{name: a, pods: [{name: p, containers: []}]}",
                    "{name: b, pods: [{name: p, namespace: default, containers: []}]}",
                ]),
            ),
            (
                "same pod from a template",
                nodes(&["{name: 'a-{n}', count: 2, pods: [{name: p, containers: []}]}"]),
            ),
            (
                "names in a pod",
                pod(
                    "{name: P, namespace: a.b, containers: [{name: a.b, usage: {cpu: 1, memory: 1}}]}",
                ),
            ),
            (
                "same container",
                pod(
                    "{name: p, containers: [{name: c, usage: {cpu: 1, memory: 1}}, {name: c, usage: {cpu: 1, memory: 1}}]}",
                ),
            ),
            (
                "negative usage",
                pod("{name: p, containers: [{name: c, usage: {cpu: -1m, memory: -1}}]}"),
            ),
            (
                "name for an address",
                nodes(&[
                    "{name: a, addresses: [{type: InternalIP, address: a}, {type: ExternalIP, address: 1.2.3}]}",
                ]),
            ),
            (
                "same address",
                nodes(&[
                    "{name: a, addresses: [{type: InternalIP, address: 10.0.0.1}, {type: ExternalIP, address: 10.0.0.1}]}",
                    "{name: b, addresses: [{type: InternalIP, address: 10.0.0.1}], kubelet: {port: 10251}}",
                    "{name: c, addresses: [{type: InternalIP, address: 10.0.0.1}]}",
                ]),
            ),
            (
                "same address from a template",
                nodes(&[
                    "{name: b, addresses: [{type: InternalIP, address: 10.0.1.2}]}",
                    "{name: 'a-{n}', count: 600, addresses: [{type: InternalIP, address: 10.0.0.0}]}",
                ]),
            ),
            (
                "same address within a template",
                nodes(&[
                    "{name: 'a-{n}', count: 2, addresses: [{type: InternalIP, address: 'fd00::1'}, {type: ExternalIP, address: 'fd00::2'}]}",
                ]),
            ),
            (
                "kubelet",
                nodes(&[
                    "{name: a, kubelet: {port: 0, sampling: {every: 0s}, faults: {status: 1000}}}",
                ]),
            ),
            (
                "replay",
                nodes(&[
                    "{name: a, kubelet: {replay: absent}}",
                    "{name: b, kubelet: {replay: ..}}",
                ]),
            ),
            ("dns", spec("dns:\n  records: {a: 10.0.0.1}\n  failures: {a: Silence}")),
        ]),
    );
}

#[test]
fn what_makes_no_sense_about_steps() {
    shows(
        "steps",
        &reports(&[
            ("same step", spec("steps: [{name: a}, {name: b}, {name: a}]")),
            ("step without a name", spec("steps: [{name: ''}]")),
            ("change of no node", step("change: {nodes: {k8s-node2: {ready: false}}}")),
            ("change beyond the template", step("change: {nodes: {worker-2: {removed: true}}}")),
            (
                "change of a node",
                step(
                    "change: {nodes: {worker-1: {addresses: [{type: InternalIP, address: x}], faults: {status: 99}}}}",
                ),
            ),
            (
                "change of dns",
                step("change: {dns: {records: {a: 10.0.0.1}, failures: {a: NoSuchHost}}}"),
            ),
            ("wait for nothing", step("wait: {}")),
            ("wait for two things", step("wait: {cycles: 1, for: 15s}")),
            ("wait of 0 cycles", step("wait: {cycles: 0}")),
            ("wait up to 0", step("wait: {upTo: 0s}")),
            ("no kind", expectation("{}")),
            ("no kind, only companions", expectation("{status: 200, body: {}}")),
            ("two kinds", expectation("{get: /, ready: true, dns: {name: a, questions: 1}}")),
            ("fields of another kind", expectation("{ready: true, status: 200, table: x}")),
            ("status", expectation("{get: /, status: 20}")),
            ("get of no path", expectation("{get: apis/metrics.k8s.io/v1beta1/nodes}")),
            ("top of nothing", expectation("{top: pods}")),
            ("top of both", expectation("{top: pods, table: a, error: b}")),
            (
                "top nodes of a namespace",
                expectation("{top: nodes, namespace: a, containers: true, table: a}"),
            ),
            ("kubelet of no node", expectation("{kubelet: {node: elsewhere, answered: 700}}")),
            ("kubelet without an expectation", expectation("{kubelet: {node: worker-0}}")),
            (
                "numbers out of range",
                step(
                    "change: {apiServerFaults: {status: 42, watchesLast: 0s}, nodes: {worker-1: {port: 0, addPods: [{name: 'x-{p}', count: 0, containers: []}]}}}",
                ),
            ),
            (
                "numbers out of range for dns",
                spec(
                    "server: {resolvConf: {attempts: 0, timeout: 0s}}\ndns: {servers: [{address: 10.96.0.10, failure: Silence, when: {for: 0s, every: 0s}}]}",
                ),
            ),
            (
                "name servers",
                spec(
                    "server: {resolvConf: {nameservers: [10.96.0.1O, 10.96.0.10%eth0, 'fe80::53%', 'fe80::53%eth0']}}\ndns: {servers: [{address: 10.96.0.10, forward: [10.96.0.12, 10.96.0.11]}, {address: 10.96.0.11, forward: [10.96.0.10]}]}",
                ),
            ),
            (
                "name servers of a step",
                spec(
                    "dns: {servers: [{address: 10.96.0.10}, {address: 10.96.0.11}]}\nsteps: [{name: a, change: {dns: {servers: [{address: 10.96.0.11}, {address: 10.96.0.10}, {address: 10.96.0.12}]}, server: {resolvConf: {nameservers: [dns]}}}}]",
                ),
            ),
            ("api of no request", expectation("{api: {request: /api, answered: 20}}")),
            ("no nodes at all", spec("steps: [{name: a, change: {nodes: {b: {ready: true}}}}]")),
        ]),
    );
}

const MANY: &str = r"apiVersion: harness/v1alpha1
kind: Scenario
metadata:
  name: Many Mistakes
spec:
  nodes:
    - name: node_1
      adresses: [{type: InternalIP, address: 10.0.0.1}]
      usage: {cpu: 100 milli, memory: 64Mi}
      pods:
        - name: web
          containers:
            - {name: web, usage: {cpu: 1m}}
            - {name: web, usage: {cpu: 1m, memory: 1Mi}}
            - {name: web, usage: {cpu: 1m, memory: 1Mi}}
  steps:
    - name: first
      wait: {cycle: 2}
      expect:
        - top: node
          table: |
            NAME
        - redy: true
        - kubelet: {node: node_2, answered: 42}
    - name: first
      wait: {for: 1s, upTo: 2s}
";

/// Mistakes that follow from another mistake are not reported: a misspelt kind of wait or
/// expectation is not also missing, and no node is missing while the list of nodes is invalid.
#[test]
fn many_mistakes_are_reported_at_once() {
    shows("many", &read(MANY).unwrap_err().to_string());
}

#[test]
fn a_replay_needs_a_recording() {
    let folder = std::env::temp_dir().join(format!("replay-{}", std::process::id()));
    let recording = folder.join("recorded");
    std::fs::create_dir_all(&recording).unwrap();
    let text = nodes(&["{name: a, kubelet: {replay: recorded}}"]);
    let read = || parse(&folder.join("test.yaml"), text.clone());
    let without = read().unwrap_err().mistakes()[0].message.clone();
    let with = ["resource.1.prom", "summary.1.json"].map(|name| {
        std::fs::write(recording.join(name), "").unwrap();
        let with = read();
        std::fs::remove_file(recording.join(name)).unwrap();
        with
    });
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(without, "\"recorded\" holds neither resource.1.prom nor summary.1.json");
    assert!(with.iter().all(Result::is_ok));
}

/// Trees are walked by recursion, and every way to go deep must end before the stack does.
#[test]
fn hostile_files_do_no_harm() {
    let block: Vec<String> = (0..500).map(|n| " ".repeat(n) + "a:\n").collect();
    let texts = [
        block.concat(),
        "[".repeat(1 << 19),
        "{a: ".repeat(1 << 17),
        "- ".repeat(1 << 18),
        "? ".repeat(1 << 18),
        format!("a: \"{}\"", "x".repeat(1 << 17)),
        "a\n".repeat(1 << 16),
        "- a\n".repeat(1 << 15),
        spec(&format!("steps: [{}]", "{nam: a}, ".repeat(5_000))),
        spec(&format!("about: x\n{}", "about: x\n".repeat(5_000))),
        nodes(&["{name: 'a-{n}', count: 4294967295, pods: [{name: p, containers: []}]}"; 100]),
        nodes(
            &["{name: 'a-{n}', count: 100, addresses: [{type: InternalIP, address: '::'}]}"; 900],
        ),
    ];
    for text in texts {
        let errors = read(&text).unwrap_err();
        assert!(errors.to_string().len() < 200_000, "{:?}", &text[..20]);
    }
}

#[test]
fn changed_objects_must_exist_and_added_ones_must_not() {
    let pods = |steps: &str| {
        spec(&format!(
            "nodes:\n  - name: node-{{n}}\n    count: 2\n    pods: [{{name: 'web-{{n}}', containers: [{{name: main, usage: &u {{cpu: 1m, memory: 1Mi}}}}]}}]\nsteps: {steps}"
        ))
    };
    shows(
        "inhabitants",
        &reports(&[
            ("a node that is there", pods("[{name: a, change: {add: [{name: node-1}]}}]")),
            (
                "a pod that is not there",
                pods("[{name: a, change: {nodes: {node-1: {removePods: [default/wbe-1]}}}}]"),
            ),
            (
                "a pod that has gone",
                pods(
                    "\n  - {name: a, change: {nodes: {node-1: {removePods: [default/web-1]}}}}\n  - {name: b, change: {nodes: {node-1: {containers: {default/web-1/main: *u}}}}}",
                ),
            ),
            (
                "a container that is not there",
                pods("[{name: a, change: {nodes: {'*': {containers: {default/web-1/side: *u}}}}}]"),
            ),
            (
                "a pod that is there",
                pods(
                    "[{name: a, change: {nodes: {'*-1': {addPods: [{name: web-1, containers: []}]}}}}]",
                ),
            ),
        ]),
    );
    let replaced = "[{name: a, change: {nodes: {node-1: {removePods: [default/web-1], addPods: [{name: web-1, containers: []}]}, node-0: {removed: true}}}}, {name: b, change: {add: [{name: node-0}]}}]";
    assert!(read(&pods(replaced)).is_ok());
}

#[test]
fn what_a_matrix_cannot_be() {
    let node = |matrix: &str| spec(&format!("matrix: {matrix}\nnodes: [{{name: 'x-${{a}}'}}]"));
    shows(
        "matrix",
        &reports(&[
            ("no cases", spec("matrix: {}")),
            ("a list", spec("matrix: [a]")),
            ("a case that is no map", node("{one: 1}")),
            ("names that no file can have", node("{a/b: {a: 1}, '': {a: 2}}")),
            ("a value that one case lacks", node("{one: {a: 1}, two: {}}")),
            ("a value that nothing uses", node("{one: {a: 1, b: 2}, two: {a: 1}}")),
            ("wrong in one case", node("{one: {a: 1}, two: {a: _}}")),
            ("wrong in all cases", node("{one: {a: 1}, two: {a: 2}}").replace("x-", "_")),
            ("the same case twice", node("{one: {a: 1}, one: {a: 2}}")),
        ]),
    );
}

#[test]
fn files_that_are_used_must_exist() {
    let server = |files: &str| {
        spec(&format!("server: {{{files}args: ['--tls-cert-file=${{files.certificate}}']}}"))
    };
    shows(
        "files",
        &reports(&[("none", server("")), ("a slip", server("files: {certifcate: ClusterCA}, "))]),
    );
}
