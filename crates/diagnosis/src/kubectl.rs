//! What kubectl prints: its errors, descriptions, conditions, events and tables; and what programs
//! print before they log.

use crate::{
    Cause, Meaning, Subject,
    api_error::{cause_of_api_error, cause_of_handshake, is_forbidden},
    cause_of_error, is_of_another_api,
    others::is_of_another_pod,
    row::row,
    table::{Table, find},
};

/// Why the API server cannot use the metrics server, and what users see of it.
const API_SERVICE: Table = &[
    (&["MissingEndpoints"], Cause::MissingEndpoints),
    (&["have no addresses"], Cause::MissingEndpoints),
    (&["no endpoints available for service"], Cause::MissingEndpoints),
    (&["ServiceNotFound"], Cause::ServiceMissing),
    (&["ServicePortError"], Cause::ServiceMissing),
    (&["ServiceAccessError"], Cause::ServiceMissing),
    (&["EndpointsNotFound"], Cause::ServiceMissing),
    (&["service/", "is not present"], Cause::ServiceMissing),
    (&["service/", "is not listening on port"], Cause::ServiceMissing),
    (&["cannot find endpoint"], Cause::ServiceMissing),
    (&["FailedDiscoveryCheck"], Cause::ApiServiceUnavailable),
    (&["Metrics API not available"], Cause::ApiServiceUnavailable),
    (&["You must be logged in to the server"], Cause::UserUnauthorized),
    (&["\"v1beta1.metrics.k8s.io\" not found"], Cause::ApiServiceMissing),
    (&["\"metrics-server\" not found"], Cause::ApiServiceMissing),
    (&["could not find the requested resource", "metrics.k8s.io"], Cause::ApiServiceMissing),
    (&["could not find the requested resource", "heapster"], Cause::ApiServiceMissing),
    (&["no matches for kind", "metrics.k8s.io"], Cause::ApiServiceMissing),
    (&["doesn't have a resource type", "metrics"], Cause::ApiServiceMissing),
    (&["unable to handle the request"], Cause::ApiServiceUnavailable),
    (&["couldn't get resource list for metrics.k8s.io"], Cause::ApiServiceUnavailable),
    (&["(ServiceUnavailable)"], Cause::ApiServiceUnavailable),
    (&["metrics.k8s.io", "stale GroupVersion discovery"], Cause::ApiServiceUnavailable),
    (&["metrics.k8s.io", "ResponseCode: 503"], Cause::ApiServiceUnavailable),
    (&["metrics.k8s.io", "Rate Limited Requeue"], Cause::ApiServiceUnavailable),
    (&["metrics.k8s.io", "service unavailable"], Cause::ApiServiceUnavailable),
    (
        &["metrics.k8s.io", "the server has asked for the client to provide credentials"],
        Cause::ApiServiceUnauthorized,
    ),
];

/// Usage that is missing.
const USAGE: Table = &[
    (&["missing request for "], Cause::NoRequests),
    (&["metrics not available yet"], Cause::NotReady),
    (&["metric-storage-ready"], Cause::NotReady),
    (&["metric-informer-sync"], Cause::NotReady),
    (&["metric-collection-timely"], Cause::CycleLate),
    (&["there is only one sample"], Cause::OneSample),
    (&["CPU or memory usage for the node"], Cause::NoNodeUsage),
    (&["its kubelet reported "], Cause::ContainerIncomplete),
    (&["no metrics returned from resource metrics API"], Cause::UsageMissing),
    (&["did not receive metrics for"], Cause::UsageMissing),
    (&["unable to get metrics for resource"], Cause::UsageMissing),
    (&["unable to fetch metrics from resource metrics API"], Cause::UsageMissing),
    (&["failed to get cpu utilization"], Cause::UsageMissing),
    (&["failed to get memory utilization"], Cause::UsageMissing),
    (&["FailedGetResourceMetric"], Cause::UsageMissing),
    (&["FailedGetContainerResourceMetric"], Cause::UsageMissing),
    (&["FailedComputeMetricsReplicas"], Cause::UsageMissing),
    (&["etrics not available for pod"], Cause::UsageMissing),
    (&["metrics.k8s.io \"", "not found"], Cause::UsageMissing),
];

/// How the last words of a program that does not start begin: those of kubectl, `error: `, do not.
const LAST_WORDS: [&str; 6] = [
    "Error: ",
    "panic: ",
    "fatal error: ",
    "error: failed to run server",
    "unknown flag: ",
    "command failed",
];

/// Why a metrics server does not start.
const START: Table = &[
    (&["bind: address already in use"], Cause::PortTaken),
    // They name a flag too.
    (&["failed to read "], Cause::BadFile),
    (&["failed to load "], Cause::BadFile),
    (&["unknown flag: "], Cause::BadFlags),
    (&["unknown shorthand flag"], Cause::BadFlags),
    (&["invalid argument ", "flag"], Cause::BadFlags),
    (&["flag needs an argument"], Cause::BadFlags),
    (&["annot use both --"], Cause::BadFlags),
    (&["eed both --"], Cause::BadFlags),
    (&["metric-resolution should be"], Cause::BadFlags),
    (&["kubelet-request-timeout should be"], Cause::BadFlags),
    (&["--", " exclude each other"], Cause::BadFlags),
    (&["--", " go together"], Cause::BadFlags),
    (&["--", " must be "], Cause::BadFlags),
    (&["user.exec."], Cause::BadFile),
    (&["open ", ": no such file or directory"], Cause::BadFile),
    (&["stat ", ": no such file or directory"], Cause::BadFile),
    (&["open ", ": permission denied"], Cause::BadFile),
    (&["mkdir ", ": permission denied"], Cause::BadFile),
    (&["mkdir ", ": read-only file system"], Cause::BadFile),
    (&["open ", ": read-only file system"], Cause::BadFile),
    (&["no configuration has been provided"], Cause::BadFile),
    (&["unable to load in-cluster configuration"], Cause::BadFile),
    (&["private key does not match public key"], Cause::BadFile),
    (&["slice bounds out of range"], Cause::BadLines),
    (&["panic: "], Cause::Panic),
];

/// What happens to pods of the metrics server.
const POD: Table = &[
    (&["OOMKilled"], Cause::OutOfMemory),
    (&["emory cgroup out of memory"], Cause::OutOfMemory),
    (&["ImagePullBackOff"], Cause::ImagePull),
    (&["ErrImagePull"], Cause::ImagePull),
    (&["InvalidImageName"], Cause::ImagePull),
    (&["Failed to pull image"], Cause::ImagePull),
    (&["Back-off pulling image"], Cause::ImagePull),
    (&["CrashLoopBackOff"], Cause::ServerRestarts),
    (&["restarting failed container"], Cause::ServerRestarts),
    (&["Liveness probe failed"], Cause::ServerRestarts),
    (&["failed liveness probe"], Cause::ServerRestarts),
    (&["Readiness probe failed"], Cause::NotReady),
    (&["Startup probe failed"], Cause::NotReady),
    (&["is waiting to start", "pull image"], Cause::ImagePull),
    (&["is waiting to start"], Cause::NotReady),
    (&["FailedScheduling"], Cause::Unschedulable),
    (&["nodes are available: "], Cause::Unschedulable),
    (&["no nodes available to schedule pods"], Cause::Unschedulable),
    (&["Unschedulable"], Cause::Unschedulable),
];

/// What is wrong with a node, by its conditions and its kubelet's log.
const NODE: Table = &[
    (&["Kubelet stopped posting node status"], Cause::NodeNotReady),
    (&["NodeStatusUnknown"], Cause::NodeNotReady),
    (&["KubeletNotReady"], Cause::NodeNotReady),
    (&["container runtime network not ready"], Cause::NodeNotReady),
    (&["PLEG is not healthy"], Cause::NodeNotReady),
    (&["NodeNotReady"], Cause::NodeNotReady),
    (&["no serving certificate available for the kubelet"], Cause::TlsAlert),
    (&["Partial failure issuing cadvisor"], Cause::NoContainerUsage),
    (&["Failed to get system container stats"], Cause::NoContainerUsage),
    (&["unable to find data in memory cache"], Cause::NoContainerUsage),
];

/// An error of a scrape without what a log puts around it has one of these.
const BARE_ERROR: [&str; 9] = [
    "Get \"http",
    "Get http",
    "dial tcp",
    "x509: ",
    "lookup ",
    "remote error: tls",
    "request failed",
    "failed parsing metrics",
    "no address",
];

/// What a line says that is none of a log.
pub fn meaning_of_text(line: &str) -> Meaning {
    let line = line.trim();
    if is_decoration(line) {
        return Meaning::Harmless;
    }
    if let Some((_, rest)) = line.split_once("http: TLS handshake error from ") {
        let error = rest.split_once(": ").map_or(rest, |(_, error)| error);
        return cause_of_handshake(error).map_or(Meaning::Harmless, Into::into);
    }
    if is_of_another_api(line) || is_of_another_pod(line) {
        return Meaning::Harmless;
    }
    if let Some(meaning) = row(line) {
        return meaning;
    }
    let subject = subject(line);
    match cause_of_text(line) {
        Some(cause) => Meaning::of(Some(cause), subject),
        None if is_ordinary_event(line) => Meaning::Harmless,
        None => Meaning::Unknown,
    }
}

fn cause_of_text(line: &str) -> Option<Cause> {
    let discovery =
        ["failing or missing response from", "bad status from", "error trying to reach service"];
    if discovery.iter().any(|words| line.contains(words)) {
        return Some(cause_of_discovery(line));
    }
    if is_forbidden(line)
        && let Some(cause) = cause_of_api_error(line)
    {
        return Some(cause);
    }
    // The reason that this project's server gives with a 404.
    if let Some((_, reason)) = line.split_once("not found: last scrape")
        && let Some(cause) = reason.split_once("ago: ").and_then(|(_, error)| cause_of_error(error))
    {
        return Some(cause);
    }
    let bare = || BARE_ERROR.iter().any(|part| line.contains(part)).then(|| cause_of_error(line));
    find(API_SERVICE, line)
        .or_else(|| find(USAGE, line))
        .or_else(|| find(POD, line))
        .or_else(|| is_start(line).then(|| find(START, line)).flatten())
        .or_else(|| find(NODE, line))
        .or_else(|| cause_of_api_error(line))
        .or_else(|| bare().flatten())
}

fn is_start(line: &str) -> bool {
    LAST_WORDS.iter().any(|words| line.starts_with(words))
}

/// Why the API server's check of the metrics server fails.
fn cause_of_discovery(text: &str) -> Cause {
    let status = text.rsplit_once("bad status from ").and_then(|(_, rest)| rest.rsplit_once(": "));
    if let Some((_, code)) = status {
        let is_refused = code.starts_with("401") || code.starts_with("403");
        return if is_refused {
            Cause::ApiServiceUnauthorized
        } else {
            Cause::ApiServiceUnavailable
        };
    }
    match cause_of_error(text) {
        Some(cause) if cause.is_about_certificate() => Cause::ApiServiceCertificate,
        Some(_) => Cause::ApiServiceUnreachable,
        None => Cause::ApiServiceUnavailable,
    }
}

/// The node or other object that a line names.
fn subject(line: &str) -> Option<Subject> {
    let quoted = |after: &str| line.split_once(after)?.1.split_once('"').map(|(name, _)| name);
    let event = |kind: &str| {
        let (_, rest) = line.split_once(kind)?;
        rest.split_whitespace().next()
    };
    if let Some(node) = quoted("nodemetrics.metrics.k8s.io \"").or_else(|| event(" node/")) {
        return Subject::node(node);
    }
    let other = quoted("podmetrics.metrics.k8s.io \"")
        .or_else(|| quoted("forbidden: User \""))
        .or_else(|| event(" horizontalpodautoscaler/"))
        .or_else(|| event("etrics not available for pod ").map(|pod| pod.trim_end_matches(',')));
    Subject::other(other?)
}

/// What has no meaning of its own: headings, marks of a paste, what kubectl says of itself.
fn is_decoration(line: &str) -> bool {
    const STARTS: [&str; 13] = [
        "{\"kind\":\"NodeMetrics",
        "{\"kind\":\"PodMetrics",
        "Trace[",
        "See 'kubectl ",
        "Defaulted container ",
        "Found ",
        "No resources found",
        "```",
        "$ ",
        "# ",
        "---",
        "==> ",
        "Warning: ",
    ];
    let is_heading = || {
        let mut words = line.split_whitespace();
        words.clone().count() > 1
            && words
                .all(|word| word.chars().all(|c| c.is_ascii_uppercase() || "()%-_/".contains(c)))
    };
    let is_warning_with_cause = || line.starts_with("Warning: ") && cause_of_text(line).is_some();
    line.is_empty()
        || (STARTS.iter().any(|start| line.starts_with(start)) && !is_warning_with_cause())
        || is_heading()
}

/// An event that is none of failure, in a table or a description.
fn is_ordinary_event(line: &str) -> bool {
    line.split_whitespace().take(4).any(|word| word == "Normal")
}
