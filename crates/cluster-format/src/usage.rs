//! What containers and nodes use, and how that changes over time.

use std::time::Duration;

use k8s_text::quantity::Quantity;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::values::In;

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
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Usage {
    /// Cores.
    pub cpu: In<Quantity>,
    /// Bytes.
    pub memory: In<Quantity>,
    /// How it changes over time. Default: not at all.
    pub shape: Option<Shape>,
}

/// How usage changes over time, from the start of the cluster's clock or of the program on, or from the
/// change that sets it. Until then, `cpu` and `memory` are used.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
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
    /// The file of a `Trace`, relative to the file: lines such as `15s,250m,64Mi`.
    pub file: Option<String>,
}

/// Ways in which usage can change over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ShapeKind {
    /// At once to `to`, and there it stays.
    Step,
    /// Evenly to `to`, and there it stays.
    Ramp,
    /// As a sine from `cpu` and `memory` to `to` and back, over and over.
    Wave,
    /// At `to` for a while, then as before; over and over if there is an `every`.
    Spike,
    /// At random between `cpu` and `memory` and `to`; after 512 steps all the way back.
    Walk,
    /// As recorded in a file, with straight lines in between.
    Trace,
    /// Evenly to `to`, where the container is killed and restarts, over and over.
    Leak,
    /// The container restarts once: its counters begin anew.
    Restart,
}

// === impl Usage ===

impl Usage {
    /// A constant amount.
    pub fn constant(cpu: Quantity, memory: Quantity) -> Self {
        Self { cpu: In(cpu), memory: In(memory), shape: None }
    }

    /// Whether it is read from a file.
    pub fn is_trace(&self) -> bool {
        self.shape.as_ref().is_some_and(|shape| shape.kind == ShapeKind::Trace)
    }
}
