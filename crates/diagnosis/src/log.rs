//! The log of a metrics server: of the Go server since 0.3, and of this project's.

use k8s_text::klog::{Record, Severity};

use crate::{
    Cause, Finding, Meaning, Subject,
    api_error::{cause_of_api_error, cause_of_authentication, cause_of_handshake},
    cause_of_error, collected, meaning_of_text,
};

/// Messages that have the cause in their error, and are about a node.
const SCRAPES: [&str; 4] = [
    "Failed to scrape node",
    "Failed to scrape node, timeout to access kubelet",
    "The kubelet cannot be reached at its preferred address, using another address",
    "Skipping node usage metric",
];

/// Messages that name the cause. Where they end with `…`, others may follow.
const MESSAGES: &[(&str, Cause)] = &[
    ("Failed to scrape node, node is not ready", Cause::NodeNotReady),
    ("Failed getting complete node metric", Cause::NoNodeUsage),
    ("Failed getting complete Pod metric…", Cause::ContainerIncomplete),
    ("Failed getting complete container metric", Cause::ContainerIncomplete),
    ("Got duplicate node point…", Cause::DuplicatePod),
    ("Got duplicate pod point…", Cause::DuplicatePod),
    ("Got duplicate Container point…", Cause::ConflictingUsage),
    ("duplicate node …", Cause::DuplicatePod),
    ("duplicate pod …", Cause::DuplicatePod),
    ("Dropped lines that cannot be parsed", Cause::BadLines),
    ("Dropped usage that the kubelet reports twice with different values", Cause::ConflictingUsage),
    ("Dropped series with labels longer than …", Cause::LongLabels),
    ("Pods dropped: limit of …", Cause::PodsDropped),
    ("time since last tick …", Cause::CycleLate),
    (
        "there was an error collecting or saving metrics in the last collection tick",
        Cause::NotReady,
    ),
    ("last tick wasn't healthy", Cause::NotReady),
    ("unable to fetch node metrics for node …", Cause::UsageMissing),
    ("unable to fetch pod metrics for pod …", Cause::UsageMissing),
    ("Failed reading node metrics", Cause::UsageMissing),
    ("Failed reading pod metrics", Cause::UsageMissing),
    ("Ignored the user that a request names: it is anonymous", Cause::NoFrontProxy),
    ("ConfigMap kube-system/extension-apiserver-authentication …", Cause::NoFrontProxy),
    ("Failed to load client CA and request header configuration from …", Cause::NoFrontProxy),
    ("apiserver panic'd", Cause::Panic),
    ("A task panicked, starting it again", Cause::Panic),
    ("Panicked", Cause::Panic),
    ("Observed a panic…", Cause::Panic),
    ("Failed to reload the …", Cause::BadFile),
    ("Failed to write the audit log", Cause::BadFile),
    ("Failed to parse a certificate of a bundle", Cause::BadFile),
    ("Failed to get a credential from the credential plugin", Cause::ApiServerUnauthorized),
    ("Failed to use the proxy, connecting without it", Cause::Proxy),
    (
        "The API server's URL is not https, so credentials are not sent…",
        Cause::ApiServerUnauthorized,
    ),
    ("Refused a request whose headers are too large (431)", Cause::ClientLimits),
    (
        "Too many connections, closing those of clients that were never authenticated first",
        Cause::ClientLimits,
    ),
    ("Failed to accept a connection, closing others", Cause::ClientLimits),
    ("Closed connections with requests under way", Cause::ClientLimits),
];

/// Texts of the Go server's API machinery and of client-go that are errors by their severity and
/// need no cure: they happen while an API server or a pod starts or ends.
const HARMLESS: &[&str] = &[
    "too old resource version",
    "watch closed with: too old",
    "The resourceVersion for the provided watch is too old",
    "object has been modified",
    "http: Server closed",
    "loosing precision",
    "losing precision",
    "Shutting down",
    "Received SIGTERM",
    "was unable to write a fallback JSON response",
    "apiserver was unable to write a JSON response",
    "imeout or abort while handling",
    "post-timeout activity",
    "http: Handler timeout",
    "request did not complete within",
    "Neither --kubeconfig nor --master was specified",
    "Failed getting node: node \"",
    "Failed getting pod: pod \"",
    "http: response.WriteHeader on hijacked connection",
    "Found new ",
    "The sharedIndexInformer has started, run more than once is not allowed",
];

/// Words in a message for information that is about a failure all the same.
const FAILURE_WORDS: [&str; 9] = [
    "fail",
    "error",
    "unable",
    "cannot",
    "refused",
    "timeout",
    "forbidden",
    "unauthorized",
    "panic",
];

/// What a log line says.
pub fn meaning_of_record(record: &Record) -> Meaning {
    let message = record.message.as_str();
    let error = record.field("err").or(record.field("error")).unwrap_or_default();
    let subject = subject(record);
    let wrong = |cause| Meaning::of(cause, subject.clone()).with_cure(record.field("cure"));
    if SCRAPES.contains(&message) {
        let late = message.contains("timeout to access kubelet").then_some(Cause::Timeout);
        return wrong(cause_of_error(error).or(late));
    }
    match message {
        "Some nodes could not be scraped" => return summary(record),
        "Scraped node, but metrics are missing or stale" => return wrong(cause_of_problem(record)),
        "Skipping container usage metric" => return wrong(cause_of_error(error)),
        "Failed probe" => return Meaning::of(cause_of_probe(error), None),
        // The kubelet, of the pods of its node.
        "Probe failed" if !is_of_another_pod(record) => {
            let is_liveness = record.field("probeType") == Some("Liveness");
            return if is_liveness { Cause::ServerRestarts } else { Cause::NotReady }.into();
        }
        // What the controllers of Kubernetes log of each event.
        "Event occurred" => return meaning_of_event(record),
        "Unable to authenticate the request" => return wrong(cause_of_authentication(error)),
        "http: TLS handshake error" => {
            return cause_of_handshake(error).map_or(Meaning::Harmless, |cause| wrong(Some(cause)));
        }
        _ => {}
    }
    if let Some(error) = after(message, "Unable to authenticate the request due to an error: ") {
        return wrong(cause_of_authentication(error));
    }
    if let Some(list) = ["unable to fully collect metrics: ", "unable to fully scrape metrics: "]
        .iter()
        .find_map(|start| after(message, start))
    {
        return collected::meaning(list);
    }
    if let Some(list) = after(message, "unable to save metrics: ") {
        let is_duplicate = list.contains("duplicate ");
        return Meaning::of(is_duplicate.then_some(Cause::DuplicatePod), None);
    }
    // A certificate in a file.
    if message.starts_with("The ") && message.ends_with(" has expired") {
        return wrong(Some(Cause::BadFile));
    }
    if let Some((_, cause)) = MESSAGES.iter().find(|(text, _)| fits(message, text)) {
        return wrong(Some(*cause));
    }
    let whole = if error.is_empty() { message.to_owned() } else { format!("{message}: {error}") };
    if HARMLESS.iter().any(|text| whole.contains(text)) {
        return Meaning::Harmless;
    }
    if let Some(cause) = cause_of_api_error(&whole) {
        return Meaning::of(Some(cause), None).with_cure(record.field("cure"));
    }
    other(record, &whole)
}

/// What is known of a record by its severity alone.
fn other(record: &Record, whole: &str) -> Meaning {
    let lower = whole.to_lowercase();
    let is_failure = FAILURE_WORDS.iter().any(|word| lower.contains(word));
    match record.severity {
        Severity::Info if !is_failure => Meaning::Harmless,
        // Of another program: the kubelet's, the scheduler's, or an autoscaler's.
        _ if is_of_another_pod(record) => Meaning::Harmless,
        // Flags without effect, and what a component of Kubernetes plans to remove.
        Severity::Warning if lower.contains("no effect") || lower.contains("deprecated") => {
            Meaning::Harmless
        }
        Severity::Fatal => meaning_of_text(&format!("fatal error: {whole}")),
        _ => meaning_of_text(whole),
    }
}

/// Whether it is about a pod which is none of the metrics server's.
fn is_of_another_pod(record: &Record) -> bool {
    let is_pod = record.field("kind") == Some("Pod");
    let pod = record.field("pod").or(record.field("object").filter(|_| is_pod));
    pod.is_some_and(|pod| !pod.contains("metrics-server"))
}

/// Whether a message is `text`, or begins with what stands before its `…`.
fn fits(message: &str, text: &str) -> bool {
    match text.strip_suffix('…') {
        Some(start) => message.starts_with(start),
        None => message == text,
    }
}

fn after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    message.strip_prefix(start)
}

/// The node or pod that a record is about.
fn subject(record: &Record) -> Option<Subject> {
    if let Some(node) = record.field("node") {
        return Subject::node(node);
    }
    if let Some(rest) = after(&record.message, "unable to fetch node metrics for node ") {
        let name = rest.split(':').next().unwrap_or(rest);
        return Subject::node(name.trim_matches('"'));
    }
    let pod = after(&record.message, "unable to fetch pod metrics for pod ")
        .map(|rest| rest.split(':').next().unwrap_or(rest));
    Subject::other(pod.or(record.field("pod")).or(record.field("subject"))?)
}

/// `object="default/web" kind="HorizontalPodAutoscaler" reason="…" message="…"`.
fn meaning_of_event(record: &Record) -> Meaning {
    let field = |name| record.field(name).unwrap_or_default();
    if is_of_another_pod(record) || field("type") == "Normal" {
        return Meaning::Harmless;
    }
    meaning_of_text(&format!("{} {}", field("reason"), field("message")))
}

/// `causes="dns_no_such_host 2, timeout 1"`, of a cycle.
fn summary(record: &Record) -> Meaning {
    let causes = record.field("causes").unwrap_or_default().split(", ");
    let causes = causes.filter_map(|text| Cause::by_name(text.split(' ').next()?));
    let findings: Vec<_> =
        causes.map(|cause| Finding { cause, subject: None, cure: None }).collect();
    if findings.is_empty() { Meaning::Harmless } else { Meaning::Wrong(findings) }
}

fn cause_of_problem(record: &Record) -> Option<Cause> {
    let problems =
        [Cause::NoUsage, Cause::NoNodeUsage, Cause::NoContainerUsage, Cause::StaleSamples];
    let problem = record.field("problem")?;
    problems.into_iter().find(|cause| cause.problem() == Some(problem))
}

fn cause_of_probe(error: &str) -> Option<Cause> {
    match error {
        "no metrics to serve" | "not metrics to serve" => Some(Cause::NotReady),
        "metric collection didn't finish on time" => Some(Cause::CycleLate),
        // The first list takes a moment; if it fails, the log says why.
        _ if error.contains("informer has not synced") || error.contains("not started yet") => {
            Some(Cause::NotReady)
        }
        _ => None,
    }
}

// === impl Cause ===

impl Cause {
    /// What a kubelet's responses lack, as the log names it.
    pub const fn problem(self) -> Option<&'static str> {
        match self {
            Self::NoUsage => Some("no usage in the response"),
            Self::NoNodeUsage => Some("no usage of the node in the response"),
            Self::NoContainerUsage => Some("no usage of containers in the response"),
            Self::StaleSamples => Some("no newer samples in the responses"),
            _ => None,
        }
    }
}
