//! What kubectl prints: its errors, descriptions, conditions, events and tables; and what programs
//! print before they log.

use crate::{
    Cause, Meaning, Subject,
    api_error::{cause_of_api_error, cause_of_handshake, is_forbidden},
    cause_of_error,
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

/// What is about other adapters of metrics, in the same words.
const OTHER_METRICS: [&str; 8] = [
    "custom.metrics.k8s.io",
    "external.metrics.k8s.io",
    "custom metrics API",
    "external metrics API",
    "external metric ",
    "FailedGetExternalMetric",
    "FailedGetPodsMetric",
    "FailedGetObjectMetric",
];

/// What is about this one, whatever else there is.
const OUR_METRICS: [&str; 4] = [
    " metrics.k8s.io/v1",
    "resource metrics API",
    "metrics for resource ",
    "FailedGetResourceMetric",
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
    if line.contains("failing or missing response from") || line.contains("bad status from") {
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

/// Whether it is about another API than that of resource usage: an adapter's, or any APIService's.
pub fn is_of_another_api(line: &str) -> bool {
    if OUR_METRICS.iter().any(|text| line.contains(text)) {
        return false;
    }
    let words = line.split(|c: char| c.is_whitespace() || "\":,/()".contains(c));
    let mut groups = words.filter_map(group_of_api_service).peekable();
    OTHER_METRICS.iter().any(|text| line.contains(text))
        || groups.peek().is_some() && !groups.any(|group| group == "metrics.k8s.io")
}

/// The group in the name of an APIService, such as `v1beta1.metrics.k8s.io`.
fn group_of_api_service(word: &str) -> Option<&str> {
    let (version, group) = word.strip_prefix('v')?.split_once('.')?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let end = group.rsplit_once('.').map_or("", |(_, end)| end);
    let is_group = !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_version && is_group).then_some(group)
}

/// Whether it is an event of a pod, and not of the metrics server's.
fn is_of_another_pod(line: &str) -> bool {
    line.contains(" pod/") && !line.contains("metrics-server")
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

/// A row of a table that kubectl prints, by its columns.
fn row(line: &str) -> Option<Meaning> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let (&name, second) = (columns.first()?, columns.get(1).copied().unwrap_or_default());
    // kubectl get apiservices.
    if second == "Local" || columns.get(2) == Some(&"True") && group_of_api_service(name).is_some()
    {
        return Some(Meaning::Harmless);
    }
    // kubectl get csr: the name of the user ends with the node's.
    if let Some(signer) = columns.get(2).filter(|column| column.starts_with("kubernetes.io/")) {
        let user = columns.iter().find_map(|column| column.strip_prefix("system:node:"));
        let is_issued = columns.last().is_some_and(|condition| condition.ends_with("Issued"));
        return match user.filter(|_| signer.ends_with("/kubelet-serving") && !is_issued) {
            Some(user) => Some(Meaning::of(Some(Cause::TlsAlert), Subject::node(user))),
            None => Some(Meaning::Harmless),
        };
    }
    // kubectl get nodes.
    if columns.len() >= 5 && columns[4..].iter().any(|column| is_version(column)) {
        let (ready, not_ready) = (second.starts_with("Ready"), second.starts_with("NotReady"));
        return match (ready, not_ready) {
            (true, _) => Some(Meaning::Harmless),
            (_, true) => Some(Meaning::of(Some(Cause::NodeNotReady), Subject::node(name))),
            _ => None,
        };
    }
    // kubectl get hpa: the target of the resource, after the object that is scaled.
    if columns.iter().skip(2).any(|column| column.starts_with("<unknown>/"))
        && let Some(at) = columns.iter().take(3).position(|column| is_reference(column))
    {
        let name = Subject::other(columns[at.saturating_sub(1)]);
        return Some(Meaning::of(Some(Cause::UsageMissing), name));
    }
    // kubectl top nodes.
    if columns.len() == 5 && columns[1..].iter().all(|column| *column == "<unknown>") {
        return Some(Meaning::of(Some(Cause::UsageMissing), Subject::node(name)));
    }
    // kubectl get pods, perhaps with the namespace first.
    let ready = columns.iter().take(3).skip(1).find_map(|column| column.split_once('/'));
    if let Some((ready, of)) = ready
        && is_count(ready)
        && is_count(of)
    {
        let is_running = columns.contains(&"Running");
        return match (line.contains("metrics-server"), is_running, ready == of) {
            (false, ..) | (true, true, true) => Some(Meaning::Harmless),
            (true, true, false) => Some(Cause::NotReady.into()),
            (true, false, _) if columns.contains(&"Pending") => Some(Cause::Unschedulable.into()),
            (true, false, _) => None,
        };
    }
    // kubectl top nodes and pods.
    let amounts = columns[1..].iter().filter(|column| is_amount(column)).count();
    (amounts >= 2 && amounts + 3 >= columns.len()).then_some(Meaning::Harmless)
}

fn is_version(text: &str) -> bool {
    text.strip_prefix("v1.").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `Deployment/web`.
fn is_reference(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.contains('/')
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `250m`, `64Mi` or `12%`.
fn is_amount(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.len() < text.len() && is_count(number)
}

/// What has no meaning of its own: headings, marks of a paste, what kubectl says of itself.
fn is_decoration(line: &str) -> bool {
    const STARTS: [&str; 11] = [
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
