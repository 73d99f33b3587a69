//! What is logged of scrapes: enough to find the cause and the cure, and no more lines in a big
//! cluster than someone reads.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use k8s_text::klog;

use super::{
    Oddity,
    turn::{Change, Turn},
};
use crate::{
    cluster::Node,
    kubelet::{LeftOut, PassedOver, ScrapeError},
};

/// How many nodes are named in one cycle; the rest are counted.
const NAMED: usize = 20;

/// A failure that goes on is said again this long after it was said.
const SAID_AGAIN: Duration = Duration::from_mins(5);

/// Logs what comes of scrapes.
#[derive(Debug)]
pub(super) struct Report {
    /// After so many failures in a row one is said again.
    again: u64,
    cycle: Cycle,
    /// In how many cycles in a row there was not room for all pods.
    crowded: u64,
}

/// What has come of one cycle.
#[derive(Debug, Default)]
struct Cycle {
    nodes: usize,
    /// How many nodes that are ready fail, by cause.
    failed: BTreeMap<&'static str, usize>,
    /// How many nodes that are not ready fail.
    not_ready: usize,
    named: usize,
    unnamed: usize,
    recovered: usize,
    /// How many pods there was no room for.
    passed_over: usize,
}

// === impl Report ===

impl Report {
    /// For scrapes every `resolution`.
    pub(super) fn new(resolution: Duration) -> Self {
        let again = SAID_AGAIN.as_millis() / resolution.as_millis().max(1);
        Self {
            again: u64::try_from(again).unwrap_or(u64::MAX).max(1),
            cycle: Cycle::default(),
            crowded: 0,
        }
    }

    /// A scrape failed.
    pub(super) fn failed(&mut self, node: &Node, address: &str, error: &ScrapeError, turn: &Turn) {
        let times = if let Turn::Failed { times } = turn { *times } else { 1 };
        let name = &node.name;
        self.cycle.nodes += 1;
        if !node.ready {
            self.cycle.not_ready += 1;
            tracing::debug!(node = name, address, err = %error, "Failed to scrape node, node is not ready");
            return;
        }
        *self.cycle.failed.entry(error.cause_label()).or_default() += 1;
        let due = times.saturating_sub(1).is_multiple_of(self.again);
        if due && self.may_name() {
            let failures = (times > 1).then_some(times);
            tracing::error!(node = name, address, err = %error, cure = error.cure(), failures, "Failed to scrape node");
        } else {
            tracing::debug!(node = name, address, err = %error, failures = times, "Failed to scrape node");
        }
    }

    /// A scrape succeeded.
    pub(super) fn good(&mut self, node: &Node, address: &str, turn: &Turn) {
        let name = &node.name;
        self.cycle.nodes += 1;
        let Turn::Good { after, change, passed_over } = turn else { return };
        match after {
            Some((failures, true)) if self.may_name() => {
                tracing::info!(node = name, address, failures, "Scraped node again");
            }
            Some((_, true)) => self.cycle.recovered += 1,
            Some((failures, false)) => {
                tracing::debug!(node = name, address, failures, "Scraped node again");
            }
            None => {}
        }
        match change {
            Change::Odd(oddity) if self.may_name() => warn(node, address, *oddity),
            Change::Mended if self.may_name() => {
                tracing::info!(node = name, address, "Scraped node in full again");
            }
            _ => {}
        }
        if let Some((what, times)) = passed_over {
            self.say_passed_over(node, address, what, *times);
        }
    }

    /// Says what is not used of an answer: when it begins, and now and then.
    fn say_passed_over(&mut self, node: &Node, address: &str, what: &PassedOver, times: u64) {
        let (name, answers) = (&node.name, (times > 1).then_some(times));
        if !times.saturating_sub(1).is_multiple_of(self.again) || !self.may_name() {
            return;
        }
        if what.lines > 0 {
            tracing::warn!(
                node = name,
                address,
                lines = what.lines,
                err = what.first,
                answers,
                "Passed over lines that cannot be read"
            );
        }
        if what.long_labels > 0 {
            tracing::warn!(
                node = name,
                address,
                series = what.long_labels,
                limit = what.limit,
                answers,
                "Passed over series with labels longer than --kubelet-max-label-length"
            );
        }
    }

    /// These pods are left out, for a container of theirs was caught half-measured. As with the Go
    /// server it is said each time, to those who want to know more than what operators need.
    pub(super) fn left_out(node: &Node, pods: &[LeftOut]) {
        for LeftOut { namespace, pod, container, lacks } in pods.iter().take(NAMED) {
            tracing::debug!(
                target: klog::V1,
                node = node.name,
                pod = format!("{namespace}/{pod}"),
                container = &**container,
                lacks,
                "Failed getting complete Pod metric"
            );
        }
        let unnamed = pods.len().saturating_sub(NAMED);
        if unnamed > 0 {
            tracing::debug!(
                target: klog::V1,
                node = node.name,
                pods = unnamed,
                "Failed getting complete Pod metric of more pods"
            );
        }
    }

    /// There was no room for so many of a node's pods.
    pub(super) fn passed_over(&mut self, pods: usize) {
        self.cycle.passed_over += pods;
    }

    /// The cycle is over.
    pub(super) fn end_cycle(&mut self) {
        let cycle = std::mem::take(&mut self.cycle);
        self.say_if_crowded(cycle.passed_over);
        let Cycle { nodes, not_ready, unnamed, recovered, .. } = cycle;
        if recovered > 0 {
            tracing::info!(nodes = recovered, "Scraped more nodes again");
        }
        let failed: usize = cycle.failed.values().sum();
        let causes = counts(&cycle.failed);
        let unnamed = (unnamed > 0).then_some(unnamed);
        let not_ready = (not_ready > 0).then_some(not_ready);
        if failed > 0 {
            tracing::warn!(
                failed,
                nodes,
                causes,
                notReady = not_ready,
                unnamed,
                "Some nodes could not be scraped"
            );
        } else if not_ready.is_some() {
            tracing::debug!(
                nodes,
                notReady = not_ready,
                "Some nodes that are not ready could not be scraped"
            );
        }
    }

    fn say_if_crowded(&mut self, pods: usize) {
        if pods == 0 {
            if std::mem::take(&mut self.crowded) > 0 {
                tracing::info!("There is room for all pods again");
            }
            return;
        }
        if self.crowded.is_multiple_of(self.again) {
            let cycles = (self.crowded > 0).then_some(self.crowded + 1);
            tracing::warn!(
                pods,
                cycles,
                cure = "find the nodes that report pods that do not exist, or allow more with --kubelet-max-containers",
                "Kubelets report more containers than are kept, passed over pods"
            );
        }
        self.crowded += 1;
    }

    /// Whether one more node may be named in this cycle.
    fn may_name(&mut self) -> bool {
        let may = self.cycle.named < NAMED;
        *(if may { &mut self.cycle.named } else { &mut self.cycle.unnamed }) += 1;
        may
    }
}

fn warn(node: &Node, address: &str, oddity: Oddity) {
    tracing::warn!(
        node = node.name,
        address,
        what = oddity.words(),
        cure = oddity.cure(),
        "Scraped node, but something is wrong"
    );
}

/// `dns_no_such_host 2, timeout 1`.
pub(crate) fn counts(causes: &BTreeMap<&'static str, usize>) -> String {
    let mut text = String::new();
    for (cause, count) in causes {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{cause} {count}");
    }
    text
}
