use std::time::Duration;

use jiff::Timestamp;
use k8s_text::quantity::Quantity;

use super::history::{NodeHistory, PodHistory, Points};

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

/// Two points that cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A CPU counter never falls without a restart.
    #[error("unexpected decrease in cumulative CPU usage value")]
    CounterFell,
    /// A container does not start earlier than it had.
    #[error("unexpected decrease in startTime of node/container")]
    StartFell,
}

// === impl NodeHistory ===

impl NodeHistory {
    pub(super) fn usage(&self, node: &str) -> Option<NodeUsage> {
        match self.node?.usage()? {
            Ok((usage, span)) => Some(NodeUsage { span, usage }),
            Err(error) => {
                tracing::error!(node, err = %error, "Skipping node usage metric");
                None
            }
        }
    }
}

// === impl PodHistory ===

impl PodHistory {
    pub(super) fn usage(&self) -> Option<PodUsage> {
        let mut span: Option<Span> = None;
        let mut containers = Vec::with_capacity(self.containers.len());
        for (name, points) in &self.containers {
            match points.usage()? {
                Ok((usage, its)) => {
                    span = Some(span.filter(|span| span.end <= its.end).unwrap_or(its));
                    containers.push(ContainerUsage { name: (**name).into(), usage });
                }
                Err(error) => tracing::error!(
                    container = &**name, pod = format!("{}/{}", self.namespace, self.name), err = %error,
                    "Skipping container usage metric"
                ),
            }
        }
        Some(PodUsage { span, containers })
    }
}

// === impl Points ===

impl Points {
    /// The usage between the two points; `None` without two points in time. The arithmetic is
    /// Go's, rounding included.
    pub(super) fn usage(&self) -> Option<Result<(Usage, Span), UsageError>> {
        let previous = self.previous?;
        let (from, to) = (previous.time?, self.last.time?);
        let window = Duration::from_nanos(u64::try_from(to.checked_sub(from)?).ok()?);
        let end = Timestamp::from_nanosecond(i128::from(to)).ok()?;
        if self.last.start < previous.start {
            return Some(Err(UsageError::StartFell));
        }
        let Some(used) = self.last.cpu.checked_sub(previous.cpu) else {
            return Some(Err(UsageError::CounterFell));
        };
        let seconds = window.as_secs() as f64 + f64::from(window.subsec_nanos()) / 1e9;
        let cpu = Quantity::nanocores((used as f64 / seconds) as u64);
        let usage = Usage { cpu, memory: Quantity::bytes(self.last.memory) };
        Some(Ok((usage, Span { end, window })))
    }
}
