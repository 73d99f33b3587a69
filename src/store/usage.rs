//! Usage from two points.

use std::{collections::BTreeMap, time::Duration};

use diagnosis::Cause;
use jiff::Timestamp;
use k8s_text::quantity::Quantity;

use crate::cluster::Capacity;

use super::history::{NodeHistory, PodHistory, Points};

/// CPU usage above the node's capacity by less than this factor may be two clocks that disagree.
const CPU_MARGIN: u128 = 2;

/// The most containers of one node that are named for one error.
const LOGGED: u64 = 10;

/// What something used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Cores, on average over the window.
    pub cpu: Quantity,
    /// Working set at the end of the window.
    pub memory: Quantity,
}

/// The time that a usage is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its end, as the kubelet measured it.
    pub end: Timestamp,
    /// Its length.
    pub window: Duration,
}

/// What a node used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeUsage {
    /// When.
    pub span: Span,
    /// How much.
    pub usage: Usage,
}

/// What a pod's containers used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    /// When: that of the container measured first. `None` when no container's usage makes sense.
    pub span: Option<Span>,
    /// How much, by container and ordered by name.
    pub containers: Vec<ContainerUsage>,
}

/// What a container used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerUsage {
    /// Its name.
    pub name: Box<str>,
    /// How much.
    pub usage: Usage,
}

/// Two points that give no usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum UsageError {
    /// A CPU counter never falls without a restart.
    #[error("unexpected decrease in cumulative CPU usage value")]
    CounterFell,
    /// A container does not start earlier than it had.
    #[error("unexpected decrease in startTime of node/container")]
    StartFell,
    /// A counter jumped, such as to that of another container.
    #[error("CPU usage is more than twice the node's capacity")]
    CpuBeyondCapacity,
    /// A working set is part of the node's memory.
    #[error("memory usage is more than the node's capacity")]
    MemoryBeyondCapacity,
}

// === impl UsageError ===

impl UsageError {
    /// Its kind, by whose name it is counted.
    pub fn cause(self) -> Cause {
        match self {
            Self::CounterFell => Cause::CounterDecreased,
            Self::StartFell => Cause::StartTimeDecreased,
            Self::CpuBeyondCapacity => Cause::CpuBeyondCapacity,
            Self::MemoryBeyondCapacity => Cause::MemoryBeyondCapacity,
        }
    }

    /// Whether the whole pod is left out. The Go server serves a pod without the containers whose
    /// counters fell. An autoscaler must not use a sum without a container whose value is
    /// impossible.
    fn spoils_pod(self) -> bool {
        matches!(self, Self::CpuBeyondCapacity | Self::MemoryBeyondCapacity)
    }
}

// === impl NodeHistory ===

impl NodeHistory {
    pub(super) fn usage(&self) -> Option<NodeUsage> {
        let (usage, span) = self.node?.usage(&self.capacity)?.ok()?;
        Some(NodeUsage { span, usage })
    }

    /// Logs what cannot be served of the newest points, which is once for each of them, and counts
    /// it by cause.
    pub(super) fn log_unusable(&self, node: &str) -> BTreeMap<&'static str, u64> {
        let mut causes = BTreeMap::new();
        let mut count = |error: UsageError| {
            let count = causes.entry(error.cause().name()).or_default();
            *count += 1;
            *count
        };
        if let Some(error) = self.node.and_then(|points| points.defect(&self.capacity)) {
            count(error);
            tracing::error!(node, err = %error, "Skipping node usage metric");
        }
        for pod in &self.pods {
            for (name, points) in &pod.containers {
                let Some(error) = points.defect(&self.capacity) else { continue };
                if count(error) <= LOGGED {
                    tracing::error!(
                        container = &**name, pod = format!("{}/{}", pod.namespace, pod.name), err = %error,
                        "Skipping container usage metric"
                    );
                }
            }
        }
        causes
    }
}

// === impl PodHistory ===

impl PodHistory {
    pub(super) fn usage(&self, capacity: &Capacity) -> Option<PodUsage> {
        let mut span: Option<Span> = None;
        let mut containers = Vec::with_capacity(self.containers.len());
        for (name, points) in &self.containers {
            match points.usage(capacity)? {
                Ok((usage, its)) => {
                    span = Some(span.filter(|span| span.end <= its.end).unwrap_or(its));
                    containers.push(ContainerUsage { name: (**name).into(), usage });
                }
                Err(error) if error.spoils_pod() => return None,
                Err(_) => {}
            }
        }
        Some(PodUsage { span, containers })
    }
}

// === impl Points ===

impl Points {
    /// Why there is no usage between the two points, where it is not that one is missing.
    pub(super) fn defect(&self, capacity: &Capacity) -> Option<UsageError> {
        let previous = self.previous?;
        if self.last.start < previous.start {
            return Some(UsageError::StartFell);
        }
        let Some(used) = self.last.cpu.checked_sub(previous.cpu) else {
            return Some(UsageError::CounterFell);
        };
        if capacity.memory.is_some_and(|most| self.last.memory > most) {
            return Some(UsageError::MemoryBeyondCapacity);
        }
        let most = u128::from(capacity.nanocores?) * CPU_MARGIN;
        let window = u64::try_from(self.last.time?.checked_sub(previous.time?)?).ok()?;
        // Nanoseconds of CPU in nanoseconds of time, in billionths.
        (u128::from(used) * 1_000_000_000 > most * u128::from(window))
            .then_some(UsageError::CpuBeyondCapacity)
    }

    /// The usage between the two points; `None` without two points in time. The arithmetic is
    /// Go's, rounding included.
    pub(super) fn usage(&self, capacity: &Capacity) -> Option<Result<(Usage, Span), UsageError>> {
        let previous = self.previous?;
        let (from, to) = (previous.time?, self.last.time?);
        let window = Duration::from_nanos(u64::try_from(to.checked_sub(from)?).ok()?);
        let end = Timestamp::from_nanosecond(i128::from(to)).ok()?;
        if let Some(error) = self.defect(capacity) {
            return Some(Err(error));
        }
        let used = self.last.cpu - previous.cpu;
        let seconds = window.as_secs() as f64 + f64::from(window.subsec_nanos()) / 1e9;
        let cpu = Quantity::nanocores((used as f64 / seconds) as u64);
        let usage = Usage { cpu, memory: Quantity::bytes(self.last.memory) };
        Some(Ok((usage, Span { end, window })))
    }
}
