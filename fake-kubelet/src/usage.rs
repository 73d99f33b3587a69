//! The usage of a container or a node over time, and the counters that follow from it.
//!
//! Usage is a function of time, so that the true usage between any two moments is known and a
//! metrics server's responses can be compared with it. Counters are its exact integral, in
//! integers.

mod curve;
mod schedule;
mod trace;

use std::sync::Arc;

use jiff::Timestamp;

pub use self::{
    curve::{Curve, Level},
    schedule::{UsageError, UsageSchedule},
    trace::TraceError,
};

/// Usage is counted in nanocores over nanoseconds; the counters are in nanoseconds of a core.
const NANOCORES: u128 = 1_000_000_000;

/// CPU and memory usage as a function of time, from a start on. Before it there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    started: Timestamp,
    /// The CPU counter's value at the start, in nanoseconds of a core.
    carried: u64,
    first: Shape,
    /// In order of time, all after the start. Apart from the first, which most usage has alone: a
    /// fleet has a million of these.
    later: Vec<Piece>,
}

/// The course of usage from some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The same amount at all times.
    Constant {
        /// Nanocores.
        cpu: u64,
        /// Working set in bytes.
        memory: u64,
    },
    /// Up and down.
    Curve(Arc<Curve>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    from: Timestamp,
    shape: Shape,
    /// It restarts then: counters start from 0.
    restart: bool,
}

/// What is to be read off a usage at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// When it was started last.
    pub(crate) started: Timestamp,
    /// The CPU counter since then, in nanoseconds of a core.
    pub(crate) cpu: u64,
    /// The same over all restarts.
    pub(crate) total_cpu: u64,
    /// The working set in bytes.
    pub(crate) memory: u64,
}

/// The part of a usage between two restarts.
struct Life {
    started: Timestamp,
    /// All that was used before, in nanocores times nanoseconds.
    before: u128,
    /// Whether it is the first one.
    first: bool,
}

// === impl Usage ===

impl Usage {
    /// Usage of one shape since `started`; the counter starts at zero.
    pub fn new(started: Timestamp, shape: Shape) -> Self {
        Self::carrying(started, 0, shape)
    }

    /// Usage since `started` that follows a schedule from `at` on.
    pub fn following(started: Timestamp, at: Timestamp, schedule: &UsageSchedule) -> Self {
        let mut usage = Self::new(started, schedule.base.clone());
        if schedule.changes() {
            usage.follow(at, schedule);
        }
        usage
    }

    /// Usage of one shape with a counter that already stands at `carried` nanoseconds of a core.
    pub fn carrying(started: Timestamp, carried: u64, shape: Shape) -> Self {
        Self { started, carried, first: shape, later: Vec::new() }
    }

    /// When it begins.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When it was started last, as seen at `at`.
    pub fn last_started(&self, at: Timestamp) -> Timestamp {
        self.life(at).started
    }

    /// Continues as `shape` from `at`, or from the start if `at` is before it. Changes that were
    /// set for later moments are dropped.
    pub fn set(&mut self, at: Timestamp, shape: Shape) {
        self.later.retain(|piece| piece.from < at);
        if at > self.started {
            self.later.push(Piece { from: at, shape, restart: false });
        } else {
            self.first = shape;
        }
    }

    /// Restarts at `at`, which is after its start, and repeats from its start on the course that it
    /// had then.
    pub fn restart(&mut self, at: Timestamp) {
        self.later.retain(|piece| piece.from < at);
        let last = self.later.last().map_or(&self.first, |piece| &piece.shape);
        let piece = Piece { from: at, shape: last.clone(), restart: true };
        self.later.push(piece);
    }

    /// Follows a schedule from `at` on.
    pub fn follow(&mut self, at: Timestamp, schedule: &UsageSchedule) {
        self.set(at, schedule.base.clone());
        if let Some(change) = &schedule.change {
            let at = at.saturating_add(schedule.after).unwrap_or(Timestamp::MAX);
            match change {
                schedule::Change::Shape(shape) => self.set(at, shape.clone()),
                schedule::Change::Restart => self.restart(at),
            }
        }
    }

    /// All of it at a moment; `None` before its start.
    pub(crate) fn reading(&self, at: Timestamp) -> Option<Reading> {
        if at < self.started {
            return None;
        }
        // Most usage is of this kind, and is read in every scrape.
        if let (Shape::Constant { memory, .. }, []) = (&self.first, &self.later[..]) {
            let used = counted(self.first.cpu_within(nanos_between(self.started, at)));
            let cpu = used.saturating_add(self.carried);
            return Some(Reading { started: self.started, cpu, total_cpu: cpu, memory: *memory });
        }
        Some(Reading {
            started: self.last_started(at),
            cpu: self.cumulative_cpu(at),
            total_cpu: self.total_cpu(at),
            memory: self.memory(at),
        })
    }

    /// The CPU counter at a moment: nanoseconds of a core used since the last start, rounded down.
    pub fn cumulative_cpu(&self, at: Timestamp) -> u64 {
        if at < self.started {
            return 0;
        }
        let life = self.life(at);
        let carried = if life.first { self.carried } else { 0 };
        counted(self.used(at).saturating_sub(life.before)).saturating_add(carried)
    }

    /// The same over all restarts: the counter of a pod or a node, which outlives them.
    pub fn total_cpu(&self, at: Timestamp) -> u64 {
        if at < self.started {
            return 0;
        }
        counted(self.used(at)).saturating_add(self.carried)
    }

    /// Whether the counter over all restarts is full at a moment, at which it stands still then:
    /// kubelets count nanoseconds in 64 bits.
    pub fn is_full(&self, at: Timestamp) -> bool {
        self.total_cpu(at) == u64::MAX
    }

    /// The working set at a moment, in bytes.
    pub fn memory(&self, at: Timestamp) -> u64 {
        let piece = self.pieces().take_while(|(from, ..)| *from <= at).last();
        piece.map_or(0, |(from, shape, _)| shape.memory_at(nanos_between(from, at)))
    }

    fn used(&self, at: Timestamp) -> u128 {
        self.pieces()
            .zip(self.ends())
            .map(|((from, shape, _), end)| shape.cpu_within(nanos_between(from, at.min(end))))
            .fold(0, u128::saturating_add)
    }

    fn life(&self, at: Timestamp) -> Life {
        let mut life = Life { started: self.started, before: 0, first: true };
        let mut used = 0_u128;
        for ((from, shape, restart), end) in self.pieces().zip(self.ends()) {
            if from > at {
                break;
            }
            if restart {
                life = Life { started: from, before: used, first: false };
            }
            let length = nanos_between(from, at.min(end));
            if let Some(since) = shape.last_restart(length) {
                let offset = i128::try_from(since).unwrap_or(i128::MAX);
                let started = from.as_nanosecond().saturating_add(offset);
                life = Life {
                    started: Timestamp::from_nanosecond(started).unwrap_or(Timestamp::MAX),
                    before: used.saturating_add(shape.cpu_within(since)),
                    first: false,
                };
            }
            used = used.saturating_add(shape.cpu_within(length));
        }
        life
    }

    fn pieces(&self) -> impl Iterator<Item = (Timestamp, &Shape, bool)> {
        let later = self.later.iter().map(|piece| (piece.from, &piece.shape, piece.restart));
        std::iter::once((self.started, &self.first, false)).chain(later)
    }

    fn ends(&self) -> impl Iterator<Item = Timestamp> {
        self.later.iter().map(|next| next.from).chain([Timestamp::MAX])
    }
}

fn counted(used: u128) -> u64 {
    u64::try_from(used / NANOCORES).unwrap_or(u64::MAX)
}

// === impl Shape ===

impl Shape {
    /// CPU used in its first `nanos` nanoseconds, in nanocores times nanoseconds.
    fn cpu_within(&self, nanos: u128) -> u128 {
        match self {
            Self::Constant { cpu, .. } => u128::from(*cpu).saturating_mul(nanos),
            Self::Curve(curve) => curve.cpu_within(nanos),
        }
    }

    fn memory_at(&self, nanos: u128) -> u64 {
        match self {
            Self::Constant { memory, .. } => *memory,
            Self::Curve(curve) => curve.memory_at(nanos),
        }
    }

    /// When it restarted last within its first `nanos` nanoseconds.
    fn last_restart(&self, nanos: u128) -> Option<u128> {
        match self {
            Self::Constant { .. } => None,
            Self::Curve(curve) => curve.last_restart(nanos),
        }
    }
}

/// Zero if `to` is before `from`.
fn nanos_between(from: Timestamp, to: Timestamp) -> u128 {
    u128::try_from(to.as_nanosecond() - from.as_nanosecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
