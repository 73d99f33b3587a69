//! Which paths a kubelet knows, and which subresources of its node each of them belongs to: read
//! off `pkg/kubelet/server/auth.go` and `server.go` of Kubernetes 1.36, where
//! `KubeletFineGrainedAuthz` is on.

/// Paths that its HTTP server matches exactly.
const EXACT: [&str; 8] = [
    "/metrics",
    "/metrics/cadvisor",
    "/metrics/probes",
    "/metrics/resource",
    "/metrics/slis",
    "/configz",
    "/statusz",
    "/flagz",
];

/// Paths that it knows with all that is below them.
const WITH_ALL_BELOW: [&str; 11] = [
    "/pods",
    "/runningpods",
    "/stats",
    "/logs",
    "/checkpoint",
    "/containerLogs",
    "/run",
    "/exec",
    "/attach",
    "/portForward",
    "/debug",
];

/// Health checks, the sum of all first.
const HEALTH: [&str; 4] = ["/healthz", "/healthz/ping", "/healthz/log", "/healthz/syncloop"];

/// Whether the kubelet's HTTP server knows a path. Where it does not, it answers 404 before
/// authentication.
pub fn is_known(path: &str) -> bool {
    EXACT.contains(&path) || is_health_check(path) || is_routed(path)
}

/// Whether a path is that of a health check.
pub(crate) fn is_health_check(path: &str) -> bool {
    HEALTH.contains(&path)
}

/// Whether go-restful routes a path, and not Go's own HTTP server.
pub(crate) fn is_routed(path: &str) -> bool {
    WITH_ALL_BELOW.iter().any(|root| is_below(path, root))
}

/// The methods that a path takes; `None` where it takes any, or is not served.
pub(crate) fn methods(path: &str) -> Option<&'static str> {
    match path.strip_suffix('/').unwrap_or(path) {
        "/pods" => Some("GET"),
        "/stats/summary" => Some("GET, POST"),
        _ => None,
    }
}

/// The subresources of a node that a path belongs to, in the order in which they are reviewed; the
/// first that is allowed is enough.
pub(super) fn subresources(path: &str) -> &'static [&'static str] {
    let under = |root| is_below(path, root);
    if under("/stats") {
        &["stats"]
    } else if under("/metrics") {
        &["metrics"]
    } else if under("/logs") {
        &["log"]
    } else if under("/checkpoint") {
        &["checkpoint"]
    } else if under("/statusz") {
        &["statusz"]
    } else if under("/flagz") {
        &["configz"]
    } else if under("/healthz") {
        &["healthz", "proxy"]
    } else if under("/configz") {
        &["configz", "proxy"]
    } else if under("/pods") || under("/runningpods") {
        &["pods", "proxy"]
    } else {
        &["proxy"]
    }
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_subresources() {
        let cases: [(&str, bool, &[&str]); 24] = [
            ("/", false, &["proxy"]),
            ("/nothing", false, &["proxy"]),
            ("/metrics", true, &["metrics"]),
            ("/metrics/resource", true, &["metrics"]),
            ("/metrics/cadvisor", true, &["metrics"]),
            ("/metrics/nothing", false, &["metrics"]),
            ("/metricsx", false, &["proxy"]),
            ("/stats/", true, &["stats"]),
            ("/stats/summary", true, &["stats"]),
            ("/logs/", true, &["log"]),
            ("/logs/kubelet.log", true, &["log"]),
            ("/checkpoint/ns/pod/c", true, &["checkpoint"]),
            ("/pods", true, &["pods", "proxy"]),
            ("/pods/", true, &["pods", "proxy"]),
            ("/podsx", false, &["proxy"]),
            ("/runningpods/", true, &["pods", "proxy"]),
            ("/healthz", true, &["healthz", "proxy"]),
            ("/healthz/syncloop", true, &["healthz", "proxy"]),
            ("/healthz/nothing", false, &["healthz", "proxy"]),
            ("/configz", true, &["configz", "proxy"]),
            ("/statusz", true, &["statusz"]),
            ("/flagz", true, &["configz"]),
            ("/exec/ns/pod/c", true, &["proxy"]),
            ("/debug/pprof/", true, &["proxy"]),
        ];
        for (path, known, wanted) in cases {
            assert_eq!((is_known(path), subresources(path)), (known, wanted), "{path}");
        }
    }
}
