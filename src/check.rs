//! `--check`: whether this metrics server would have all that it needs, before it takes another one's
//! place: every kubelet and the API server are asked once, and nothing is served.
//!
//! One scrape of each node decides. Usage takes two points, but kubelets measure every 10 seconds to
//! 5 minutes, so that a second one would take long; and what it could show beyond the first, such as a
//! counter that falls, is no matter of addresses, certificates or rights.

mod needs;
mod nodes;

use std::{fmt, time::Duration};

use apiserver::{
    access::{Access, AccessError, ApiConfigs, ApiServers},
    serving::OpenFiles,
};
use diagnosis::Cause;
use futures::future::join;
use k8s_text::{printable, table::table};
use kube_dial::{ApiClientError, explain};
use net::{Doors, dns::Resolver};
use tokio::time::timeout;

use self::{needs::Need, nodes::NodeCheck};
use crate::{
    clients::{Clients, ClientsError},
    cluster::{has_running_pods, list_nodes},
    flags::Flags,
    kubelet::{KubeletMetrics, MOST_TEXT},
    names::USER_AGENT,
};

/// How long the API server may take, once for the nodes and once for everything else. With the scrapes,
/// which take no longer than `--kubelet-request-timeout` and what they are spread over, a check ends
/// within a minute and that timeout.
const API_LIMIT: Duration = Duration::from_secs(30);

/// What a check found.
#[derive(Debug)]
pub struct Report {
    nodes: Vec<NodeCheck>,
    needs: Vec<Need>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There are no clients.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// There is no client for reviews.
    #[error(transparent)]
    Reviews(#[from] ApiClientError),
    /// Requests could not be authenticated or authorized.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The client's metrics cannot be made.
    #[error("failed to register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The API server does not answer.
    #[error("failed to list nodes and pods: {reason}; {cure}")]
    ApiServer {
        /// What happened.
        reason: String,
        /// What an operator can do about it.
        cure: &'static str,
    },
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Wrong,
    /// Of a node: it is not ready, so that it does not count.
    NotReady,
    /// It may be well: it could not be seen.
    Unknown,
}

/// Checks as `flags` configure a server, for the API servers in `configs`. Connections to kubelets are
/// bounded by `open_files`.
pub async fn check(
    flags: &Flags,
    configs: &ApiConfigs,
    doors: &Doors,
    resolver: &Resolver,
    open_files: Option<OpenFiles>,
) -> Result<Report, CheckError> {
    let (config, metrics) = (&configs.cluster, KubeletMetrics::new()?);
    let clients = Clients::new(&flags.kubelet, config, doors, resolver, open_files, metrics)?;
    let servers = ApiServers::new(configs, &clients.api, doors, resolver, USER_AGENT)?;
    let access = Access::new(&flags.into(), servers.clone(), doors)?;
    let api = &clients.api.client;
    let listed = join(list_nodes(api, &flags.kubelet.node_selector), has_running_pods(api));
    let Ok((listed, pods_run)) = timeout(API_LIMIT, listed).await else {
        return Err(CheckError::ApiServer {
            reason: "context deadline exceeded".to_owned(),
            cure: Cause::ApiServerUnreachable.cure(),
        });
    };
    let scrapes = nodes::Scrapes { flags: &flags.kubelet, clients: &clients, doors, resolver };
    let nodes = scrapes.run(allowed(listed)?, allowed(pods_run)?);
    let (nodes, needs) = join(nodes, needs::check(flags, api, &servers, &access)).await;
    Ok(Report { nodes, needs })
}

/// What the API server lists: nothing where it may not be listed, which is one of the needs.
fn allowed<T: Default>(listed: kube::Result<T>) -> Result<T, CheckError> {
    match listed {
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(T::default()),
        Err(error) => {
            let (reason, cause) = explain(&error, Cause::RoleLacksList);
            Err(CheckError::ApiServer { reason, cure: cause.cure() })
        }
        Ok(listed) => Ok(listed),
    }
}

/// A cause, what was seen of it, and the cure, in a cell.
fn problem(cause: Cause, text: &str, cure: &str) -> String {
    format!("{}: {}; cure: {cure}", cause.name(), printable(text.trim_end_matches('.'), MOST_TEXT))
}

/// `1 pod`, `2 pods`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

// === impl Report ===

impl Report {
    /// Whether every ready node would have usage, at least one, and nothing is known to be missing.
    pub fn is_ok(&self) -> bool {
        let has = |verdict| self.nodes.iter().any(|node| node.verdict == verdict);
        let lacks = self.needs.iter().any(|need| need.verdict == Verdict::Wrong);
        has(Verdict::Ok) && !has(Verdict::Wrong) && !lacks
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_header = |header: &[&str], rows: Vec<Vec<String>>| {
            let header = header.iter().map(ToString::to_string).collect();
            table(&[vec![header], rows].concat())
        };
        let nodes = self.nodes.iter().map(NodeCheck::row).collect();
        writeln!(f, "{}", with_header(&nodes::HEADER, nodes))?;
        let needs = self.needs.iter().map(Need::row).collect();
        writeln!(f, "{}", with_header(&needs::HEADER, needs))?;
        let nodes = |verdict| self.nodes.iter().filter(|node| node.verdict == verdict).count();
        let (ok, not_ready) = (nodes(Verdict::Ok), nodes(Verdict::NotReady));
        let ready = count(self.nodes.len() - not_ready, "ready node");
        let needs = |verdict| self.needs.iter().filter(|need| need.verdict == verdict).count();
        writeln!(
            f,
            "{ok} of {ready} would have usage, {not_ready} not ready; {} missing, {} unknown",
            count(needs(Verdict::Wrong), "need"),
            needs(Verdict::Unknown)
        )
    }
}

// === impl Verdict ===

impl Verdict {
    fn word(self) -> String {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
            Self::NotReady => "not ready",
            Self::Unknown => "unknown",
        }
        .to_owned()
    }
}
