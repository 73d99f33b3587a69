//! The log lines of scrapes: enough to find the cause and the cure, and in a big cluster no more
//! lines than a person can read.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use diagnosis::Cause;
use k8s_text::{duration, klog};

use super::health::{ScrapeHealth, Transition};
use crate::{
    cluster::Node,
    kubelet::{Diagnosis, Dropped, LeftOut, ScrapeError},
};

/// How many nodes are named in one cycle; the rest are counted.
const NAMED: usize = 20;

/// A failure that continues is logged again after this long.
const LOGGED_AGAIN: Duration = Duration::from_mins(5);

/// Logs the results of scrapes.
#[derive(Debug)]
pub(super) struct ScrapeLog {
    /// After this many failures in a row one is logged again.
    again: u64,
    cycle: Cycle,
    /// In how many cycles in a row pods were dropped at the limit.
    cycles_at_limit: u64,
}

/// The results of one cycle.
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
    dropped_pods: usize,
}

// === impl ScrapeLog ===

impl ScrapeLog {
    /// For scrapes every `resolution`.
    pub(super) fn new(resolution: Duration) -> Self {
        let again = LOGGED_AGAIN.as_millis() / resolution.as_millis().max(1);
        Self {
            again: u64::try_from(again).unwrap_or(u64::MAX).max(1),
            cycle: Cycle::default(),
            cycles_at_limit: 0,
        }
    }

    /// A scrape failed.
    pub(super) fn failed(
        &mut self,
        node: &Node,
        address: &str,
        error: &ScrapeError,
        Diagnosis { cause, cure, .. }: &Diagnosis,
        transition: &Transition,
    ) {
        let (name, failures) = (&node.name, transition.times);
        self.cycle.nodes += 1;
        if !node.ready {
            self.cycle.not_ready += 1;
            tracing::debug!(node = name, address, err = %error, "Failed to scrape node, node is not ready");
            return;
        }
        *self.cycle.failed.entry(cause.name()).or_default() += 1;
        if self.is_due(failures) && self.may_name() {
            let failures = (failures > 1).then_some(failures);
            tracing::error!(node = name, address, err = %error, cure = &**cure, failures, "Failed to scrape node");
        } else {
            tracing::debug!(node = name, address, err = %error, failures, "Failed to scrape node");
        }
    }

    /// A scrape succeeded.
    pub(super) fn succeeded(&mut self, node: &Node, address: &str, transition: &Transition) {
        let name = &node.name;
        self.cycle.nodes += 1;
        let Transition { from, from_times: failures, to, dropped, .. } = transition;
        match (from, to) {
            (ScrapeHealth::Failing(_), _) if self.may_name() => {
                tracing::info!(node = name, address, failures, "Node scrape recovered");
            }
            (ScrapeHealth::Failing(_), _) => self.cycle.recovered += 1,
            (ScrapeHealth::NotReady(_), _) => {
                tracing::debug!(node = name, address, failures, "Node scrape recovered");
            }
            (from, ScrapeHealth::Healthy) if from != to && self.may_name() => {
                tracing::info!(node = name, address, "Node scrape recovered");
            }
            _ => {}
        }
        if from != to
            && let Some(cause) = to.problem()
            && self.may_name()
        {
            tracing::warn!(
                node = name,
                address,
                problem = cause.problem(),
                interval = transition.interval.map(duration::format),
                cure = cause.cure(),
                "Scraped node, but metrics are missing or stale"
            );
        }
        if let Some((what, times)) = dropped {
            self.dropped(node, address, what, *times);
        }
    }

    /// Logs what is dropped from a response: when it begins, and now and then.
    fn dropped(&mut self, node: &Node, address: &str, what: &Dropped, times: u64) {
        let (name, responses) = (&node.name, (times > 1).then_some(times));
        if !self.is_due(times) || !self.may_name() {
            return;
        }
        if what.lines > 0 {
            tracing::warn!(
                node = name,
                address,
                lines = what.lines,
                err = what.first,
                responses,
                "Dropped lines that cannot be parsed"
            );
        }
        if what.conflicts.count > 0 {
            tracing::warn!(
                node = name,
                address,
                usages = what.conflicts.count,
                first = what.conflicts.first,
                responses,
                cure = Cause::ConflictingUsage.cure(),
                "Dropped usage that the kubelet reports twice with different values"
            );
        }
        if what.long_labels > 0 {
            tracing::warn!(
                node = name,
                address,
                series = what.long_labels,
                limit = what.limit,
                responses,
                "Dropped series with labels longer than --kubelet-max-label-length"
            );
        }
    }

    /// These pods are left out, for a container of theirs was caught half-measured. As with the Go
    /// server it is logged each time, from `--v=1` on.
    pub(super) fn left_out(node: &Node, pods: &[LeftOut]) {
        for LeftOut { namespace, pod, container, reason } in pods.iter().take(NAMED) {
            tracing::debug!(
                target: klog::V1,
                node = node.name,
                pod = format!("{namespace}/{pod}"),
                container = &**container,
                reason,
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

    /// This many of a node's pods were dropped at the limit.
    pub(super) fn dropped_pods(&mut self, pods: usize) {
        self.cycle.dropped_pods += pods;
    }

    /// The cycle is over. Of all nodes together, `limit` containers are kept.
    pub(super) fn end_cycle(&mut self, limit: usize) {
        let cycle = std::mem::take(&mut self.cycle);
        self.log_dropped_pods(cycle.dropped_pods, limit);
        let Cycle { nodes, not_ready, unnamed, recovered, .. } = cycle;
        if recovered > 0 {
            tracing::info!(nodes = recovered, "Node scrapes recovered");
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

    fn log_dropped_pods(&mut self, pods: usize, limit: usize) {
        if pods == 0 {
            if std::mem::take(&mut self.cycles_at_limit) > 0 {
                tracing::info!("No pods dropped any more, within the limit of {limit} containers");
            }
            return;
        }
        self.cycles_at_limit += 1;
        if self.is_due(self.cycles_at_limit) {
            let cycles = (self.cycles_at_limit > 1).then_some(self.cycles_at_limit);
            tracing::warn!(
                pods,
                cycles,
                cure = Cause::PodsDropped.cure(),
                "Pods dropped: limit of {limit} containers reached"
            );
        }
    }

    /// Whether what happens for the `times`th time in a row is logged.
    fn is_due(&self, times: u64) -> bool {
        times.saturating_sub(1).is_multiple_of(self.again)
    }

    /// Whether one more node may be named in this cycle.
    fn may_name(&mut self) -> bool {
        let may = self.cycle.named < NAMED;
        *(if may { &mut self.cycle.named } else { &mut self.cycle.unnamed }) += 1;
        may
    }
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
