//! One scrape of each node, and how far it came.

use std::{net::IpAddr, sync::Arc};

use futures::{StreamExt, stream};
use k8s_text::printable;
use net::{Doors, dns::Resolver};
use tokio::time::{Instant, sleep_until};

use super::{Verdict, count};
use crate::{
    clients::{Clients, address_types},
    cluster::Node,
    flags::KubeletFlags,
    kubelet::{AddressTypes, MOST_TEXT, Sample, Session, Stage},
    scrape::{Outcome, ScrapeHealth, plan},
};

pub(super) const HEADER: [&str; 10] =
    ["NODE", "RESULT", "ADDRESS", "WHY", "DNS", "TCP", "TLS", "HTTP", "SAMPLES", "CAUSE"];

const NONE: &str = "-";

/// What became of one node.
#[derive(Debug)]
pub(super) struct NodeCheck {
    pub(super) verdict: Verdict,
    name: String,
    /// From `ADDRESS` on.
    cells: [String; 8],
}

/// What scrapes are made with.
pub(super) struct Scrapes<'a> {
    pub(super) flags: &'a KubeletFlags,
    pub(super) clients: &'a Clients,
    pub(super) doors: &'a Doors,
    pub(super) resolver: &'a Resolver,
}

// === impl Scrapes ===

impl Scrapes<'_> {
    /// Scrapes all nodes, by name. Where pods run in the cluster, some are expected on each.
    pub(super) async fn run(&self, nodes: Vec<Arc<Node>>, pods_run: bool) -> Vec<NodeCheck> {
        let token = self.clients.credentials.token().await.unwrap_or_default();
        let (token, start) = (token.as_deref(), Instant::now());
        let mut checks: Vec<_> = stream::iter(plan(nodes, &self.doors.random))
            .then(async |(delay, node)| {
                sleep_until(start + delay).await;
                node
            })
            .map(|node| self.scrape(node, token, pods_run))
            // As many as are due: connections and bodies have limits of their own.
            .buffer_unordered(usize::MAX)
            .collect()
            .await;
        checks.sort_by(|one, other| one.name.cmp(&other.name));
        checks
    }

    async fn scrape(&self, node: Arc<Node>, token: Option<&str>, pods_run: bool) -> NodeCheck {
        let mut session = Session::default();
        let deadline = Instant::now() + self.flags.kubelet_request_timeout;
        let kubelets = &self.clients.kubelets;
        let scraped = Outcome::of(kubelets, node, token, &mut session, deadline).await;
        let Outcome { node, address, result, .. } = scraped;
        let failed = result.as_ref().err().map(|(error, _)| error.stage());
        let status = match &result {
            Ok(_) => Some(200),
            Err((_, diagnosis)) => diagnosis.status,
        };
        let (samples, problem) = match &result {
            Ok(sample) => {
                let problem = ScrapeHealth::of(sample, pods_run, false).problem();
                let problem = problem.map(|it| super::problem(it, it.about(), it.cure()));
                (summary(sample), problem)
            }
            Err((_, it)) => (NONE.to_owned(), Some(super::problem(it.cause, &it.text, &it.cure))),
        };
        let verdict = match (node.ready, &problem) {
            (false, _) => Verdict::NotReady,
            (true, None) => Verdict::Ok,
            (true, Some(_)) => Verdict::Wrong,
        };
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let reached = |stage| match failed {
            Some(failed) if failed < stage => NONE,
            Some(failed) if failed == stage => "failed",
            _ => "ok",
        };
        let is_encrypted = !self.flags.deprecated_kubelet_completely_insecure;
        let tls = if is_encrypted { reached(Stage::Tls) } else { NONE };
        let http = match (reached(Stage::Http), status) {
            (NONE, _) => NONE.to_owned(),
            ("failed", None) => "failed".to_owned(),
            (_, status) => status.unwrap_or(200).to_string(),
        };
        let cells = [
            if address.is_empty() { NONE.to_owned() } else { printable(&address, MOST_TEXT) },
            why(&address_types(self.flags), &node, host),
            self.resolved(host, reached(Stage::Dns)).await,
            reached(Stage::Tcp).to_owned(),
            tls.to_owned(),
            http,
            samples,
            problem.unwrap_or_default(),
        ];
        NodeCheck { verdict, name: node.name.clone(), cells }
    }

    /// The addresses that DNS, or a hosts file, has for `host`, if it is a name.
    async fn resolved(&self, host: &str, reached: &str) -> String {
        if reached != "ok" || host.parse::<IpAddr>().is_ok() {
            return if reached == "failed" { reached } else { NONE }.to_owned();
        }
        let found = match self.resolver.last_answer(host) {
            Some((_, found)) => found,
            // What DNS has not answered by now is in a hosts file.
            None => self.resolver.lookup(host, Instant::now()).await.unwrap_or_default(),
        };
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        if found.is_empty() { NONE.to_owned() } else { found.join(",") }
    }
}

/// Why the kubelet is scraped at that address: its type, the preferred ones that the node does not
/// have, or the preferred address that failed.
fn why(types: &AddressTypes, node: &Node, host: &str) -> String {
    let has = |kind: &String| node.addresses.iter().any(|address| address.kind == *kind);
    let used = node.addresses.iter().find(|address| address.address == host);
    let is_used = |kind: &&String| {
        node.addresses.iter().any(|address| address.kind == **kind && address.address == host)
    };
    let Some(kind) = types.0.iter().find(is_used).or(used.map(|address| &address.kind)) else {
        return NONE.to_owned();
    };
    match types.choose(node) {
        Ok(preferred) if preferred != host => {
            format!("{kind}, instead of {}", printable(preferred, MOST_TEXT))
        }
        _ => {
            let preferred = types.0.iter().take_while(|other| *other != kind);
            let missing: Vec<_> = preferred.filter(|kind| !has(kind)).map(String::as_str).collect();
            if missing.is_empty() {
                kind.clone()
            } else {
                format!("{kind}, no {}", missing.join(" or "))
            }
        }
    }
}

/// `node, 2 pods, 3 containers`.
fn summary(sample: &Sample) -> String {
    let containers = sample.pods.iter().map(|pod| pod.containers.len()).sum();
    let node = if sample.node.is_some() { "node" } else { "no node" };
    let pods = count(sample.pods.len(), "pod");
    let text = format!("{node}, {pods}, {}", count(containers, "container"));
    match sample.left_out.len() {
        0 => text,
        left_out => format!("{text}, {} left out", count(left_out, "pod")),
    }
}

// === impl NodeCheck ===

impl NodeCheck {
    pub(super) fn row(&self) -> Vec<String> {
        let begin = [self.name.clone(), self.verdict.word()];
        begin.into_iter().chain(self.cells.iter().cloned()).collect()
    }
}
