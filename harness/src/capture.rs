//! `scenario capture`: a cluster, live or in files, as a scenario.
//!
//! A [`Source`] becomes [`Objects`]: what the API server has, and logs. From the logs come the causes
//! of failures (`observed`), from the objects the metrics server (`server`) and the nodes
//! (`kubelets`); a cause becomes what brings it about (`faults`). All of it is written as text, with
//! its evidence as comments (`document`), and checked as any scenario.

mod anonymize;
mod certificates;
mod dns;
mod document;
mod faults;
mod folder;
mod installed;
mod kubelets;
mod live;
mod node;
mod objects;
mod observed;
mod record;
mod server;
mod steps;
mod usage;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use diagnosis::Cause;
use kube::Client;
use tokio::runtime::Builder;

pub(crate) use self::node::{Made, MadeNode, scalar};
pub use self::{
    installed::Installed,
    live::Cluster,
    objects::{Objects, Unread},
    observed::{Observed, Seen},
};
use self::{
    kubelets::Around,
    server::{Flags, ServerObjects, role},
};
use crate::file::{self, FileErrors};

/// How many nodes without usage are named.
const SHOWN: usize = 12;

/// What the scenario is called.
const NAME: &str = "captured";

/// Writes a scenario that shows a cluster as it is, and fails as it fails.
///
/// Exit codes: 0, it was written; 2, it was not.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    source: SourceOptions,
    /// Replace the names of nodes, pods, namespaces, containers and hosts, and all addresses, the
    /// same by the same each time.
    #[arg(long)]
    anonymize: bool,
    /// Record what each kubelet reports, through the API server's node proxy, in a folder beside the
    /// scenario, which replays it.
    #[arg(long, requires = "out", conflicts_with = "from")]
    record: bool,
    /// The folder to write to. Default: standard output.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Which cluster is read.
#[derive(Debug, Args)]
pub(crate) struct SourceOptions {
    /// Read the cluster from files: what kubectl get has printed as YAML or JSON, the metrics
    /// server's log, what `kubectl cluster-info dump --output-directory` has written.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["kubeconfig", "context", "namespace"])]
    from: Option<PathBuf>,
    /// The kubeconfig of the cluster. Default: that of the variable `KUBECONFIG`, or
    /// ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in it. Default: its current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Where the metrics server is, if no APIService names its Service.
    #[arg(long, value_name = "NAME", default_value = server::NAMESPACE)]
    namespace: String,
}

/// Where a cluster is read from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Files.
    Folder(PathBuf),
    /// A live cluster.
    Live(Cluster),
}

/// A cluster as a scenario.
#[derive(Debug)]
pub struct Captured {
    /// The scenario's text.
    pub yaml: String,
    /// What fails in it.
    pub observed: Observed,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The Deployment of the metrics server, if there is one.
    pub installed: Option<Installed>,
    /// What its users miss, besides what the log tells of: the API server does not pass requests on
    /// to it, or nodes have no usage.
    pub unavailable: Option<String>,
}

/// Why nothing was captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The folder cannot be read.
    #[error("failed to read {}: {error}; pass a folder with what kubectl has printed", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is nothing in it.
    #[error("{} has neither objects nor logs; save some there, such as with: kubectl get nodes --output=yaml", .0.display())]
    Empty(PathBuf),
    /// There is no kubeconfig.
    #[error(
        "failed to find a kubeconfig: neither KUBECONFIG nor ~/.kube/config names one; pass --kubeconfig, or files with --from"
    )]
    NoKubeconfig,
    /// The kubeconfig cannot be used.
    #[error("{error}; pass a kubeconfig that kubectl can use with --kubeconfig, and its context with --context ({})", .path.display())]
    Kubeconfig {
        /// Which.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// The API server does not answer.
    #[error(
        "failed to reach the API server at {server}: {error}; see that kubectl reaches it, or pass files that were saved before with --from"
    )]
    Unreachable {
        /// Its URL.
        server: String,
        /// Why.
        error: String,
    },
    /// The API server does not know the user.
    #[error(
        "the API server at {server} does not accept the kubeconfig's credentials (401); log in again, or name another user's context with --context"
    )]
    Unauthorized {
        /// Its URL.
        server: String,
    },
    /// There is no runtime.
    #[error("failed to start a runtime: {0}")]
    Runtime(io::Error),
    /// Kubelets' pages cannot be recorded.
    #[error("failed to write the recording: {0}; choose a folder that you may write to with --out")]
    Recording(io::Error),
    /// What was captured is no scenario.
    #[error("what was captured is no valid scenario, which is a bug of scenario capture; please report it:\n{}", .0.render(false).trim_end())]
    Mistakes(Box<FileErrors>),
    /// The scenario cannot be written.
    #[error("failed to write {}: {error}; choose a folder that you may write to", .path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output is closed.
    #[error("failed to write to standard output: {0}")]
    Print(io::Error),
}

/// Captures a cluster and writes its scenario.
#[allow(clippy::print_stderr, reason = "this is where the program talks to its user")]
pub fn capture(options: &Options) -> Result<(), CaptureError> {
    let source = options.source.source();
    let mut objects = read(&source)?;
    let mut replays = BTreeMap::new();
    let recorded = match (&source, &options.out) {
        (Source::Live(cluster), Some(out)) if options.record => {
            record::record(cluster, &mut objects, out)?
        }
        _ => Vec::new(),
    };
    let mut names = options.anonymize.then(|| anonymize::anonymize(&mut objects));
    for recording in recorded {
        let (node, folder) = recording.finish(names.as_mut())?;
        replays.insert(node, folder);
    }
    let captured = of(&objects, &replays, options.out.as_deref())?;
    for Unread { what, why } in &captured.unread {
        eprintln!("not read: {what}: {why}");
    }
    let Some(folder) = &options.out else {
        let mut out = io::stdout().lock();
        let written = out.write_all(captured.yaml.as_bytes()).and_then(|()| out.flush());
        return written.map_err(CaptureError::Print);
    };
    let path = folder.join(format!("{NAME}.yaml"));
    let failed = |error| CaptureError::Write { path: path.clone(), error };
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(&path, &captured.yaml).map_err(failed)?;
    eprintln!("{} is written: scenario run --timeline {}", path.display(), path.display());
    Ok(())
}

/// Captures a cluster as a scenario.
pub fn scenario(source: &Source) -> Result<Captured, CaptureError> {
    of(&read(source)?, &BTreeMap::new(), None)
}

fn read(source: &Source) -> Result<Objects, CaptureError> {
    match source {
        Source::Folder(folder) => {
            let objects = folder::read(folder)
                .map_err(|error| CaptureError::Read { path: folder.clone(), error })?;
            if objects.is_empty() {
                return Err(CaptureError::Empty(folder.clone()));
            }
            Ok(objects)
        }
        Source::Live(cluster) => block_on(async {
            let (client, server) = cluster.client()?;
            live::read(&client, &server, &cluster.namespace).await
        }),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, CaptureError>>) -> Result<T, CaptureError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(CaptureError::Runtime)?.block_on(work)
}

/// Captures the cluster of this client of the API server at `server`. The metrics server is in
/// `namespace` where no APIService says so.
pub async fn from_client(
    client: &Client,
    server: &str,
    namespace: &str,
) -> Result<Captured, CaptureError> {
    of(&live::read(client, server, namespace).await?, &BTreeMap::new(), None)
}

/// The scenario of what was read, to be written to the folder `out`, with the folders in it from which
/// kubelets replay.
fn of(
    objects: &Objects,
    replays: &BTreeMap<String, String>,
    out: Option<&Path>,
) -> Result<Captured, CaptureError> {
    let server = ServerObjects::find(objects);
    let pods: Vec<_> = server.pods.iter().map(|pod| objects::name_of(pod)).collect();
    let is_ours = |log: &&objects::Log| {
        pods.is_empty() || log.pod.as_deref().is_none_or(|pod| pods.contains(&pod))
    };
    let observed = Observed::of(objects.logs.iter().filter(is_ours));
    let mut flags = server.flags();
    flags.check(observed.cluster.iter().any(|seen| seen.cause == Cause::BadFlags));
    let rules = role(objects, &server);
    let lacks = |resource: &str| {
        rules.as_ref().is_some_and(|rules| {
            !rules.iter().any(|rule| {
                rule.contains(resource) || rule.contains("nodes/*") || rule.contains("\"*\"")
            })
        })
    };
    let around = Around { objects, observed: &observed, flags: &flags, lacks: &lacks, replays };
    let head = "# yaml-language-server: $schema=schema.json\n#   scenario run --timeline FILE    shows what happens; docs/scenarios.md has every field.\n";
    let yaml = document::write(head, NAME, objects, &observed, &around, &server);
    let path = out.unwrap_or(Path::new("")).join(format!("{NAME}.yaml"));
    file::parse(&path, yaml.clone()).map_err(|errors| CaptureError::Mistakes(Box::new(errors)))?;
    let installed = Installed::find(objects, &server);
    let unread = objects.unread.clone();
    let unavailable = server.unavailable().or_else(|| unserved(objects, &flags));
    Ok(Captured { yaml, observed, unread, installed, unavailable })
}

/// That nodes have no usage, where the cluster was asked for it.
fn unserved(objects: &Objects, flags: &Flags) -> Option<String> {
    if let Some(unread) = objects.unread.iter().find(|unread| unread.what == live::NODE_METRICS) {
        // Others may be allowed what this user is not.
        let is_refused = unread.why.contains("forbidden");
        return (!is_refused).then(|| format!("{} is not served: {}", unread.what, unread.why));
    }
    let served: Vec<_> =
        objects.of("NodeMetrics").iter().map(|node| objects::name_of(node)).collect();
    let is_asked = !served.is_empty() || objects.is_live;
    let is_selective = ["--node-selector", "-l"].iter().any(|name| flags.value(name).is_some());
    if !is_asked || is_selective {
        return None;
    }
    let mut missing: Vec<_> =
        objects.of("Node").iter().map(|node| objects::name_of(node)).collect();
    missing.retain(|name| !served.contains(name));
    let first = missing.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match missing.len() {
        0 => None,
        count if count > SHOWN => Some(format!("{count} nodes have no usage: {first}, …")),
        _ => Some(format!("no usage of {first}, and no log that says why")),
    }
}

// === impl SourceOptions ===

impl SourceOptions {
    /// Where it is.
    pub(crate) fn source(&self) -> Source {
        match &self.from {
            Some(folder) => Source::Folder(folder.clone()),
            None => Source::Live(Cluster {
                kubeconfig: self.kubeconfig.clone(),
                context: self.context.clone(),
                namespace: self.namespace.clone(),
            }),
        }
    }
}
