//! `scenario diagnose`: which cures it finds, in which order, and what it prints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use harness::{
    diagnose::{Diagnosis, Verdict},
    file::{self, ScenarioFile, discover},
    run::run,
};
use serde_json::Value;
use tempfile::TempDir;

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

/// Clusters that the library does not have: name, node fields, further fields of `spec`, flags.
const CLUSTERS: [(&str, &str, &str, &str); 9] = [
    (
        "passes",
        "kubelet: {faults: {status: 500, when: {for: 90s}}}",
        "",
        "--kubelet-insecure-tls, --metric-resolution=15s",
    ),
    ("healthy", "", "", "--kubelet-insecure-tls"),
    (
        "types-in-the-wrong-order",
        "",
        "",
        "--kubelet-insecure-tls, '--kubelet-preferred-address-types=ExternalIP,InternalIP'",
    ),
    ("slow", "kubelet: {faults: {delay: 12s}}", "", "--kubelet-insecure-tls"),
    (
        "slow-and-often",
        "kubelet: {faults: {delay: 14s}}",
        "",
        "--kubelet-insecure-tls, --metric-resolution=15s",
    ),
    ("names-and-certificates", "", "", "--metric-resolution=15s"),
    ("wrong-port", "", "", "--kubelet-insecure-tls, --kubelet-port=10255"),
    (
        "own-flags",
        "",
        "",
        "--kubelet-insecure-tls, --kubelet-address-fallback=false, '--kubelet-preferred-address-types=Hostname,InternalIP'",
    ),
    (
        "two-causes",
        "kubelet: {faults: {status: 401}}",
        "role: [{resources: [pods, nodes], verbs: [get, list, watch]}]",
        "--kubelet-insecure-tls",
    ),
];

/// What each cluster's cures are, the best first.
const CURES: [(&str, Verdict, &[&str]); 24] = [
    ("healthy", Verdict::Well, &[]),
    (
        "types-in-the-wrong-order",
        Verdict::Cure,
        &["--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname"],
    ),
    ("slow", Verdict::Cure, &["--kubelet-request-timeout=30s"]),
    ("slow-and-often", Verdict::Cure, &["--metric-resolution=1m0s --kubelet-request-timeout=30s"]),
    (
        "names-and-certificates",
        Verdict::Cure,
        &[
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname + kubelet: serverTLSBootstrap: true, and approve the CSRs of 2 nodes",
            "CoreDNS: 2 hosts entries, fallthrough + kubelet: serverTLSBootstrap: true, and approve the CSRs of 2 nodes",
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname + --kubelet-insecure-tls",
            "CoreDNS: 2 hosts entries, fallthrough + --kubelet-insecure-tls",
        ],
    ),
    ("wrong-port", Verdict::Cure, &["--kubelet-use-node-status-port", "remove --kubelet-port"]),
    (
        "own-flags",
        Verdict::Cure,
        &[
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
            "--kubelet-address-fallback",
            "CoreDNS: 2 hosts entries, fallthrough",
        ],
    ),
    (
        "two-causes",
        Verdict::Cure,
        &[
            "ClusterRole: get on nodes/metrics + kubelet: authentication.webhook.enabled: true on 2 nodes",
        ],
    ),
    ("passes", Verdict::Cure, &[""]),
    (
        "field-report/installed-as-it-comes",
        Verdict::Cure,
        &[
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
            "CoreDNS: 3 hosts entries, fallthrough",
        ],
    ),
    (
        "field-report/right-address-wrong-certificate",
        Verdict::Cure,
        &[
            "kubelet: serverTLSBootstrap: true, and approve the CSRs of 3 nodes",
            "--kubelet-insecure-tls",
        ],
    ),
    (
        "tls/verified",
        Verdict::Cure,
        &[
            "--kubelet-certificate-authority=/FILE",
            "kubelet: serverTLSBootstrap: true, and approve the CSRs of 1 node",
            "--kubelet-insecure-tls",
        ],
    ),
    ("tls/csr-not-approved", Verdict::Cure, &["approve the serving CSRs of 1 node"]),
    ("field-report/role-lacks-permission", Verdict::Cure, &["ClusterRole: get on nodes/metrics"]),
    ("auth/role-lacks-list", Verdict::Cure, &["ClusterRole: get, list, watch on nodes, pods"]),
    (
        "auth/kubelet-rejects-token",
        Verdict::Cure,
        &["kubelet: authentication.webhook.enabled: true on 1 node"],
    ),
    ("auth/token-expires", Verdict::Cure, &["a new token: restart the metrics server"]),
    (
        "auth/no-front-proxy",
        Verdict::Cure,
        &["API server: --requestheader-client-ca-file and the flags with it"],
    ),
    (
        "dns/hosts-plugin-without-fallthrough",
        Verdict::Cure,
        &[
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
            "CoreDNS: 1 hosts entry, fallthrough",
        ],
    ),
    ("kubelet/ports", Verdict::Cure, &["--kubelet-use-node-status-port"]),
    ("kubelet/missed-once", Verdict::NoCure, &[]),
    ("kubelet/firewall", Verdict::Cure, &["hostNetwork: true, with --secure-port=4443"]),
    (
        "life/firewall-before-the-pod",
        Verdict::Cure,
        &["hostNetwork: true, with --secure-port=4443"],
    ),
    ("life/port-taken", Verdict::NoCure, &[]),
];

/// A cluster of [`CLUSTERS`], or a scenario of the library.
fn scenario(name: &str) -> ScenarioFile {
    let Some((_, node, spec, args)) = CLUSTERS.iter().find(|(known, ..)| *known == name) else {
        return file::load(&Path::new(LIBRARY).join(format!("{name}.yaml"))).unwrap().remove(0);
    };
    let nodes: Vec<String> = (1..=2)
        .map(|n| {
            format!(
                "    - name: node-{n}\n      addresses: [{{type: Hostname, address: node-{n}}}, {{type: InternalIP, address: 10.0.0.{n}}}, {{type: ExternalIP, address: 192.0.2.{n}}}]\n      ips: [10.0.0.{n}]\n      usage: {{cpu: 100m, memory: 1Gi}}\n      {node}\n"
            )
        })
        .collect();
    let nodes = nodes.concat();
    let dns = if args.contains("-tls") && !args.contains("=Hostname") {
        "  dns: {records: {node-1: 10.0.0.1, node-2: 10.0.0.2}}\n"
    } else {
        ""
    };
    let text = format!(
        "apiVersion: harness/v1alpha1\nkind: Scenario\nmetadata: {{name: {name}}}\nspec:\n  about: A cluster for a test.\n  nodes:\n{nodes}{dns}  server:\n    args: [{args}]\n    {spec}\n  steps:\n    - {{name: it runs, wait: {{cycles: 2}}, expect: [{{get: /api/v1/nodes, items: 2}}]}}\n"
    );
    file::parse(Path::new("test.yaml"), text).unwrap().remove(0)
}

fn cures(diagnosis: &Diagnosis) -> Vec<String> {
    diagnosis.cures.iter().map(|cure| cure.changes.join(" + ")).collect()
}

#[test]
fn the_best_cure_comes_first_and_security_is_given_up_last() {
    let mut wrong = Vec::new();
    for (name, verdict, expected) in CURES {
        let diagnosis = Diagnosis::of(&scenario(name), None, None).unwrap();
        let found = cures(&diagnosis);
        if diagnosis.verdict != verdict || found != expected {
            wrong
                .push(format!("{name}: {:?} {found:#?} {:?}", diagnosis.verdict, diagnosis.causes));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every scenario that any metrics server must pass: its diagnosis ends, and every cure heals in a
/// run of its own.
#[test]
fn each_cure_of_the_library_heals() {
    let files = discover(&[LIBRARY.into()]).unwrap();
    let files: Vec<_> = files.iter().flat_map(|path| file::load(path).unwrap()).collect();
    let label = |file: &ScenarioFile, name: &str, value: &str| {
        file.scenario.metadata.labels.get(name).is_some_and(|it| it == value)
    };
    let files: Vec<_> = files
        .into_iter()
        .filter(|file| {
            label(file, "profile", "upstream")
                && !file.scenario.metadata.labels.contains_key("slow")
        })
        .collect();
    let (next, cured) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(original) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = original.name();
                    let diagnosis = Diagnosis::of(original, None, None).unwrap();
                    assert_ne!(
                        diagnosis.verdict,
                        Verdict::Differs,
                        "{name}: {:?}",
                        diagnosis.differences
                    );
                    for cure in &diagnosis.cures {
                        let written = file::parse(&original.path, cure.scenario.clone()).unwrap();
                        let [written] = written.as_slice() else { panic!("{name}: several") };
                        let outcome = run(written);
                        assert!(
                            outcome.passed(),
                            "{name}: {:?}\n{}",
                            outcome.failures,
                            cure.scenario
                        );
                        let last = written.scenario.spec.steps.last().unwrap();
                        assert_eq!(last.change.is_none(), cure.changes.is_empty(), "{name}");
                        cured.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(cured.into_inner() > 30);
}

fn diagnose(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scenario"))
        .args(["diagnose"])
        .args(arguments)
        .current_dir(Path::new(LIBRARY).parent().unwrap())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_report_has_causes_cures_and_commands() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("cure");
    let output = diagnose(&[
        "--scenario=scenarios/field-report/installed-as-it-comes.yaml",
        &format!("--out={}", out.display()),
    ]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
    let page = text(&output.stdout);
    insta::with_settings!({ filters => [(r"10\.244\.1\.6:\d+", "10.244.1.6:PORT")] }, {
        insta::assert_snapshot!(page);
    });
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    assert_eq!(report, format!("# Diagnosis of installed-as-it-comes\n\n```text\n{page}```\n"));
    let written = fs::read_to_string(out.join("scenario.yaml")).unwrap();
    let original = Path::new(LIBRARY).join("field-report/installed-as-it-comes.yaml");
    let original = fs::read_to_string(original).unwrap();
    insta::assert_snapshot!(written.strip_prefix(&original).unwrap());
    assert!(run(&file::load(&out.join("scenario.yaml")).unwrap()[0]).passed());
    assert!(!out.join("values.yaml").exists());
}

#[test]
fn what_cannot_be_cured_has_its_connections_to_open() {
    let closed = Path::new(LIBRARY).join("kubelet/firewall.yaml");
    let for_pods = fs::read_to_string(&closed).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let for_all = folder.path().join("firewall.yaml");
    fs::write(&for_all, for_pods.replace("from: [10.244.0.0/16], ", "")).unwrap();
    for (file, code) in [(closed, 1), (for_all, 5)] {
        let output = diagnose(&[&format!("--scenario={}", file.display())]);
        assert_eq!(output.status.code(), Some(code));
        insta::assert_snapshot!(text(&output.stdout));
    }
}

#[test]
fn programs_get_json() {
    let output = diagnose(&["--json", "--scenario=scenarios/kubelet/ports.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&value["verdict"], &value["answers"]), (&"Cure".into(), &1.into()));
    assert_eq!(value["nodes"][0]["cause"], "connection_refused");
    let args = &value["cures"][0]["change"]["server"]["args"];
    assert_eq!(args[2], "--kubelet-use-node-status-port");
    assert!(value["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_cluster_that_behaves_otherwise_than_its_file_gets_no_cure() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("differs.yaml");
    let original = Path::new(LIBRARY).join("kubelet/ports.yaml");
    let original = fs::read_to_string(original).unwrap();
    fs::write(&path, original.replacen("connection refused", "no route to host", 1)).unwrap();
    let output = diagnose(&["--scenario", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(6));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn usage_and_files_are_checked() {
    for (arguments, code, message) in [
        (vec!["--kubeconfig=nothing"], 2, "nothing"),
        (vec!["--scenario=a.yaml", "--from=folder"], 2, "cannot be used with"),
        (vec!["--scenario=scenarios/nothing.yaml"], 2, "scenarios/nothing.yaml"),
        (
            vec!["--scenario=scenarios/auth/front-proxy-certificate.yaml"],
            2,
            "choose one of them with --case: expired, clocks-differ, replaced-ca, other-name",
        ),
        (
            vec!["--scenario=scenarios/kubelet/ports.yaml", "--out=/dev/null/folder"],
            3,
            "failed to write /dev/null/folder",
        ),
    ] {
        let output = diagnose(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(message), "{error}");
    }
}

/// A cluster in files: two nodes, and a Deployment in a namespace of its own, perhaps of a Helm release.
fn saved(log: &str, available: &str, release: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let objects = format!(
        "apiVersion: v1
kind: List
items:
- {{kind: Node, metadata: {{name: a}}, status: {{addresses: [{{type: Hostname, address: a}}, {{type: InternalIP, address: 10.0.0.1}}], conditions: [{{type: Ready, status: 'True'}}]}}}}
- {{kind: Node, metadata: {{name: b}}, status: {{addresses: [{{type: Hostname, address: b}}, {{type: InternalIP, address: 10.0.0.2}}], conditions: [{{type: Ready, status: 'True'}}]}}}}
- kind: Deployment
  metadata: {{name: top, namespace: monitoring{release}}}
  spec:
    template:
      metadata: {{labels: {{app: top}}}}
      spec:
        serviceAccountName: top
        containers:
        - {{name: proxy, image: proxy}}
        - {{name: metrics-server, image: registry.k8s.io/metrics-server/metrics-server:v0.8.1, args: [--kubelet-insecure-tls, --kubelet-preferred-address-types=Hostname, --metric-resolution=15s]}}
- {{kind: Service, metadata: {{name: top, namespace: monitoring}}, spec: {{selector: {{app: top}}}}}}
- kind: APIService
  metadata: {{name: v1beta1.metrics.k8s.io}}
  spec: {{group: metrics.k8s.io, service: {{name: top, namespace: monitoring}}}}
  status: {{conditions: [{available}]}}
"
    );
    fs::write(folder.path().join("objects.yaml"), objects).unwrap();
    fs::write(folder.path().join("metrics-server.log"), log).unwrap();
    folder
}

/// The commands are those for the Deployment that is there.
#[test]
fn a_cluster_in_files_is_diagnosed() {
    let lookup = |node: &str| {
        format!(
            "E0104 09:52:47.012345       1 scraper.go:149] \"Failed to scrape node\" err=\"Get \\\"https://{node}:10250/metrics/resource\\\": dial tcp: lookup {node} on 10.96.0.10:53: no such host\" node=\"{node}\"\n"
        )
    };
    let not_ready = "{type: Available, status: 'False', reason: MissingEndpoints, message: endpoints for service/top in monitoring have no addresses with port name https}";
    let patch = r#"kubectl --namespace monitoring patch deployment top --type=json --patch '[{"op":"test","path":"/spec/template/spec/containers/1/args/1","value":"--kubelet-preferred-address-types=Hostname"},{"op":"replace","path":"/spec/template/spec/containers/1/args/1","value":"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname"}]'"#;
    let values = "    defaultArgs:
      - \"--kubelet-insecure-tls\"
      - \"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname\"
      - \"--metric-resolution=15s\"
    args: []\n";
    let release = ", annotations: {meta.helm.sh/release-name: top}";
    for (release, command) in [("", patch), (release, values)] {
        let folder = saved(&(lookup("a") + &lookup("b")), not_ready, release);
        let output = diagnose(&["--from", folder.path().to_str().unwrap()]);
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
        assert!(printed.contains(command), "{command} is not in\n{printed}");
    }
}

/// Whether nodes get through, a cluster does not tell: the way to open is named as well.
#[test]
fn lost_connections_are_cured_by_the_nodes_network_or_an_open_way() {
    let lost = |node: &str, ip: &str| {
        format!(
            "E0104 09:52:47.012345       1 scraper.go:149] \"Failed to scrape node\" err=\"Get \\\"https://{node}:10250/metrics/resource\\\": dial tcp {ip}:10250: i/o timeout\" node=\"{node}\"\n"
        )
    };
    let log = lost("a", "10.0.0.1") + &lost("b", "10.0.0.2");
    let folder = saved(&log, "{type: Available, status: 'True'}", "");
    let output = diagnose(&["--from", folder.path().to_str().unwrap()]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for expected in [
        "hostNetwork: true",
        "or leave it in a network of its own",
        "TCP from 10.244.1.6 to a:10250",
    ] {
        assert!(printed.contains(expected), "{expected} is not in\n{printed}");
    }
    // A server that has its node's network is not cured by it.
    let objects = folder.path().join("objects.yaml");
    let there = fs::read_to_string(&objects).unwrap();
    let in_host = there
        .replace("serviceAccountName: top", "serviceAccountName: top\n        hostNetwork: true");
    fs::write(&objects, in_host).unwrap();
    let output = diagnose(&["--from", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stdout));
}

/// What the simulation does not show is said, and no cure is guessed.
#[test]
fn a_failure_that_the_simulation_lacks_has_no_cure() {
    let unavailable = "{type: Available, status: 'False', reason: EndpointsNotFound, message: cannot find endpointslices for service/top in monitoring}";
    let available = "{type: Available, status: 'True'}";
    let usage = "kind: NodeMetrics\nmetadata: {name: a}\nusage: {cpu: 100m, memory: 1Gi}\n";
    for (condition, usage, missing) in [
        (unavailable, "", "EndpointsNotFound"),
        (available, usage, "no usage of b, and no log that says why"),
    ] {
        let folder = saved("", condition, "");
        fs::write(folder.path().join("usage.yaml"), usage).unwrap();
        let output = diagnose(&["--from", folder.path().to_str().unwrap()]);
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(6), "{printed}");
        assert!(printed.contains(missing), "{printed}");
        assert!(!printed.contains("CURE"), "{printed}");
    }
}
