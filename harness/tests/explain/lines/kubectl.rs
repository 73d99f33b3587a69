//! Lines that kubectl prints.

use diagnosis::Cause::*;

use super::Says::{self, Cause as C, Harmless, Nodes as N, Unknown};

/// kubectl's errors, tables and events; conditions in one line.
pub(crate) const KUBECTL: &[(&str, Says)] = &[
    ("error: metrics not available yet", C(NotReady)),
    ("error: Metrics API not available", C(ApiServiceUnavailable)),
    (
        "Error from server (ServiceUnavailable): the server is currently unable to handle the request (get nodes.metrics.k8s.io)",
        C(ApiServiceUnavailable),
    ),
    (
        "Error from server (NotFound): the server could not find the requested resource (get services http:heapster:)",
        C(ApiServiceMissing),
    ),
    (
        r#"Error from server (NotFound): nodemetrics.metrics.k8s.io "k8s-node1" not found"#,
        N(&[(UsageMissing, "k8s-node1")]),
    ),
    (
        r#"Error from server (NotFound): nodemetrics.metrics.k8s.io "k8s-node1" not found: last scrape of k8s-node1:10250 failed 4s ago: lookup k8s-node1 on 10.96.0.10:53: no such host"#,
        N(&[(DnsNoSuchHost, "k8s-node1")]),
    ),
    (
        r#"Error from server (NotFound): podmetrics.metrics.k8s.io "default/web" not found: there is only one sample of container "main" yet, measured 4s ago, and usage takes two"#,
        C(OneSample),
    ),
    (
        r#"Error from server (NotFound): podmetrics.metrics.k8s.io "default/web" not found: its kubelet reported no (or zero) memory usage for container "side""#,
        C(ContainerIncomplete),
    ),
    (
        r#"Error from server (Forbidden): nodes.metrics.k8s.io is forbidden: User "alice" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope"#,
        C(UserForbidden),
    ),
    (
        r#"Error from server (Forbidden): nodes.metrics.k8s.io is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope"#,
        C(NoFrontProxy),
    ),
    (
        r#"Error from server (Forbidden): pods.metrics.k8s.io is forbidden: User "system:serviceaccount:kube-system:horizontal-pod-autoscaler" cannot list resource "pods" in API group "metrics.k8s.io" in the namespace "default""#,
        C(UserForbidden),
    ),
    // kubectl top lists the nodes too. The metrics server's role has no part in it.
    (
        r#"Error from server (Forbidden): nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope"#,
        C(UserForbidden),
    ),
    (
        r#"Error from server (Forbidden): configmaps "extension-apiserver-authentication" is forbidden: User "jane" cannot get resource "configmaps" in API group "" in the namespace "kube-system""#,
        Unknown,
    ),
    ("error: You must be logged in to the server (Unauthorized)", C(UserUnauthorized)),
    ("error: the server has asked for the client to provide credentials", C(UserUnauthorized)),
    (
        r#"E1130 17:13:11.123456   12345 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: the server has asked for the client to provide credentials""#,
        C(UserUnauthorized),
    ),
    // Mistakes in kubectl's own arguments.
    ("error: unknown flag: --containres", Unknown),
    ("See 'kubectl top pod --help' for usage.", Harmless),
    ("error: open metrics.yaml: no such file or directory", Unknown),
    ("nginx: failed to read the configuration", Unknown),
    (
        "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
        C(ApiServerUnreachable),
    ),
    (
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
        C(ApiServerUnreachable),
    ),
    (
        "E1130 17:13:11.123456   12345 memcache.go:287] couldn't get resource list for metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
        C(ApiServiceUnavailable),
    ),
    (
        "error: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
        C(ApiServiceUnavailable),
    ),
    (
        "W1130 17:13:11.123456   12345 top_pod.go:265] Metrics not available for pod default/web, age: 25m14s",
        C(UsageMissing),
    ),
    (
        r#"Error from server (NotFound): deployments.apps "metrics-server" not found"#,
        C(ApiServiceMissing),
    ),
    (
        r#"Error from server (BadRequest): container "metrics-server" in pod "metrics-server-7f" is waiting to start: trying and failing to pull image"#,
        C(ImagePull),
    ),
    (
        r#"Error from server: Get "https://10.0.0.1:10250/containerLogs/kube-system/metrics-server-7f/metrics-server": dial tcp 10.0.0.1:10250: i/o timeout"#,
        C(ConnectTimeout),
    ),
    // kubectl get apiservice, and its conditions.
    (
        "v1beta1.metrics.k8s.io   kube-system/metrics-server   False (MissingEndpoints)   5m",
        C(MissingEndpoints),
    ),
    (
        "v1beta1.metrics.k8s.io   kube-system/metrics-server   False (FailedDiscoveryCheck)   5m",
        C(ApiServiceUnavailable),
    ),
    (
        "v1beta1.metrics.k8s.io   kube-system/metrics-server   False (ServiceNotFound)   5m",
        C(ServiceMissing),
    ),
    (
        r#"failing or missing response from https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1: Get "https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"#,
        C(ApiServiceUnreachable),
    ),
    (
        r#"failing or missing response from https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1: Get "https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1": x509: certificate signed by unknown authority"#,
        C(ApiServiceCertificate),
    ),
    (
        "failing or missing response from https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1: bad status from https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1: 401",
        C(ApiServiceUnauthorized),
    ),
    (
        "failing or missing response from https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1: bad status from https://10.110.15.3:443/apis/metrics.k8s.io/v1beta1: 503",
        C(ApiServiceUnavailable),
    ),
    (
        r#"E0104 09:52:47.0       1 available_controller.go:420] v1beta1.metrics.k8s.io failed with: failing or missing response from https://10.244.1.6:4443/apis/metrics.k8s.io/v1beta1: Get "https://10.244.1.6:4443/apis/metrics.k8s.io/v1beta1": dial tcp 10.244.1.6:4443: connect: no route to host"#,
        C(ApiServiceUnreachable),
    ),
    (
        r#"E0104 09:52:47.0       1 controller.go:116] loading OpenAPI spec for "v1beta1.metrics.k8s.io" failed with: failed to retrieve openAPI spec, http error: ResponseCode: 503, Body: service unavailable"#,
        C(ApiServiceUnavailable),
    ),
    // HPAs.
    (
        "Warning  FailedGetResourceMetric  2m (x20 over 7m)  horizontal-pod-autoscaler  failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API",
        C(UsageMissing),
    ),
    (
        "Warning  FailedGetResourceMetric  2m (x20 over 7m)  horizontal-pod-autoscaler  failed to get cpu utilization: missing request for cpu in container side of Pod web-5f",
        C(NoRequests),
    ),
    (
        "Warning  FailedComputeMetricsReplicas  2m  horizontal-pod-autoscaler  invalid metrics (1 invalid out of 1), first error is: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
        C(ApiServiceMissing),
    ),
    (
        "Warning  FailedGetResourceMetric  2m  horizontal-pod-autoscaler  unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server is currently unable to handle the request (get pods.metrics.k8s.io)",
        C(ApiServiceUnavailable),
    ),
    ("did not receive metrics for targeted pods (pods might be unready)", C(UsageMissing)),
    (
        "ScalingActive  False  FailedGetResourceMetric  the HPA was unable to compute",
        C(UsageMissing),
    ),
    // Other adapters of metrics, and other APIs.
    (
        "Warning  FailedComputeMetricsReplicas  2m  horizontal-pod-autoscaler  invalid metrics (1 invalid out of 1), first error is: failed to get s0-queue external metric value: unable to fetch metrics from external metrics API: the server is currently unable to handle the request (get s0-queue.external.metrics.k8s.io)",
        Harmless,
    ),
    (
        "Warning  FailedGetPodsMetric  2m  horizontal-pod-autoscaler  unable to get metric packets: unable to fetch metrics from custom metrics API: the server is currently unable to handle the request",
        Harmless,
    ),
    (
        "E1130 17:13:11.123456   12345 memcache.go:287] couldn't get resource list for external.metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
        Harmless,
    ),
    (
        "error: unable to retrieve the complete list of server APIs: custom.metrics.k8s.io/v1beta1: the server is currently unable to handle the request, metrics.k8s.io/v1beta1: the server is currently unable to handle the request",
        C(ApiServiceUnavailable),
    ),
    (
        "v1beta1.custom.metrics.k8s.io   monitoring/prometheus-adapter   False (FailedDiscoveryCheck)   5m",
        Harmless,
    ),
    (
        "v1.packages.operators.coreos.com   olm/packageserver-service   False (FailedDiscoveryCheck)   5m",
        Harmless,
    ),
    ("v1.apps   Local   True   5d", Harmless),
    ("v1beta1.metrics.k8s.io   kube-system/metrics-server   True   5d", Harmless),
    ("web   Deployment/web   cpu: <unknown>/80%   1   10   1   5m", C(UsageMissing)),
    ("default   web   StatefulSet/web   <unknown>/80%, 10%/50%   1   10   1   5m", C(UsageMissing)),
    // Only a target that is unknown is a failure.
    ("web   Deployment/web   cpu: 12%/80%   1   10   1   <unknown>", Unknown),
    (
        "<unknown>   Normal   Scheduled   pod/web-5f   Successfully assigned default/web-5f",
        Harmless,
    ),
    (
        "kube-system   <unknown>   Warning   FailedScheduling   pod/metrics-server-7f   0/3 nodes are available: 3 Insufficient memory.",
        C(Unschedulable),
    ),
    // Events.
    (
        "5m   Warning   Unhealthy   pod/metrics-server-7f   Readiness probe failed: HTTP probe failed with statuscode: 500",
        C(NotReady),
    ),
    (
        "5m   Warning   BackOff   pod/metrics-server-7f   Back-off restarting failed container metrics-server in pod metrics-server-7f_kube-system",
        C(ServerRestarts),
    ),
    (
        "5m   Warning   BackOff   pod/web-5f   Back-off restarting failed container main in pod web-5f_default",
        Harmless,
    ),
    (
        "5m   Warning   FailedScheduling   pod/web-5f   0/3 nodes are available: 3 Insufficient memory.",
        Harmless,
    ),
    (
        "5m   Warning   Failed   pod/web-5f   Error: failed to create task: open /proc/1: no such file or directory",
        Harmless,
    ),
    (
        r#"5m   Warning   Failed   pod/metrics-server-7f   Failed to pull image "k8s.gcr.io/metrics-server-amd64:v0.3.6": manifest unknown"#,
        C(ImagePull),
    ),
    (
        "5m   Warning   FailedScheduling   pod/metrics-server-7f   0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.",
        C(Unschedulable),
    ),
    ("5m   Normal   Scheduled   pod/web-5f   Successfully assigned default/web-5f to n1", Harmless),
    (
        "5m   Normal   NodeNotReady   node/n1   Node n1 status is now: NodeNotReady",
        N(&[(NodeNotReady, "n1")]),
    ),
    // Tables.
    ("NAME   STATUS   ROLES   AGE   VERSION", Harmless),
    ("n1   Ready   control-plane   5d   v1.30.2", Harmless),
    ("n2   NotReady   <none>   5d   v1.30.2", N(&[(NodeNotReady, "n2")])),
    ("kube-system   metrics-server-7f   0/1   Running   0   5m", C(NotReady)),
    ("metrics-server-7f   1/1   Running   0   5m", Harmless),
    ("metrics-server-7f   0/1   CrashLoopBackOff   7 (2m ago)   15m", C(ServerRestarts)),
    ("web-5f   0/1   CrashLoopBackOff   7 (2m ago)   15m", Harmless),
    ("metrics-server-7f   0/1   OOMKilled   3   15m", C(OutOfMemory)),
    ("metrics-server   0/1   1   0   5m", C(NotReady)),
    ("metrics-server   1/1   1   1   5m", Harmless),
    ("metrics-server   ClusterIP   10.96.12.34   <none>   443/TCP   5d", Harmless),
    ("metrics-server-abcde   IPv4   10250   10.244.0.7   5d", Harmless),
    ("metrics-server-abcde   IPv4   <unset>   <unset>   5d", C(MissingEndpoints)),
    (
        r#"{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[]}"#,
        Harmless,
    ),
    ("n1   94m   9%   2519Mi   68%", Harmless),
    ("n2   <unknown>   <unknown>   <unknown>   <unknown>", N(&[(UsageMissing, "n2")])),
    (
        "csr-8vnps   5m   kubernetes.io/kubelet-serving   system:node:n1   <none>   Pending",
        N(&[(TlsAlert, "n1")]),
    ),
    (
        "csr-8vnps   5m   kubernetes.io/kubelet-serving   system:node:n1   <none>   Approved,Issued",
        Harmless,
    ),
    (
        "csr-8vnps   5m   kubernetes.io/kubelet-serving   system:node:n1   <none>   Denied",
        N(&[(TlsAlert, "n1")]),
    ),
    (
        "csr-8vnps   5m   kubernetes.io/kube-apiserver-client-kubelet   system:bootstrap:abcdef   <none>   Approved,Issued",
        Harmless,
    ),
    // What people paste by itself.
    (
        "Forbidden (user=system:serviceaccount:monitoring:ms, verb=get, resource=nodes, subresource(s)=[metrics])",
        C(Forbidden),
    ),
    ("Memory cgroup out of memory: Killed process 7 (metrics-server)", C(OutOfMemory)),
    ("0/3 nodes are available: 3 node(s) had untolerated taint {a: b}.", C(Unschedulable)),
    (
        r#"Get "https://k8s-node1:10250/metrics/resource": dial tcp: lookup k8s-node1 on 10.96.0.10:53: no such host"#,
        C(DnsNoSuchHost),
    ),
    (
        "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
        C(CertificateNoSan),
    ),
    ("$ kubectl top nodes", Harmless),
    ("what a lovely day", Unknown),
    ("Error from server (Teapot): short and stout", Unknown),
];
