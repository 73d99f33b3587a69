//! Lines of the Go server's log.

use diagnosis::Cause::*;

use super::Says::{self, Cause as C, Harmless, Nodes as N, Partly, Unknown};

/// The Go server's log, from 0.3 on.
pub(crate) const GO_SERVER: &[(&str, Says)] = &[
    // 0.3: all nodes in one line, URLs without quotes.
    (
        "E0104 09:52:47.012345       1 manager.go:111] unable to fully collect metrics: [unable to fully scrape metrics from source kubelet_summary:k8s-node1: unable to fetch metrics from Kubelet k8s-node1 (k8s-node1): Get https://k8s-node1:10250/stats/summary/: dial tcp: lookup k8s-node1 on 10.96.0.10:53: no such host, unable to fully scrape metrics from source kubelet_summary:k8s-node2: unable to fetch metrics from Kubelet k8s-node2 (k8s-node2): Get https://k8s-node2:10250/stats/summary/: dial tcp: lookup k8s-node2 on 10.96.0.10:53: read udp 10.244.1.6:45288->10.96.0.10:53: i/o timeout]",
        N(&[(DnsNoSuchHost, "k8s-node1"), (DnsTimeout, "k8s-node2")]),
    ),
    (
        "E0104 09:52:47.012345       1 manager.go:111] unable to fully collect metrics: [unable to fully scrape metrics from source kubelet_summary:n1: unable to fetch metrics from Kubelet n1 (n1): the dog ate it, unable to fully scrape metrics from source kubelet_summary:n2: unable to fetch metrics from Kubelet n2 (n2): Get https://n2:10250/stats/summary/: dial tcp: lookup n2 on 10.96.0.10:53: no such host]",
        Partly(&[(DnsNoSuchHost, "n2")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 manager.go:111] unable to fully collect metrics: unable to fully scrape metrics from source kubelet_summary:n1: unable to fetch metrics from Kubelet n1 (10.0.0.1): request failed - "403 Forbidden", response: "Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource=stats)""#,
        N(&[(Unauthorized, "n1")]),
    ),
    (
        "E0104 09:52:47.012345       1 manager.go:102] unable to fully collect metrics: unable to fully scrape metrics from source kubelet_summary:ip-10-0-0-7.ec2.internal: unable to fetch metrics from Kubelet ip-10-0-0-7.ec2.internal (10.0.0.7): Get https://10.0.0.7:10250/stats/summary/: x509: cannot validate certificate for 10.0.0.7 because it doesn't contain any IP SANs",
        N(&[(CertificateNoSan, "ip-10-0-0-7.ec2.internal")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 manager.go:111] unable to fully collect metrics: [unable to fully scrape metrics from source kubelet_summary:n1: unable to fetch metrics from Kubelet n1 (10.0.0.1): request failed - "401 Unauthorized", response: "Unauthorized", unable to fully scrape metrics from source kubelet_summary:n2: unable to fetch metrics from Kubelet n2 (10.0.0.2): request failed - "403 Forbidden", response: "Forbidden (user=system:serviceaccount:kube-system:metrics-server, verb=get, resource=nodes, subresource=stats)"]"#,
        N(&[(Unauthorized, "n1"), (ForbiddenSummary, "n2")]),
    ),
    (
        "E0104 09:52:47.012345       1 manager.go:111] unable to fully collect metrics: [unable to extract connection information for node \"n1\": node n1 is not ready, unable to extract connection information for node \"n2\": node n2 had no addresses that matched types [InternalIP]]",
        N(&[(NodeNotReady, "n1"), (NoAddress, "n2")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 manager.go:111] unable to fully collect metrics: unable to fully scrape metrics from source kubelet_summary:n1: [unable to get CPU for container "main" in pod default/web on node "10.0.0.1", discarding data: missing cpu usage metric, unable to get CPU for container "side" in pod default/web on node "10.0.0.1", discarding data: missing cpu usage metric]"#,
        N(&[(ContainerIncomplete, "n1")]),
    ),
    (
        "E0104 09:52:47.012345       1 reststorage.go:128] unable to fetch node metrics for node \"k8s-node1\": no metrics known for node",
        N(&[(UsageMissing, "k8s-node1")]),
    ),
    (
        "E0104 09:52:47.012345       1 reststorage.go:144] unable to fetch pod metrics for pod default/web: no metrics known for pod",
        C(UsageMissing),
    ),
    (
        "E0104 09:52:47.0       1 manager.go:124] duplicate pod default/web received",
        C(DuplicatePod),
    ),
    (
        "I0104 09:52:47.012345       1 serving.go:312] Generated self-signed cert (apiserver.local.config/certificates/apiserver.crt, apiserver.local.config/certificates/apiserver.key)",
        Harmless,
    ),
    // 0.4.
    (
        r#"E1205 10:00:00.000001       1 server.go:132] unable to fully scrape metrics: [unable to fully scrape metrics from node a: unable to fetch metrics from node a: Get "https://a:10250/stats/summary?only_cpu_and_memory=true": dial tcp: lookup a on 10.96.0.10:53: server misbehaving, unable to fully scrape metrics from node b: unable to fetch metrics from node b: Get "https://10.0.0.2:10250/stats/summary?only_cpu_and_memory=true": dial tcp 10.0.0.2:10250: connect: no route to host, unable to fully scrape metrics from node c: unable to fetch metrics from node c: request failed - "404 Not Found"., unable to fully scrape metrics from node d: unable to fetch metrics from node d: Get "https://10.0.0.4:10250/stats/summary?only_cpu_and_memory=true": context deadline exceeded]"#,
        N(&[(DnsServerFailure, "a"), (NoRoute, "b"), (NotFoundSummary, "c"), (Timeout, "d")]),
    ),
    // From 0.5 on.
    (
        r#"E0104 09:52:47.012345       1 scraper.go:139] "Failed to scrape node" err="Get \"https://10.124.4.238:10250/stats/summary?only_cpu_and_memory=true\": x509: certificate is valid for 127.0.0.1, not 10.124.4.238" node="fargate-10-124-4-238""#,
        N(&[(CertificateName, "fargate-10-124-4-238")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": remote error: tls: internal error" node="n1""#,
        N(&[(TlsAlert, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": tls: failed to verify certificate: x509: certificate signed by unknown authority" node="n1""#,
        N(&[(CertificateAuthority, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of \"crypto/rsa: verification error\" while trying to verify candidate authority certificate \"kubernetes\")" node="n1""#,
        N(&[(CertificateAuthorityReplaced, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-01-04T09:52:47Z is after 2026-01-01T00:00:00Z" node="n1""#,
        N(&[(CertificateTime, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="request failed, status: \"401 Unauthorized\"" node="n1""#,
        N(&[(Unauthorized, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="request failed, status: \"403 Forbidden\"" node="n1""#,
        N(&[(Forbidden, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="request failed, status: \"404 Not Found\"" node="virtual""#,
        N(&[(NotFound, "virtual")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="request failed, status: \"500 Internal Server Error\"" node="windows""#,
        N(&[(HttpStatus, "windows")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": dial tcp 10.0.0.1:10250: connect: connection refused" node="n1""#,
        N(&[(ConnectionRefused, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": dial tcp 10.0.0.1:10250: i/o timeout" node="n1""#,
        N(&[(ConnectTimeout, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:147] "Failed to scrape node, timeout to access kubelet" err="Get \"https://10.0.0.1:10250/metrics/resource\": context deadline exceeded" node="n1" timeout="10s""#,
        N(&[(Timeout, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)" node="n1""#,
        N(&[(ConnectTimeout, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": net/http: TLS handshake timeout" node="n1""#,
        N(&[(TlsTimeout, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10255/metrics/resource\": http: server gave HTTP response to HTTPS client" node="n1""#,
        N(&[(Tls, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": EOF" node="n1""#,
        N(&[(BrokenConnection, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": read tcp 10.244.1.6:5->10.0.0.1:10250: read: connection reset by peer" node="n1""#,
        N(&[(BrokenConnection, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": http2: client connection lost" node="n1""#,
        N(&[(Timeout, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": dial tcp 10.0.0.1:10250: connect: operation not permitted" node="n1""#,
        N(&[(Connect, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://[fd00::1]:10250/metrics/resource\": dial tcp [fd00::1]:10250: connect: network is unreachable" node="n1""#,
        N(&[(NoRoute, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://n1:10250/metrics/resource\": dial tcp: lookup n1: Temporary failure in name resolution" node="n1""#,
        N(&[(DnsServerFailure, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://n1:10250/metrics/resource\": dial tcp: lookup n1 on 10.96.0.10:53: read udp 10.244.1.6:5->10.96.0.10:53: read: connection refused" node="n1""#,
        N(&[(DnsUnreachable, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": proxyconnect tcp: dial tcp 10.9.0.1:3128: i/o timeout" node="n1""#,
        N(&[(Proxy, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": proxyconnect tcp: dial tcp: lookup proxy on 10.96.0.10:53: no such host" node="n1""#,
        N(&[(Proxy, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": socks connect tcp 10.9.0.1:1080->10.0.0.1:10250: dial tcp 10.9.0.1:1080: connect: connection refused" node="n1""#,
        N(&[(Proxy, "n1")]),
    ),
    // The kubelet has a certificate, so that there is nothing to approve.
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": remote error: tls: handshake failure" node="n1""#,
        N(&[(Tls, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": Service Unavailable" node="n1""#,
        N(&[(Proxy, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": remote error: tls: certificate required" node="n1""#,
        N(&[(ClientCertificateRequired, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="Get \"https://10.0.0.1:10250/metrics/resource\": remote error: tls: bad certificate" node="n1""#,
        N(&[(ClientCertificateRefused, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="failed parsing metrics: expected timestamp or new record, got \"MNAME\" (\"node_cpu\") while parsing: \"node_cpu_usage_seconds_total 1 node_cpu\"" node="n1""#,
        N(&[(BadLines, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="failed parsing metrics: \"<\" is not a valid start token" node="n1""#,
        N(&[(NoMetrics, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="failed to read response body - context deadline exceeded (Client.Timeout or context cancellation while reading body)" node="n1""#,
        N(&[(BodyTimeout, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="failed to read response body - unexpected EOF" node="n1""#,
        N(&[(BodyBroken, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="no address matched types [InternalIP]" node="n1""#,
        N(&[(NoAddress, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="parse \"https://a b:10250/metrics/resource\": invalid character \" \" in host name" node="n1""#,
        N(&[(BadAddress, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 report.rs:59] "Failed to scrape node" err="Get \"https://n1:10250/metrics/resource\": dial tcp: lookup n1: 100 other names are being looked up" node="n1""#,
        N(&[(DnsTooMany, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 report.rs:59] "Failed to scrape node" err="Get \"https://n1:10250/metrics/resource\": tls: failed to verify certificate: x509: certificate specifies an incompatible key usage" node="n1""#,
        N(&[(CertificateUsage, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 report.rs:59] "Failed to scrape node" err="Get \"https://n1:10250/metrics/resource\": tls: failed to verify certificate: x509: malformed certificate" node="n1""#,
        N(&[(Certificate, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 report.rs:59] "Failed to scrape node" err="Get \"https://n1:10250/metrics/resource\": tls: the certificate is that of node n2, not of n1" node="n1""#,
        N(&[(OtherNode, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 report.rs:59] "Failed to scrape node" err="internal error: panic while scraping" node="n1""#,
        N(&[(Panic, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 wrap.go:58] "apiserver panic'd" method="GET" URI="/apis/metrics.k8s.io/v1beta1/nodes""#,
        C(Panic),
    ),
    (
        "I0104 09:52:47.012345       1 log.go:172] http: TLS handshake error from 10.0.0.9:51234: tls: client offered only unsupported versions: [301]",
        C(ClientHandshake),
    ),
    (
        r#"I0104 09:52:47.012345       1 connection.rs:1] "Refused a request whose headers are too large (431)" client="10.0.0.9""#,
        C(ClientLimits),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:149] "Failed to scrape node" err="the dog ate it" node="n1""#,
        Unknown,
    ),
    (
        r#"I0104 09:52:47.012345       1 server.go:191] "Failed probe" probe="metric-storage-ready" err="no metrics to serve""#,
        C(NotReady),
    ),
    (
        r#"I0104 09:52:47.012345       1 server.go:188] "Failed probe" probe="metric-storage-ready" err="not metrics to serve""#,
        C(NotReady),
    ),
    (
        r#"I0104 09:52:47.012345       1 server.go:180] "Failed probe" probe="metric-collection-timely" err="metric collection didn't finish on time" duration="35s" maxDuration="22.5s""#,
        C(CycleLate),
    ),
    (
        r#"E0104 09:52:47.012345       1 nodes.go:54] "Skipping node usage metric" err="unexpected decrease in cumulative CPU usage value" node="n1""#,
        N(&[(CounterDecreased, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 pod.go:74] "Skipping container usage metric" err="unexpected decrease in startTime of node/container" container="main" pod="default/web""#,
        C(StartTimeDecreased),
    ),
    (
        r#"E0104 09:52:47.012345       1 pod.go:109] "Got duplicate pod point" pod="default/web""#,
        C(DuplicatePod),
    ),
    (
        r#"E0104 09:52:47.012345       1 scraper.go:168] "Got duplicate node point" node="n1""#,
        N(&[(DuplicatePod, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 pod.go:117] "Got duplicate Container point" container="main" pod="default/web""#,
        C(ConflictingUsage),
    ),
    (
        r#"I0104 09:52:47.012345       1 decode.go:104] "Failed getting complete Pod metric" pod="default/web""#,
        C(ContainerIncomplete),
    ),
    (
        r#"I0104 09:52:47.012345       1 decode.go:90] "Failed getting complete node metric" node="n1" metric={"StartTime":"0001-01-01T00:00:00Z"}"#,
        N(&[(NoNodeUsage, "n1")]),
    ),
    (
        r#"E0104 09:52:47.012345       1 authentication.go:63] Unable to authenticate the request due to an error: [x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "front-proxy-ca"), x509: certificate signed by unknown authority]"#,
        C(ClientAuthorityReplaced),
    ),
    (
        r#"E0104 09:52:47.012345       1 authentication.go:73] "Unable to authenticate the request" err="verifying certificate SN=1, SKID=, AKID=2B failed: x509: certificate has expired or is not yet valid: current time 2026-01-04T09:52:47Z is after 2026-01-01T00:00:00Z""#,
        C(ClientCertificateTime),
    ),
    (
        r#"E0104 09:52:47.012345       1 authentication.go:73] "Unable to authenticate the request" err="[invalid bearer token, Token has expired.]""#,
        C(TokenRejected),
    ),
    (
        r#"E0104 09:52:47.012345       1 authentication.go:73] "Unable to authenticate the request" err="[invalid bearer token, tokenreviews.authentication.k8s.io is forbidden: User \"system:serviceaccount:kube-system:metrics-server\" cannot create resource \"tokenreviews\" in API group \"authentication.k8s.io\" at the cluster scope]""#,
        C(RoleLacksReviews),
    ),
    (
        r#"E0104 09:52:47.012345       1 reflector.go:153] k8s.io/client-go/informers/factory.go:135: Failed to list *v1.Node: nodes is forbidden: User "system:serviceaccount:kube-system:metrics-server" cannot list resource "nodes" in API group "" at the cluster scope"#,
        C(RoleLacksList),
    ),
    (
        r#"E0104 09:52:47.012345       1 reflector.go:153] k8s.io/client-go/informers/factory.go:135: Failed to list *v1.Namespace: namespaces is forbidden: User "system:serviceaccount:kube-system:metrics-server" cannot list resource "namespaces" in API group "" at the cluster scope"#,
        C(RoleLacksList),
    ),
    // A service account of any name, in the server's own log.
    (
        r#"E0104 09:52:47.012345       1 reflector.go:200] "Failed to watch" err="failed to list *v1.Pod: pods is forbidden: User \"system:serviceaccount:monitoring:ms\" cannot list resource \"pods\" in API group \"\" at the cluster scope" type="*v1.Pod""#,
        C(RoleLacksList),
    ),
    // A component of Kubernetes, in its log.
    (
        r#"E0104 09:52:47.012345       1 reflector.go:153] factory.go:135: Failed to list *v1.Pod: pods is forbidden: User "system:kube-scheduler" cannot list resource "pods" in API group "" at the cluster scope"#,
        Unknown,
    ),
    (
        r#"E0104 09:52:47.012345       1 webhook.go:253] Failed to make webhook authorizer request: subjectaccessreviews.authorization.k8s.io is forbidden: User "system:serviceaccount:monitoring:ms" cannot create resource "subjectaccessreviews" in API group "authorization.k8s.io" at the cluster scope"#,
        C(RoleLacksReviews),
    ),
    (
        r#"E0104 09:52:47.012345       1 reflector.go:138] pkg/mod/k8s.io/client-go@v0.20.2/tools/cache/reflector.go:167: Failed to watch *v1.Pod: failed to list *v1.Pod: Get "https://10.96.0.1:443/api/v1/pods?limit=500&resourceVersion=0": dial tcp 10.96.0.1:443: i/o timeout"#,
        C(ApiServerUnreachable),
    ),
    (
        r#"E0104 09:52:47.012345       1 reflector.go:200] "Failed to watch" err="failed to list *v1.Node: Get \"https://10.96.0.1:443/api/v1/nodes\": tls: failed to verify certificate: x509: certificate is valid for 10.0.0.1, not 10.96.0.1" logger="UnhandledError" reflector="k8s.io/client-go/informers/factory.go:160" type="*v1.Node""#,
        C(ApiServerCertificate),
    ),
    (
        r#"W0104 09:52:47.012345       1 configmap_cafile_content.go:1] unable to get configmap/extension-apiserver-authentication in kube-system.  Usually fixed by 'kubectl create rolebinding -n kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader --serviceaccount=YOUR_NS:YOUR_SA': configmaps "extension-apiserver-authentication" is forbidden: User "system:serviceaccount:kube-system:metrics-server" cannot get resource "configmaps" in API group "" in the namespace "kube-system""#,
        C(RoleLacksAuthReader),
    ),
    (
        r#"E0104 09:52:47.012345       1 webhook.go:253] Failed to make webhook authorizer request: Post "https://10.96.0.1:443/apis/authorization.k8s.io/v1/subjectaccessreviews": dial tcp 10.96.0.1:443: connect: connection refused"#,
        C(ApiServerUnreachable),
    ),
    (
        "E0104 09:52:47.012345       1 webhook.go:253] Failed to make webhook authorizer request: Unauthorized",
        C(ApiServerUnauthorized),
    ),
    (
        "I0104 09:52:47.012345       1 log.go:172] http: TLS handshake error from 10.0.0.9:51234: EOF",
        Harmless,
    ),
    (
        "I0104 09:52:47.012345       1 log.go:172] http: TLS handshake error from 10.0.0.9:51234: remote error: tls: bad certificate",
        C(ServingCertificate),
    ),
    (
        "2026/01/04 09:52:47 http: TLS handshake error from 10.0.0.9:51234: remote error: tls: unknown certificate authority",
        C(ServingCertificate),
    ),
    (
        "I0104 09:52:47.012345       1 secure_serving.go:116] Serving securely on [::]:4443",
        Harmless,
    ),
    (
        "I0104 09:52:47.012345       1 shared_informer.go:318] Caches are synced for client-ca::kube-system::extension-apiserver-authentication::client-ca-file",
        Harmless,
    ),
    (
        r#"I0104 09:52:47.012345       1 dynamic_serving_content.go:132] "Starting controller" name="serving-cert::apiserver.local.config/certificates/apiserver.crt::apiserver.local.config/certificates/apiserver.key""#,
        Harmless,
    ),
    (
        r#"I0104 09:52:47.012345       1 scraper.go:121] "Scraping metrics from nodes" nodes=["n1","n2"] nodeCount=2 nodeSelector="""#,
        Harmless,
    ),
    (r#"F0104 09:52:47.012345       1 main.go:1] "Boom""#, Unknown),
    (
        "F0104 09:52:47.012345       1 main.go:1] open /ca.crt: no such file or directory",
        C(BadFile),
    ),
    (
        r#"E0104 09:52:47.012345       1 run.go:74] "command failed" err="open /ca.crt: no such file or directory""#,
        C(BadFile),
    ),
    // Of another program, which may do without the file.
    ("E0104 09:52:47.012345       1 web.go:1] failed to read /etc/web.conf: try again", Unknown),
    ("panic: runtime error: slice bounds out of range [-1:]", C(BadLines)),
    (
        "panic: failed to create listener: failed to listen on 0.0.0.0:10250: listen tcp 0.0.0.0:10250: bind: address already in use",
        C(PortTaken),
    ),
    ("error: failed to run server: open /ca/kubelet.crt: no such file or directory", C(BadFile)),
    ("Error: unknown flag: --kubelet-insecure-tsl", C(BadFlags)),
    (
        "panic: cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls",
        C(BadFlags),
    ),
    (
        "Error: metric-resolution should be a time duration at least 10s, but value 1s provided",
        C(BadFlags),
    ),
    ("[-]metric-storage-ready failed: no metrics to serve", C(NotReady)),
    (
        "I0104 09:52:47.0       1 healthz.go:261] poststarthook/x,metric-collection-timely check failed: healthz",
        C(CycleLate),
    ),
    (
        r#"W0104 09:52:47.0       1 reflector.go:436] k8s.io/client-go/informers/factory.go:134: watch of *v1.Node ended with: an error on the server ("unable to decode an event from the watch stream: http2: client connection lost") has prevented the request from succeeding"#,
        C(ApiServerFailing),
    ),
    (
        r#"E0104 09:52:47.0       1 wrap.go:54] timeout or abort while handling: GET "/apis/metrics.k8s.io/v1beta1/nodes""#,
        Harmless,
    ),
    (
        r#"E0104 09:52:47.0       1 node.go:122] "Failed getting node" err="node \"a\" not found" node="a""#,
        Harmless,
    ),
    // JSON, of --logging-format=json.
    (
        r#"{"ts":1546595567012.345,"caller":"scraper/scraper.go:149","msg":"Failed to scrape node","node":{"name":"n1"},"err":"Get \"https://10.0.0.1:10250/metrics/resource\": dial tcp 10.0.0.1:10250: connect: connection refused"}"#,
        N(&[(ConnectionRefused, "n1")]),
    ),
    (
        r#"{"ts":1546595567012.345,"caller":"server/server.go:191","msg":"Failed probe","v":0,"probe":"metric-storage-ready","err":"no metrics to serve"}"#,
        C(NotReady),
    ),
    (
        r#"{"ts":1546595567012.345,"caller":"server/secure_serving.go:1","msg":"Serving securely on [::]:10250","v":0}"#,
        Harmless,
    ),
];
