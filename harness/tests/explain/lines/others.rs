//! Lines of CoreDNS's and the kubelet's logs.

use diagnosis::Cause::*;

use super::Says::{self, Cause as C, Harmless, Nodes as N, Unknown};

/// Logs of CoreDNS, of kubelets and of controllers.
pub(crate) const OTHERS: &[(&str, Says)] = &[
    (".:53", Harmless),
    ("CoreDNS-1.11.1", Harmless),
    ("linux/amd64, go1.20.7, ae2bbc2", Harmless),
    ("[INFO] plugin/reload: Running configuration SHA512 = 591cf328cccc12bc", Harmless),
    (
        r#"[INFO] 10.244.1.6:39999 - 61234 "A IN k8s-node1. udp 27 false 512" NXDOMAIN qr,rd,ra 102 0.000318s"#,
        N(&[(DnsNoSuchHost, "k8s-node1")]),
    ),
    (
        r#"[INFO] 10.244.1.6:39999 - 61234 "A IN node-1.corp.example. udp 27 false 512" NXDOMAIN qr,rd,ra 102 0.000318s"#,
        C(DnsNoSuchHost),
    ),
    (
        r#"[INFO] 10.244.1.6:39999 - 61234 "A IN k8s-node1.kube-system.svc.cluster.local. udp 27 false 512" NXDOMAIN qr,aa,rd 102 0.000318s"#,
        Harmless,
    ),
    (
        r#"[INFO] 10.244.1.6:39999 - 61234 "A IN kubernetes.default.svc.cluster.local. udp 27 false 512" NOERROR qr,aa,rd 102 0.000318s"#,
        Harmless,
    ),
    (
        r#"[INFO] 10.244.1.6:39999 - 61234 "A IN k8s-node1. udp 27 false 512" SERVFAIL qr,rd 27 2.000318s"#,
        C(DnsServerFailure),
    ),
    (
        "[ERROR] plugin/errors: 2 k8s-node1. A: read udp 10.244.0.5:38471->8.8.8.8:53: i/o timeout",
        C(DnsServerFailure),
    ),
    (
        r#"[FATAL] plugin/loop: Loop (127.0.0.1:55953 -> :1053) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting."#,
        C(DnsLoop),
    ),
    (
        "[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API",
        C(ApiServerUnreachable),
    ),
    ("[WARNING] No files matching import glob pattern: /etc/coredns/custom/*.override", Harmless),
    ("[ERROR] something new", Unknown),
    (
        "Nov 30 17:13:11 n1 kubelet[812]: E1130 17:13:11.123456     812 server.go:310] http: TLS handshake error from 10.244.1.6:5: no serving certificate available for the kubelet",
        C(TlsAlert),
    ),
    // Pods of other programs.
    (
        r#"E1130 17:13:11.123456     812 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"main\" with CrashLoopBackOff" pod="default/web-5f" podUID="1""#,
        Harmless,
    ),
    (
        r#"E1130 17:13:11.123456     812 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"metrics-server\" with CrashLoopBackOff" pod="kube-system/metrics-server-7f" podUID="1""#,
        C(ServerRestarts),
    ),
    (
        r#"I1130 17:13:11.123456     812 prober.go:107] "Probe failed" probeType="Readiness" pod="default/web-5f" output="HTTP probe failed with statuscode: 500""#,
        Harmless,
    ),
    (
        r#"I1130 17:13:11.123456     812 prober.go:107] "Probe failed" probeType="Readiness" pod="kube-system/metrics-server-7f" output="HTTP probe failed with statuscode: 500""#,
        C(NotReady),
    ),
    (
        r#"I1130 17:13:11.123456       1 event.go:389] "Event occurred" object="default/web" kind="HorizontalPodAutoscaler" type="Warning" reason="FailedGetResourceMetric" message="failed to get cpu utilization: missing request for cpu in container side of Pod web-5f""#,
        C(NoRequests),
    ),
    (
        r#"I1130 17:13:11.123456       1 event.go:389] "Event occurred" object="default/web-5f" kind="Pod" type="Warning" reason="FailedScheduling" message="0/3 nodes are available: 3 Insufficient memory.""#,
        Harmless,
    ),
    ("[pod/coredns-5d/coredns] [INFO] plugin/ready: Still waiting on: \"kubernetes\"", Harmless),
    ("", Harmless),
];
