//! What a cluster's logs say is wrong with it now, with the lines that say so.

use std::collections::{BTreeMap, BTreeSet};

use diagnosis::Cause;
use k8s_text::klog::{self, Record};

use super::objects::Log;
use crate::explain::Explainer;

/// A failure that the Go server does not log again for so long is over: it logs each one in each
/// cycle, and few are longer than a minute.
const OVER_AFTER_SECONDS: i64 = 180;

/// The most nodes that are kept.
const MOST_NODES: usize = 20_000;

/// What is wrong.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// With nodes, by name.
    pub nodes: BTreeMap<String, Vec<Seen>>,
    /// With the cluster.
    pub cluster: Vec<Seen>,
    /// Failures of nodes that are over.
    pub over: BTreeMap<String, Vec<Seen>>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its cause.
    pub cause: Cause,
    /// The line of the log that says so.
    pub line: String,
    /// The error in it.
    pub error: String,
    /// The node was scraped all the same, at another address.
    pub has_fallback: bool,
    /// The pod, as `namespace/name`, and the container that it names.
    pub container: Option<(String, String)>,
    /// The seconds of the year at which it was logged, in klog's text.
    at: Option<i64>,
    /// This project's server has logged it, which logs what lasts once.
    is_own: bool,
}

// === impl Observed ===

impl Observed {
    /// Reads logs, the oldest first.
    pub(super) fn of<'l>(logs: impl Iterator<Item = &'l Log>) -> Self {
        let mut observed = Self::default();
        let mut end = None;
        for log in logs {
            for line in records(&log.text) {
                let at = time(&line);
                end = at.or(end);
                observed.take(&line, at);
            }
        }
        if let Some(end) = end {
            observed.end(end);
        }
        observed
    }

    /// The causes of each node's failures.
    pub fn causes(&self) -> BTreeMap<String, BTreeSet<Cause>> {
        let causes = |seen: &Vec<Seen>| seen.iter().map(|seen| seen.cause).collect();
        self.nodes.iter().map(|(node, seen)| (node.clone(), causes(seen))).collect()
    }

    /// Whether the API server does not accept the server's token any more.
    pub(super) fn has_lost_token(&self) -> bool {
        self.cluster.iter().any(|seen| seen.cause == Cause::ApiServerUnauthorized)
    }

    fn take(&mut self, line: &str, at: Option<i64>) {
        let record = Record::read(line);
        let field = |name| record.as_ref().and_then(|record| record.field(name));
        let message = record.as_ref().map_or("", |record| record.message.as_str());
        if let Some(node) = field("node").filter(|_| message == "Node scrape recovered") {
            self.finish(node, |_| true);
            return;
        }
        // The causes of a cycle are those of its nodes, whose lines name them.
        if message == "Some nodes could not be scraped" {
            return;
        }
        let error = field("err").or(field("error")).unwrap_or(message);
        let error = if error.is_empty() { line } else { error }.to_owned();
        let mut explainer = Explainer::default();
        // Reading from memory cannot fail.
        let _ = explainer.read("", line.as_bytes());
        for group in explainer.finish().causes {
            let seen = Seen {
                cause: group.cause,
                line: line.to_owned(),
                error: error.clone(),
                has_fallback: message.contains("using another address"),
                container: field("pod")
                    .map(|pod| (pod.to_owned(), field("container").unwrap_or_default().to_owned())),
                at,
                is_own: field("cure").is_some() || field("address").is_some(),
            };
            for node in group.nodes.into_keys() {
                self.add(node, seen.clone());
            }
            let is_of_node = Cause::OF_SCRAPES.contains(&seen.cause) || field("node").is_some();
            let is_known = |it: &Seen| it.same(&seen);
            if !is_of_node
                && !seen.cause.is_consequence()
                && self.cluster.len() < MOST_NODES
                && !self.cluster.iter().any(is_known)
            {
                self.cluster.push(seen);
            }
        }
    }

    fn add(&mut self, node: String, seen: Seen) {
        if !self.nodes.contains_key(&node) && self.nodes.len() >= MOST_NODES {
            return;
        }
        // One failure of a scrape takes the place of the one before.
        if Cause::OF_SCRAPES.contains(&seen.cause) {
            self.finish(&node, |before| {
                Cause::OF_SCRAPES.contains(&before.cause) && before.cause != seen.cause
            });
        }
        let all = self.nodes.entry(node).or_default();
        match all.iter_mut().find(|it| it.same(&seen)) {
            Some(before) => *before = seen,
            None => all.push(seen),
        }
    }

    /// What is over of a node's failures.
    fn finish(&mut self, node: &str, is_over: impl Fn(&Seen) -> bool) {
        let Some(all) = self.nodes.get_mut(node) else { return };
        let over: Vec<_> = all.extract_if(.., |seen| is_over(seen)).collect();
        if all.is_empty() {
            self.nodes.remove(node);
        }
        if !over.is_empty() {
            self.over.entry(node.to_owned()).or_default().extend(over);
        }
    }

    /// The logs end then.
    fn end(&mut self, end: i64) {
        let nodes: Vec<_> = self.nodes.keys().cloned().collect();
        for node in nodes {
            self.finish(&node, |seen| {
                !seen.is_own && seen.at.is_some_and(|at| end - at > OVER_AFTER_SECONDS)
            });
        }
    }
}

// === impl Seen ===

impl Seen {
    fn same(&self, other: &Self) -> bool {
        self.cause == other.cause && self.container == other.container
    }

    /// Its line as a comment: one line, and cut.
    pub(super) fn evidence(&self) -> String {
        evidence(&self.line)
    }
}

/// A line as a comment: without its cure, and cut.
pub(super) fn evidence(line: &str) -> String {
    const LONGEST: usize = 220;
    let line = line.split(" cure=\"").next().unwrap_or(line);
    let clean: String = line
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST + 1)
        .collect();
    if clean.chars().count() > LONGEST {
        clean.chars().take(LONGEST).chain(['…']).collect()
    } else {
        clean
    }
}

/// The records of a log: lines, and those that belong to one together.
fn records(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let mut record = lines.next()?.to_owned();
        if klog::is_open(&record) {
            while let Some(line) = lines.next_if(|line| line.starts_with(['\t', ' '])) {
                record.push('\n');
                record.push_str(line);
            }
        }
        Some(record)
    })
}

/// The time of a line in klog's text, `E0104 09:53:46.000000`, in seconds of the year.
fn time(line: &str) -> Option<i64> {
    let header = line.split(' ').take(6).collect::<Vec<_>>();
    let (date, time) = header.windows(2).find_map(|pair| {
        let date = pair[0].strip_prefix(['I', 'W', 'E', 'F'])?;
        let is_date = date.len() == 4 && date.bytes().all(|byte| byte.is_ascii_digit());
        is_date.then_some((date, pair[1]))
    })?;
    let number = |text: Option<&str>| text?.parse::<i64>().ok();
    let mut parts = time.split(['.', ':']);
    let (hours, minutes) = (number(parts.next())?, number(parts.next())?);
    let seconds = number(parts.next())?;
    let (month, day) = (number(date.get(..2))?, number(date.get(2..))?);
    Some((((month * 31 + day) * 24 + hours) * 60 + minutes) * 60 + seconds)
}
