//! What a scenario says of usage, as kubelets take it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use fake_kubelet::{Level, ShapeSpec, UsageError, UsageSchedule};

use crate::file::format;

/// Where traces are, and the seed of random walks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    pub(super) folder: &'a Path,
    pub(super) seed: u64,
}

/// The course of what `who` uses; each one walks a way of its own.
pub(super) fn course(
    usage: &format::Usage,
    who: &str,
    sources: Sources<'_>,
) -> Result<UsageSchedule, UsageError> {
    let base = level(format::Amounts { cpu: usage.cpu, memory: usage.memory });
    let Some(shape) = &usage.shape else { return Ok(fake_kubelet::Shape::from(base).into()) };
    let spec = ShapeSpec {
        kind: shape.kind,
        to: shape.to.map(level),
        over: shape.over.map(|over| over.0),
        every: shape.every.map(|every| every.0),
        after: shape.after.map(|after| after.0).unwrap_or_default(),
        seed: shape.seed.unwrap_or_else(|| {
            let mut hasher = DefaultHasher::new();
            (sources.seed, who).hash(&mut hasher);
            hasher.finish()
        }),
        file: shape.file.as_ref().map(|file| sources.folder.join(file)),
    };
    UsageSchedule::new(base, &spec)
}

fn level(amounts: format::Amounts) -> Level {
    Level::from_quantities(amounts.cpu.0, amounts.memory.0)
}
