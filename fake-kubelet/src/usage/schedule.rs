//! Usage, and what it changes to after a while.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use cluster_format::{Amounts, ShapeKind};

use super::{Curve, Level, Shape, TraceError};
use crate::spec::Sources;

/// A usage, and what it changes to after a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSchedule {
    pub(super) base: Shape,
    pub(super) after: Duration,
    pub(super) change: Option<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Shape(Shape),
    Restart,
}

/// Why usage of a file cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A field of the shape is missing.
    #[error("a shape of kind {kind:?} needs {field:?}")]
    Missing {
        /// Its kind.
        kind: ShapeKind,
        /// What is missing.
        field: &'static str,
    },
    /// The trace cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

// === impl UsageSchedule ===

impl UsageSchedule {
    /// The usage of `name`, which is a node or a container: random walks without a seed differ by it.
    pub fn new(
        usage: &cluster_format::Usage,
        name: &str,
        sources: Sources<'_>,
    ) -> Result<Self, UsageError> {
        let base = Level::from_quantities(usage.cpu.0, usage.memory.0);
        let Some(shape) = &usage.shape else { return Ok(Shape::from(base).into()) };
        let kind = shape.kind;
        let missing = |field| UsageError::Missing { kind, field };
        let level = |to: Amounts| Level::from_quantities(to.cpu.0, to.memory.0);
        let to = || shape.to.map(level).ok_or_else(|| missing("to"));
        let over = shape.over.map(|over| over.0).filter(|over| !over.is_zero());
        let over = || over.ok_or_else(|| missing("over"));
        let every = shape.every.map(|every| every.0);
        let change = match kind {
            ShapeKind::Step => Change::Shape(to()?.into()),
            ShapeKind::Ramp => Change::Shape(Curve::ramp(base, to()?, over()?).into()),
            ShapeKind::Wave => Change::Shape(Curve::wave(base, to()?, over()?).into()),
            ShapeKind::Spike => Change::Shape(Curve::spike(base, to()?, over()?, every).into()),
            ShapeKind::Walk => {
                let seed = shape.seed.unwrap_or_else(|| {
                    let mut hasher = DefaultHasher::new();
                    (sources.seed, name).hash(&mut hasher);
                    hasher.finish()
                });
                Change::Shape(Curve::walk(base, to()?, over()?, seed).into())
            }
            ShapeKind::Leak => Change::Shape(Curve::leak(base, to()?, over()?).into()),
            ShapeKind::Trace => {
                let file = shape.file.as_ref().ok_or_else(|| missing("file"))?;
                Change::Shape(Curve::trace(&sources.folder.join(file))?.into())
            }
            ShapeKind::Restart => Change::Restart,
        };
        let after = shape.after.map(|after| after.0).unwrap_or_default();
        Ok(Self { base: base.into(), after, change: Some(change) })
    }

    /// Whether it ever changes.
    pub fn changes(&self) -> bool {
        self.change.is_some()
    }

    /// What is used at first.
    pub fn base(&self) -> &Shape {
        &self.base
    }
}

impl From<Shape> for UsageSchedule {
    fn from(base: Shape) -> Self {
        Self { base, after: Duration::ZERO, change: None }
    }
}
