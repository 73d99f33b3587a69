//! Expectations that hold whatever the metrics server does.

use super::*;

/// A file with a cluster that has a machine and a name of each kind, and this expectation.
fn seen(fragment: &str) -> String {
    let expectation = fragment.replace('\n', "\n    ");
    spec(&format!(
        "nodes:\n  - {{name: 'node-{{n}}', count: 2, addresses: [{{type: InternalIP, address: 10.0.0.1}}, {{type: Hostname, address: 'node-{{n}}'}}], annotations: {{path: special}}}}\ndns: {{server: 10.96.0.10, names: {{'*.corp': {{addresses: [10.0.0.1]}}}}}}\nserver: {{hosts: {{in-hosts: 10.0.0.1}}}}\nsteps:\n  - name: one\n    expect:\n    - {expectation}\n  - name: another address\n    change: {{nodes: {{node-1: {{ips: [10.0.1.1]}}}}}}"
    ))
}

#[test]
fn what_cannot_fail() {
    shows(
        "cannot_fail",
        &reports(&[
            ("any line", seen("log: ''")),
            ("any line, by a wildcard", seen("log: '…'")),
            ("no lines", seen("logs: []")),
            ("any line of several", seen("logs: [a, ' ']")),
            ("no text that must not be there", seen("noLog: ''")),
            ("any refusal", seen("refused: ''")),
            ("an empty table", seen("{top: nodes, table: ''}")),
            ("any error", seen("{top: nodes, error: '…'}")),
            ("no text", seen("{get: /, text: []}")),
            ("any text", seen("{get: /, text: ['']}")),
            ("no headers", seen("{get: /, headers: {}}")),
            ("an empty body", seen("{get: /, body: {}}")),
            ("nothing absent", seen("{get: /, absent: []}")),
            ("absent without a name", seen("{get: /, absent: ['', items..name]}")),
            ("anything is near", seen("{get: /, body: {a: 1}, within: 1000%}")),
            ("anything down to 0 is near", seen("{get: /, body: {a: 1}, within: 100%}")),
            (
                "a metric that no program has",
                seen("{metric: metrics_server_kubelet_requests, changedBy: 0}"),
            ),
            ("a metric of another program", seen("{metric: up, changedBy: 0}")),
            (
                "a label of no metric",
                seen(
                    "{metric: 'metrics_server_kubelet_request_total{sucess=\"false\"}', changedBy: 0}",
                ),
            ),
            (
                "a label of a metric without",
                seen(
                    "{metric: 'metrics_server_kubelet_bodies_most_bytes{node=\"a\"}', changedBy: 0}",
                ),
            ),
            (
                "a kubelet elsewhere",
                seen("kubelet: {node: node-1, address: 10.0.0.3, requests: 0}"),
            ),
            (
                "a path of no kubelet",
                seen("kubelet: {node: '*', path: /metrics/resuorce, requests: 0}"),
            ),
            (
                "a name server elsewhere",
                seen("dns: {name: node-1, server: 10.96.0.11, questions: 0}"),
            ),
            ("a name of nothing", seen("dns: {name: node-2, questions: 0}")),
            ("a name of nothing, by kinds", seen("dns: {name: nod-1, kinds: []}")),
            ("a path of no API server", seen("api: {request: 'GET /api/v1/ndoes…', requests: 0}")),
            (
                "a method that no client uses",
                seen("api: {request: LIST /api/v1/nodes, requests: 0}"),
            ),
            (
                "a node that is never there",
                seen("{get: /apis/metrics.k8s.io/v1beta1/nodes/nod-1, status: 404}"),
            ),
            ("the same twice", seen("ready: true\n- ready: true")),
            (
                "the same twice, in other words",
                seen("{get: /a, body: {cpu: 100m}}\n- {body: {cpu: '0.1'}, get: /a}"),
            ),
            ("flags", spec("server: {args: [--kubelet-insecure-tls, --no-such-flag]}")),
            (
                "flags that exclude each other",
                spec(
                    "server: {args: [--metric-resolution=1s, --kubelet-insecure-tls, --kubelet-certificate-authority=x]}",
                ),
            ),
            (
                "flags of a step",
                spec(
                    "steps:\n  - {name: a, expect: [{ready: true}]}\n  - {name: b, change: {server: {args: [--metric-resolution=1s]}}}\n  - {name: c, change: {server: {args: [--v=2]}}, expect: [{refused: a}]}",
                ),
            ),
        ]),
    );
}

#[test]
fn what_can_fail_is_accepted() {
    for text in [
        seen("{log: a, times: 0}"),
        seen("{get: /, exact: {}}"),
        seen("{get: /, headers: {x: …}}"),
        seen("{get: /, body: {items: []}, within: 99%, absent: [items.0.metadata]}"),
        seen("{top: nodes, error: 'no …'}"),
        seen("families: []"),
        seen("dnsOrder: []"),
        seen("{metric: metrics_server_kubelet_requests, is: 0}"),
        seen("{metric: 'metrics_server_kubelet_request_total{success=\"false\"}', changedBy: 0}"),
        seen(
            "{metric: 'metrics_server_kubelet_request_duration_seconds_count{node=\"a\"}', changedBy: 0}",
        ),
        seen("{metric: apiserver_anything_total, changedBy: 0}"),
        seen("kubelet: {node: node-1, address: 10.0.0.2, requests: 0}"),
        seen("kubelet: {node: node-1, address: 10.0.1.1, requests: 0}"),
        seen("kubelet: {node: node-1, path: /special, requests: 0}"),
        seen(
            "kubelet: {node: node-1, path: '/stats/summary?only_cpu_and_memory=true', requests: 0}",
        ),
        seen("dns: {name: node-1.kube-system.svc.cluster.local, server: 10.96.0.10, questions: 0}"),
        seen("dns: {name: a.corp, questions: 0}"),
        seen("dns: {name: In-Hosts., questions: 0}"),
        seen("dns: {name: elsewhere, questions: 1}"),
        seen("api: {request: 'GET /api/v1/nod…', requests: 0}"),
        seen("api: {request: '…', requests: 0}"),
        seen("api: {request: GET /api/v1/ndoes, requests: 1}"),
        seen("{get: /apis/metrics.k8s.io/v1beta1/nodes/node-1, status: 404}"),
        seen("{get: /apis/metrics.k8s.io/v1beta1/nodes/nod-1, status: 404, text: [nod-1]}"),
        seen("ready: true\n- ready: false"),
        spec(
            "server: {args: [--no-such-flag]}\nsteps: [{name: a, expect: [{refused: unknown flag}]}]",
        ),
        spec(
            "server: {files: {a: ClusterCA}, args: ['--kubelet-certificate-authority=${files.a}']}",
        ),
    ] {
        read(&text).unwrap_or_else(|errors| panic!("{errors}"));
    }
}
