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

/// What it is, its lines, what is found, and how many lines are unknown.
type Row = (&'static str, &'static str, &'static [(Cause, &'static [&'static str])], u64);

#[test]
fn documents_are_read_as_a_whole() {
    let rows: [Row; 9] = [
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
    // One after the other, as they come out of a terminal.
    let all = [API_SERVICE, POD, HPA, NODE, PANIC, SEVERAL_LINES].concat();
    assert_eq!(explain(all.as_bytes()).unknown.lines, 1);
}
