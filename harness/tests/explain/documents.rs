//! What belongs together in several lines.

use diagnosis::Cause::{self, *};

use crate::{explain, found};

const API_SERVICE: &str = r"
Name:         v1beta1.metrics.k8s.io
Namespace:
Labels:       k8s-app=metrics-server
API Version:  apiregistration.k8s.io/v1
Kind:         APIService
Spec:
  Group:                     metrics.k8s.io
  Insecure Skip TLS Verify:  true
  Service:
    Name:            metrics-server
    Port:            443
Status:
  Conditions:
    Last Transition Time:  2026-11-30T17:00:00Z
    Message:               failing or missing response from https://10.43.5.5:443/apis/metrics.k8s.io/v1beta1: Get https://10.43.5.5:443/apis/metrics.k8s.io/v1beta1: dial tcp 10.43.5.5:443: connect: connection refused
    Reason:                FailedDiscoveryCheck
    Status:                False
    Type:                  Available
Events:                    <none>
";

/// kubectl folds what is long.
const API_SERVICE_YAML: &str = r#"
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"apiregistration.k8s.io/v1","spec":{"insecureSkipTLSVerify":true}}
  name: v1beta1.metrics.k8s.io
spec:
  group: metrics.k8s.io
status:
  conditions:
  - lastTransitionTime: "2026-11-30T17:00:00Z"
    message: 'failing or missing response from https://10.43.5.5:443/apis/metrics.k8s.io/v1beta1:
      Get "https://10.43.5.5:443/apis/metrics.k8s.io/v1beta1": net/http: request canceled
      while waiting for connection (Client.Timeout exceeded while awaiting headers)'
    reason: FailedDiscoveryCheck
    status: "False"
    type: Available
"#;

const API_SERVICE_JSON: &str = r#"{
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "status": {
        "conditions": [
            {
                "message": "endpoints for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"",
                "reason": "MissingEndpoints",
                "status": "False"
            }
        ]
    }
}
"#;

const HPA: &str = r"
Name:                                                  web
Namespace:                                             default
Reference:                                             Deployment/web
Metrics:                                               ( current / target )
  resource cpu on pods  (as a percentage of request):  <unknown> / 80%
Min replicas:                                          1
Conditions:
  Type           Status  Reason                   Message
  ----           ------  ------                   -------
  AbleToScale    True    SucceededGetScale        the HPA controller was able to get the target's current scale
  ScalingActive  False   FailedGetResourceMetric  the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container side of Pod web-5f
Events:
  Type     Reason                        Age                From                       Message
  ----     ------                        ----               ----                       -------
  Warning  FailedGetResourceMetric       2s (x20 over 5m)   horizontal-pod-autoscaler  failed to get cpu utilization: missing request for cpu in container side of Pod web-5f
  Warning  SomethingNew                  2s (x20 over 5m)   horizontal-pod-autoscaler  never seen before
";

const NODE: &str = r"
Name:               n1
Roles:              control-plane
Labels:             kubernetes.io/hostname=n1
Conditions:
  Type                 Status    LastHeartbeatTime                 LastTransitionTime                Reason              Message
  ----                 ------    -----------------                 ------------------                ------              -------
  MemoryPressure       False     Mon, 30 Nov 2026 17:00:00 +0000   Mon, 30 Nov 2026 17:00:00 +0000   KubeletHasSufficientMemory   kubelet has sufficient memory available
  Ready                Unknown   Mon, 30 Nov 2026 17:00:00 +0000   Mon, 30 Nov 2026 17:00:00 +0000   NodeStatusUnknown   Kubelet stopped posting node status.
Addresses:
  InternalIP:  10.0.0.1
  Hostname:    n1
Non-terminated Pods:          (2 in total)
  Namespace                   Name              CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  kube-system                 coredns-5d        100m (5%)     0 (0%)      70Mi (1%)        170Mi (4%)     5d
Events:              <none>
";

const POD: &str = r"
Name:                 metrics-server-7f
Namespace:            kube-system
Containers:
  metrics-server:
    Image:         registry.k8s.io/metrics-server/metrics-server:v0.7.0
    Args:
      --kubelet-certificate-authority=/ca.crt
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
    Ready:          False
Events:
  Type     Reason     Age                From     Message
  ----     ------     ----               ----     -------
  Normal   Pulled     5m                 kubelet  Container image already present on machine
  Warning  Unhealthy  4m (x9 over 5m)    kubelet  Readiness probe failed: HTTP probe failed with statuscode: 500
";

const PANIC: &str = "panic: runtime error: slice bounds out of range [-1:]\n\ngoroutine 118 [running]:\nsigs.k8s.io/metrics-server/pkg/scraper/client/resource.parseContainerLabels(...)\n\t/go/src/sigs.k8s.io/metrics-server/pkg/scraper/client/resource/decode.go:200\nsigs.k8s.io/metrics-server/pkg/scraper/client/resource.decodeBatch({0xc000, 0x1, 0x2}, {0x1})\n\t/go/src/decode.go:70 +0x65c\ncreated by sigs.k8s.io/metrics-server/pkg/scraper.(*scraper).Scrape in goroutine 33\n\t/go/src/scraper.go:142 +0x3ff\nexit status 2\n";

const USAGE: &str = "Error: unknown flag: --kubelet-insecure-tsl\nUsage:\n   [flags]\n\nMetrics server flags:\n\n      --kubeconfig string   The path to the kubeconfig used to connect to the Kubernetes API server and the Kubelets (defaults to in-cluster config)\n\nunknown flag: --kubelet-insecure-tsl\n";

/// klog's form of a value with several lines.
const SEVERAL_LINES: &str = "E0104 09:52:47.0       1 scraper.go:149] \"Failed to scrape node\" err=<\n\trequest failed, status: \"403 Forbidden\"\n\tmore\n > node=\"n1\"\nI0104 09:52:47.0       1 a.go:1] \"Fine\"\n";

/// Conditions are all there is once events have expired.
const HPA_WITHOUT_EVENTS: &str = r#"
Name:                                                  web
Reference:                                             Deployment/web
Metrics:                                               ( current / target )
  "packets-per-second" on pods:                        <unknown> / 1k
Conditions:
  Type           Status  Reason                   Message
  ----           ------  ------                   -------
  AbleToScale    True    SucceededGetScale        the HPA controller was able to get the target's current scale
  ScalingActive  False   FailedGetResourceMetric  the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API
Events:          <none>
"#;

/// The name in the labels and those of images are not the node's.
const NODES_YAML: &str = r#"
apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    labels:
      name: pool-a
    name: n1
    ownerReferences:
    - kind: Machine
      name: machine-1
  spec:
    taints:
    - key: a
  status:
    conditions:
    - lastHeartbeatTime: "2026-11-30T17:00:00Z"
      message: 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady
        message: cni plugin not initialized'
      reason: KubeletNotReady
      status: "False"
      type: Ready
    images:
    - names:
      - registry.k8s.io/pause:3.9
- apiVersion: v1
  kind: Node
  metadata:
    name: n2
  status:
    conditions:
    - message: kubelet is posting ready status
      reason: KubeletReady
      status: "True"
      type: Ready
kind: List
metadata:
  resourceVersion: ""
"#;

/// Another program's pod waits for a node too.
const PODS_JSON: &str = r#"{
    "items": [
        {
            "metadata": {
                "name": "web-5f"
            },
            "spec": {
                "containers": [
                    {
                        "name": "metrics-server"
                    }
                ]
            },
            "status": {
                "conditions": [
                    {
                        "message": "0/3 nodes are available: 3 Insufficient memory.",
                        "reason": "Unschedulable"
                    }
                ]
            }
        }
    ]
}
"#;

/// What a terminal shows after the documents.
const AFTER: &str = r#"Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout
x509: certificate signed by unknown authority
E0104 09:52:47.0       1 scraper.go:149] "Failed to scrape node" err="request failed, status: \"403 Forbidden\"" node="n9"
web   Deployment/web   cpu: <unknown>/80%   1   10   1   5m
"#;

/// A search list makes names that do not exist, of names that do.
const LOOKUPS: &str = r#"
[INFO] 10.244.1.6:3 - 1 "A IN n1.kube-system.svc.cluster.local. udp 27 false 512" NXDOMAIN qr,aa,rd 102 0.0003s
[INFO] 10.244.1.6:3 - 2 "A IN n1.ec2.internal. udp 27 false 512" NXDOMAIN qr,aa,rd 102 0.0003s
[INFO] 10.244.1.6:3 - 3 "A IN n1. udp 27 false 512" NOERROR qr,aa,rd 102 0.0003s
[INFO] 10.244.1.6:3 - 4 "A IN n2.ec2.internal. udp 27 false 512" NXDOMAIN qr,aa,rd 102 0.0003s
[INFO] 10.244.1.6:3 - 5 "A IN n2. udp 27 false 512" NXDOMAIN qr,aa,rd 102 0.0003s
"#;

/// What it is, its lines, what is found, and how many lines are unknown.
type Row = (&'static str, &'static str, &'static [(Cause, &'static [&'static str])], u64);

#[test]
fn documents_are_read_as_a_whole() {
    let rows: [Row; 13] = [
        (
            "apiservice",
            API_SERVICE,
            &[(ApiServiceUnreachable, &[]), (ApiServiceUnavailable, &[])],
            0,
        ),
        (
            "yaml",
            API_SERVICE_YAML,
            &[(ApiServiceUnreachable, &[]), (ApiServiceUnavailable, &[])],
            0,
        ),
        ("json", API_SERVICE_JSON, &[(MissingEndpoints, &[])], 0),
        ("hpa", HPA, &[(NoRequests, &[]), (UsageMissing, &[])], 1),
        ("node", NODE, &[(NodeNotReady, &["n1"])], 0),
        ("pod", POD, &[(OutOfMemory, &[]), (NotReady, &[]), (ServerRestarts, &[])], 0),
        ("panic", PANIC, &[(BadLines, &[])], 0),
        ("usage", USAGE, &[(BadFlags, &[])], 0),
        ("hpa without events", HPA_WITHOUT_EVENTS, &[(UsageMissing, &[])], 0),
        ("nodes", NODES_YAML, &[(NodeNotReady, &["n1"])], 0),
        ("pods", PODS_JSON, &[], 0),
        ("lookups", LOOKUPS, &[(DnsNoSuchHost, &["n2"])], 0),
        ("several lines", SEVERAL_LINES, &[(Forbidden, &["n1"])], 0),
    ];
    for (name, text, expected, unknown) in rows {
        let explanation = explain(text.as_bytes());
        let expected: Vec<_> =
            expected.iter().map(|(cause, nodes)| (*cause, nodes.to_vec())).collect();
        assert_eq!(found(&explanation), expected, "{name}");
        assert_eq!(explanation.unknown.lines, unknown, "{name}: {:?}", explanation.unknown.first);
    }
    // Another program's pod that is out of memory does not concern the metrics server.
    let other = POD.replace("metrics-server-7f", "web-5f");
    assert_eq!(found(&explain(other.as_bytes())), []);
    let own = PODS_JSON.replace("web-5f", "metrics-server-7f");
    assert_eq!(found(&explain(own.as_bytes())), [(Unschedulable, vec![])]);
    // Nor does another API.
    let other = API_SERVICE.replace("v1beta1.metrics", "v1beta1.external.metrics");
    assert_eq!(found(&explain(other.as_bytes())), []);
    // One after the other, as they come out of a terminal.
    let all = [API_SERVICE, POD, HPA, NODE, PANIC, SEVERAL_LINES].concat();
    assert_eq!(explain(all.as_bytes()).unknown.lines, 1);
}

/// A document ends where something else begins.
#[test]
fn what_follows_a_document_is_not_part_of_it() {
    let after = [
        (CertificateAuthority, vec![]),
        (ApiServerUnreachable, vec![]),
        (Forbidden, vec!["n9"]),
        (UsageMissing, vec![]),
    ];
    for document in [API_SERVICE_YAML, API_SERVICE_JSON, NODES_YAML, API_SERVICE, NODE, POD] {
        let (alone, together) = (explain(document.as_bytes()), [document, AFTER].concat());
        let together = explain(together.as_bytes());
        let causes = found(&together);
        for cause in &after {
            assert!(causes.contains(cause), "{cause:?}: {causes:?}: {document}");
        }
        assert!(causes.len() >= found(&alone).len(), "{document}");
    }
}
