//! What can be seen of a cluster: which nodes answer, and why the others do not.

use std::collections::BTreeMap;

use diagnosis::{Cause, Meaning, Subject, meaning_of_record, meaning_of_text};
use k8s_openapi::api::core::v1::Node;
use k8s_text::klog::Record;
use kube::{Api, Client, api::ListParams};

use super::args;
use crate::{
    events::{Event, What},
    expect::request,
    world::{ClientIdentity, Simulated},
};

const API: &str = "/apis/metrics.k8s.io/v1beta1/nodes";
const API_SERVICE: &str = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";

/// Which nodes answer, and why the others do not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// The nodes that should.
    pub(super) nodes: BTreeMap<String, NodeSeen>,
    /// What is wrong with the metrics server or the API server, and the text that says so.
    pub(super) causes: BTreeMap<Cause, String>,
    /// Whether the API server passes requests on.
    pub(super) is_available: bool,
}

/// Whether a node has usage for users.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NodeSeen {
    pub(super) answers: bool,
    pub(super) cause: Option<Cause>,
    /// The error.
    pub(super) why: String,
    /// Where it was scraped.
    pub(super) address: String,
}

// === impl Seen ===

impl Seen {
    /// Whether nothing is wrong.
    pub(super) fn is_well(&self) -> bool {
        self.is_available && self.nodes.values().all(|node| node.answers)
    }

    /// How many nodes answer.
    pub(super) fn answers(&self) -> usize {
        self.nodes.values().filter(|node| node.answers).count()
    }

    /// Whether the same is wrong; texts do not count.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let nodes = |seen: &Self| {
            let nodes = seen.nodes.iter();
            nodes.map(|(name, it)| (name.clone(), it.answers, it.cause)).collect::<Vec<_>>()
        };
        let causes = |seen: &Self| seen.causes.keys().copied().collect::<Vec<_>>();
        self.is_available == other.is_available
            && nodes(self) == nodes(other)
            && causes(self) == causes(other)
    }

    /// Each cause with its nodes; none for causes of the whole.
    pub(super) fn by_cause(&self) -> BTreeMap<Cause, Vec<&str>> {
        let mut causes: BTreeMap<_, Vec<&str>> =
            self.causes.keys().map(|cause| (*cause, Vec::new())).collect();
        for (name, node) in self.nodes.iter().filter(|(_, node)| !node.answers) {
            if let Some(cause) = node.cause {
                causes.entry(cause).or_default().push(name);
            }
        }
        causes
    }
}

/// The names of the nodes that users get.
pub(super) async fn answering(world: &Simulated) -> Result<Vec<String>, String> {
    let answer = request::get(world.admin(), API, &[]).await?;
    if !answer.status.is_success() {
        let value = answer.value();
        let text = value["message"].as_str().map_or_else(|| answer.text(), str::to_owned);
        return Err(match answer.status.as_u16() {
            401 => format!("You must be logged in to the server: {text}"),
            503 => format!("(ServiceUnavailable): {text}"),
            _ => text,
        });
    }
    let value = answer.value();
    let items = value["items"].as_array().into_iter().flatten();
    Ok(items.filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

/// Looks at a cluster whose metrics server has these flags. `events` is what has happened lately,
/// and all nodes that are there are `known`.
pub(super) async fn look(
    world: &Simulated,
    args: &[String],
    known: impl Iterator<Item = &String>,
    events: &[Event],
) -> Seen {
    let mut seen = Seen::default();
    let names = selected(world.admin(), args).await;
    let names = names.unwrap_or_else(|| known.cloned().collect());
    seen.nodes = names.into_iter().map(|name| (name, NodeSeen::default())).collect();
    match answering(world).await {
        Ok(names) => {
            seen.is_available = true;
            for name in names {
                seen.nodes.entry(name).or_default().answers = true;
            }
        }
        Err(text) => seen.note(meaning_of_text(&text), &text),
    }
    seen.look_at_api_service(world.admin()).await;
    let all = world.timeline().all();
    seen.read_log(&all, events);
    let direct = ClientIdentity::User { name: "scenario", group: "system:masters" };
    if let Ok(client) = world.direct_client(direct) {
        seen.ask_for_reasons(&client).await;
    }
    let is_only_consequence = |cause: &Cause| cause.is_consequence();
    if !seen.causes.keys().all(is_only_consequence)
        || seen.nodes.values().any(|it| it.cause.is_some())
    {
        seen.causes.retain(|cause, _| !cause.is_consequence());
    }
    seen
}

/// The nodes that `--node-selector` selects.
async fn selected(admin: &Client, flags: &[String]) -> Option<Vec<String>> {
    let selector = ["--node-selector", "-l"].iter().flat_map(|name| args::values(flags, name));
    let mut options = ListParams::default();
    if let Some(selector) = selector.flatten().last() {
        options = options.labels(selector);
    }
    let nodes = Api::<Node>::all(admin.clone()).list(&options).await.ok()?;
    Some(nodes.items.into_iter().filter_map(|node| node.metadata.name).collect())
}

impl Seen {
    /// The condition by which the API server says whether it can use the metrics server.
    async fn look_at_api_service(&mut self, admin: &Client) {
        let Ok(answer) = request::get(admin, API_SERVICE, &[]).await else { return };
        let value = answer.value();
        let conditions = value["status"]["conditions"].as_array().into_iter().flatten();
        for condition in conditions.filter(|it| it["type"] == "Available" && it["status"] != "True")
        {
            self.is_available = false;
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            let text = format!("{}: {}", text("reason"), text("message"));
            self.note(meaning_of_text(&text), &text);
        }
    }

    /// The causes of nodes, of which a log has each once, from all of it; those of the whole from
    /// its latest part.
    fn read_log(&mut self, all: &[Event], latest: &[Event]) {
        for (line, record) in records(all) {
            let Meaning::Wrong(findings) = meaning_of_record(&record) else { continue };
            for finding in findings {
                let Some(Subject::Node(name)) = finding.subject else { continue };
                let node = self.nodes.get_mut(&name).filter(|node| !node.answers);
                if let Some(node) = node {
                    node.cause = Some(finding.cause);
                    node.why = error_of(&record, line);
                }
            }
        }
        for (line, record) in records(latest) {
            // Its nodes have lines of their own.
            if record.message != "Some nodes could not be scraped" {
                self.note(meaning_of_record(&record), &error_of(&record, line));
            }
        }
        let ended = latest.iter().filter_map(|event| match &event.what {
            What::Ended { text } => Some(text),
            _ => None,
        });
        for text in ended {
            self.note(meaning_of_text(text), text);
        }
    }

    /// A cause of the whole.
    fn note(&mut self, meaning: Meaning, text: &str) {
        let Meaning::Wrong(findings) = meaning else { return };
        for finding in
            findings.into_iter().filter(|it| !matches!(it.subject, Some(Subject::Node(_))))
        {
            self.causes.entry(finding.cause).or_insert_with(|| text.to_owned());
        }
    }

    /// The metrics server gives the reason with a 404: it is newer than what it has logged.
    async fn ask_for_reasons(&mut self, client: &Client) {
        for (name, node) in self.nodes.iter_mut().filter(|(_, node)| !node.answers) {
            let Ok(answer) = request::get(client, &format!("{API}/{name}"), &[]).await else {
                return;
            };
            if answer.status.is_success() {
                // It is served, but not to users.
                (node.cause, node.why) = (None, String::new());
                continue;
            }
            let value = answer.value();
            let Some(message) = value["message"].as_str() else { continue };
            let Meaning::Wrong(findings) = meaning_of_text(message) else { continue };
            let found = findings.first().filter(|it| it.cause != Cause::UsageMissing);
            let Some(finding) = found else { continue };
            let why = message.split_once("ago: ").map_or(message, |(_, why)| why);
            why.split("; the last good one").next().unwrap_or(why).clone_into(&mut node.why);
            node.cause = Some(finding.cause);
            let address =
                message.split_once("last scrape of ").map(|(_, rest)| rest.split(' ').next());
            address.flatten().unwrap_or_default().clone_into(&mut node.address);
        }
    }
}

fn records(events: &[Event]) -> impl Iterator<Item = (&str, Record)> {
    events.iter().filter_map(|event| match &event.what {
        What::Log { text } => Record::read(text).map(|record| (text.as_str(), record)),
        _ => None,
    })
}

fn error_of(record: &Record, line: &str) -> String {
    let error = record.field("err").or(record.field("error"));
    let whole = if record.message.is_empty() { line } else { &record.message };
    error.map_or_else(|| whole.to_owned(), str::to_owned)
}
