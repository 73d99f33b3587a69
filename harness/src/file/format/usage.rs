//! What containers and nodes use, and how that changes over time.

use std::time::Duration;

use k8s_text::quantity::Quantity;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::values::In;
pub use fake_kubelet::ShapeKind;

/// An amount of CPU and of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amounts {
    /// Cores.
    pub cpu: In<Quantity>,
    /// Bytes.
    pub memory: In<Quantity>,
}

/// What is used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Usage {
    /// Cores.
    pub cpu: In<Quantity>,
    /// Bytes.
    pub memory: In<Quantity>,
    /// How it changes over time. Default: not at all.
    pub shape: Option<Shape>,
}

/// How usage changes over time, from the start of the cluster's clock on, or from the change that
/// sets it. Until then, `cpu` and `memory` are used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shape {
    /// In which way.
    pub kind: ShapeKind,
    /// Where to: with all kinds but `Trace` and `Restart`.
    pub to: Option<Amounts>,
    /// How long it takes: with `Ramp` and `Leak` the way to `to`, with `Wave` a period, with `Spike`
    /// the time at `to`, with `Walk` a step.
    pub over: Option<In<Duration>>,
    /// How far apart spikes begin. Default: there is one.
    pub every: Option<In<Duration>>,
    /// How long before it begins. Default: 0s.
    pub after: Option<In<Duration>>,
    /// The seed of a `Walk`. Default: the scenario's, and another walk for each container.
    pub seed: Option<u64>,
    /// The file of a `Trace`, relative to the scenario file: lines such as `15s,250m,64Mi`.
    pub file: Option<String>,
}
