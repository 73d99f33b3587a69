use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Curve, Level, Shape, TraceError};

/// A usage, and what it turns into after a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSchedule {
    pub(super) base: Shape,
    pub(super) after: Duration,
    pub(super) turn: Option<Turn>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Shape(Shape),
    Restart,
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

/// A change of usage over time, as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeSpec {
    /// In which way.
    pub kind: ShapeKind,
    /// Where to.
    pub to: Option<Level>,
    /// How long it takes.
    pub over: Option<Duration>,
    /// How far apart spikes are.
    pub every: Option<Duration>,
    /// How long before it begins.
    pub after: Duration,
    /// Of a random walk.
    pub seed: u64,
    /// Of a trace.
    pub file: Option<PathBuf>,
}

/// Why usage cannot take a course.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Something is not said.
    #[error("a shape of kind {kind:?} needs {field:?}")]
    Missing {
        /// Its kind.
        kind: ShapeKind,
        /// What is missing.
        field: &'static str,
    },
    /// The trace is of no use.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

// === impl UsageSchedule ===

impl UsageSchedule {
    /// Usage of `base` that changes as `spec` says.
    pub fn new(base: Level, spec: &ShapeSpec) -> Result<Self, UsageError> {
        let kind = spec.kind;
        let missing = |field| UsageError::Missing { kind, field };
        let to = || spec.to.ok_or_else(|| missing("to"));
        let over = || spec.over.filter(|over| !over.is_zero()).ok_or_else(|| missing("over"));
        let turn = match kind {
            ShapeKind::Step => Turn::Shape(to()?.into()),
            ShapeKind::Ramp => Turn::Shape(Curve::ramp(base, to()?, over()?).into()),
            ShapeKind::Wave => Turn::Shape(Curve::wave(base, to()?, over()?).into()),
            ShapeKind::Spike => Turn::Shape(Curve::spike(base, to()?, over()?, spec.every).into()),
            ShapeKind::Walk => Turn::Shape(Curve::walk(base, to()?, over()?, spec.seed).into()),
            ShapeKind::Leak => Turn::Shape(Curve::leak(base, to()?, over()?).into()),
            ShapeKind::Trace => {
                let file = spec.file.as_ref().ok_or_else(|| missing("file"))?;
                Turn::Shape(Curve::trace(file)?.into())
            }
            ShapeKind::Restart => Turn::Restart,
        };
        Ok(Self { base: base.into(), after: spec.after, turn: Some(turn) })
    }

    /// Whether it ever changes.
    pub fn changes(&self) -> bool {
        self.turn.is_some()
    }

    /// What is used to begin with.
    pub fn base(&self) -> &Shape {
        &self.base
    }
}

impl From<Shape> for UsageSchedule {
    fn from(base: Shape) -> Self {
        Self { base, after: Duration::ZERO, turn: None }
    }
}
