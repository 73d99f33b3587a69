//! The steps of a captured scenario: what the cluster shows.

use std::fmt::Write;

use diagnosis::Cause;

use super::{
    kubelets::Kubelets,
    node::scalar,
    objects::{condition, name_of},
    observed::{Observed, Seen, evidence},
    server::{Flags, ServerObjects},
};

/// Up to so many nodes are named in an expectation; more are counted.
const NAMED: usize = 50;

/// Up to so many failing nodes are expected in the log, of each cause.
const EXPECTED: usize = 20;

/// Up to so many lines are shown of what is over, and of what cannot be shown.
const SHOWN: usize = 20;

/// What is listed.
const NODES: &str = "get: /apis/metrics.k8s.io/v1beta1/nodes";

/// What of the cluster a scenario shows.
pub(super) struct Shown<'o> {
    pub(super) kubelets: &'o Kubelets,
    pub(super) observed: &'o Observed,
    pub(super) flags: &'o Flags,
    pub(super) server: &'o ServerObjects<'o>,
    /// The state of the front proxy with which the metrics server refuses its requests.
    pub(super) front_proxy: Option<&'static str>,
}

/// A step that is being written.
struct Step {
    name: &'static str,
    change: Option<&'static str>,
    wait: String,
    /// Expectations, each with further lines below it.
    expect: Vec<String>,
    notes: Vec<String>,
}

// === impl Step ===

impl Step {
    fn new(name: &'static str, wait: impl Into<String>) -> Self {
        Self { name, change: None, wait: wait.into(), expect: Vec::new(), notes: Vec::new() }
    }

    fn write(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    - name: {}", self.name);
        if let Some(change) = self.change {
            let _ = writeln!(text, "      change: {change}");
        }
        let _ = writeln!(text, "      wait: {}\n      expect:", self.wait);
        for expectation in &self.expect {
            let _ = writeln!(text, "        - {}", expectation.replace('\n', "\n          "));
        }
        for note in &self.notes {
            let _ = writeln!(text, "        # {note}");
        }
    }
}

// === impl Shown ===

impl Shown<'_> {
    /// Appends the steps.
    pub(super) fn write(&self, text: &mut String) {
        text.push_str("  steps:\n");
        if let Some(refused) = &self.flags.refused {
            let refused = scalar(refused);
            let _ = writeln!(
                text,
                "    - name: it does not start\n      expect:\n        - refused: {refused}"
            );
            return;
        }
        if self.observed.has_lost_token() {
            let mut start = Step::new("its token is good at first", "{cycles: 2}");
            start.expect.push("log: Serving securely".to_owned());
            start.write(text);
        }
        let mut step = self.captured();
        self.note(&mut step);
        step.write(text);
        if self.has(Cause::ApiServerUnreachable).is_some() {
            let mut away = Step::new("the API server goes away, as it has", "{for: 30s}");
            away.change = Some("{apiServer: Down}");
            away.expect.push("log: 'connect: connection refused'".to_owned());
            away.write(text);
        }
    }

    fn has(&self, cause: Cause) -> Option<&Seen> {
        self.observed.cluster.iter().find(|seen| seen.cause == cause)
    }

    /// Whether the metrics server can list what there is.
    fn lists(&self) -> bool {
        self.has(Cause::RoleLacksList).is_none()
    }

    fn captured(&self) -> Step {
        let cycles = self.kubelets.failing.iter().filter_map(|(.., means)| means.cycles).max();
        let wait = format!("{{cycles: {}}}", cycles.unwrap_or(2));
        let mut step = Step::new("as it was captured", wait);
        // Without a list there is no cycle.
        if !self.lists() {
            "{for: 30s}".clone_into(&mut step.wait);
            step.expect.push("log: cannot list resource".to_owned());
        }
        if self.observed.has_lost_token() {
            // Kubelets remember for two minutes whose a token is.
            "{for: 2m30s}".clone_into(&mut step.wait);
            step.change = Some("{server: {token: Expired}}");
            step.expect.push(format!("{NODES}\nas: {{user: captured}}\nstatus: 500"));
        }
        self.failing(&mut step);
        let is_served = self.lists() && !self.kubelets.served.is_empty();
        match self.front_proxy {
            Some(state) => {
                let is_anonymous = state == "Absent";
                step.expect
                    .push(format!("{NODES}\nstatus: {}", if is_anonymous { 403 } else { 401 }));
                let words = if is_anonymous {
                    "has no requestheader-client-ca-file"
                } else {
                    "Unable to authenticate the request"
                };
                step.expect.push(format!("log: {words}"));
            }
            None if is_served => step.expect.push(self.served()),
            None => {
                let error = "error: 'error: metrics not available yet'";
                step.expect.push(format!("top: nodes\n{error}"));
            }
        }
        self.clients(&mut step);
        self.ready(&mut step, is_served);
        self.api_service(&mut step);
        step
    }

    /// What the log says of each node.
    fn failing(&self, step: &mut Step) {
        for cause in Cause::ALL {
            let all = self.kubelets.failing.iter().filter(|(_, seen, _)| seen.cause == *cause);
            let all: Vec<_> = all.collect();
            let mut texts: Vec<_> = all
                .iter()
                .take(EXPECTED)
                .map(|(node, seen, means)| log(node, seen, means.words))
                .collect();
            texts.dedup();
            step.expect.extend(texts.iter().map(|text| format!("log: {}", scalar(text))));
            if all.len() > EXPECTED {
                step.notes.push(format!(
                    "{} further nodes have {}",
                    all.len() - EXPECTED,
                    cause.name()
                ));
            }
        }
    }

    fn served(&self) -> String {
        let served = &self.kubelets.served;
        if served.len() > NAMED {
            return format!("{NODES}\nitems: {}", served.len());
        }
        let names = served.iter().map(|name| format!("{{metadata: {{name: {}}}}}", scalar(name)));
        format!("{NODES}\nbody: {{items: [{}]}}", names.collect::<Vec<_>>().join(", "))
    }

    /// Clients that the metrics server refuses.
    fn clients(&self, step: &mut Step) {
        let mut refused = |cause, shows: &str| {
            if let Some(seen) = self.has(cause) {
                let many = seen.line.split_once("too many intermediate certificates: ");
                let count = many.and_then(|(_, rest)| rest.split(',').next()?.parse::<u32>().ok());
                let shows = match count {
                    Some(count) => format!("Certificate, x509: {{intermediates: {count}}}"),
                    None => shows.to_owned(),
                };
                step.expect.push(format!(
                    "{NODES}\nfrom: MetricsServer\nas: {{user: captured, shows: {shows}}}\nstatus: 401"
                ));
            }
        };
        refused(Cause::ClientAuthority, "UnknownCACertificate");
        refused(Cause::TokenRejected, "ExpiredToken");
    }

    fn ready(&self, step: &mut Step, is_served: bool) {
        if self.kubelets.nodes.is_empty() {
            return;
        }
        step.expect.push(format!("ready: {is_served}"));
        if let Some(ready) = self.server.is_ready().filter(|ready| *ready != is_served) {
            step.notes.push(format!("question: why is the pod's condition Ready {ready}?"));
        }
    }

    fn api_service(&self, step: &mut Step) {
        let Some(service) = self.server.api_service else { return };
        let Some(available) = condition(service, "Available") else { return };
        let name = name_of(service);
        let path = format!("get: /apis/apiregistration.k8s.io/v1/apiservices/{name}");
        let reason = available["reason"].as_str().unwrap_or_default();
        let status = available["status"].as_str().unwrap_or_default();
        let follows = self.front_proxy.is_some() && reason == "FailedDiscoveryCheck";
        if status == "True" || follows {
            step.expect.push(format!(
                "{path}\nbody: {{status: {{conditions: [{{type: Available, status: '{status}'}}]}}}}"
            ));
        } else {
            let unavailable = self.server.unavailable().unwrap_or_default();
            let unavailable = evidence(&unavailable);
            step.notes.push(format!("question: which no scenario shows: {unavailable}"));
        }
    }

    /// What is over, and what the steps do not show.
    fn note(&self, step: &mut Step) {
        const SHOWN_CAUSES: [Cause; 12] = [
            Cause::RoleLacksList,
            Cause::ApiServerUnauthorized,
            Cause::ApiServerUnreachable,
            Cause::ClientAuthority,
            Cause::TokenRejected,
            Cause::NoFrontProxy,
            Cause::ClientCertificateTime,
            Cause::ClientAuthorityReplaced,
            Cause::FrontProxyName,
            Cause::ContainerIncomplete,
            Cause::CpuBeyondCapacity,
            Cause::MemoryBeyondCapacity,
        ];
        let over = self.observed.over.iter().filter_map(|(node, seen)| Some((node, seen.last()?)));
        for (node, seen) in over.take(SHOWN) {
            step.notes.push(format!("over: {node}: {}", seen.evidence()));
        }
        let others = self.observed.cluster.iter();
        for seen in others.filter(|seen| !SHOWN_CAUSES.contains(&seen.cause)).take(SHOWN) {
            let cause = seen.cause.name();
            step.notes.push(format!("question: {cause} is not shown: {}", seen.evidence()));
        }
    }
}

/// What a line about the node must have.
fn log(node: &str, seen: &Seen, words: &str) -> String {
    let node = format!("node=\"{node}\"");
    if seen.has_fallback {
        return format!("using another address\" {node}…{words}");
    }
    if words.ends_with("in the response") || words.ends_with("in the responses") {
        return format!("{node}…{words}");
    }
    format!("{words}…{node}")
}
