//! What a container or a node uses over time, and the counters that follow from it.
//!
//! Usage is a function of time, so that the true answer to "how much CPU did it use between these
//! moments" is known and a metrics server's answer can be judged. Counters are its exact integral,
//! in integers.

use jiff::Timestamp;
use metrics_server::quantity::Quantity;

/// Usage is counted in nanocores over nanoseconds; the counters are in nanoseconds of a core.
const NANOCORES: u128 = 1_000_000_000;

/// CPU and memory usage as a function of time, from a start on. Before it there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    started: Timestamp,
    /// What the CPU counter says at the start, in nanoseconds of a core.
    carried: u64,
    first: Shape,
    /// In order of time, all after the start. Apart from the first, which most usage has alone: a
    /// fleet has a million of these.
    later: Vec<Piece>,
}

/// How usage goes on from some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The same amount at all times.
    Constant {
        /// Nanocores.
        cpu: u64,
        /// Working set in bytes.
        memory: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: Timestamp,
    shape: Shape,
}

// === impl Usage ===

impl Usage {
    /// Usage of one shape since `started`; the counter starts at zero.
    pub fn new(started: Timestamp, shape: Shape) -> Self {
        Self::carrying(started, 0, shape)
    }

    /// The same, with a counter that already stands at `carried` nanoseconds of a core.
    pub fn carrying(started: Timestamp, carried: u64, shape: Shape) -> Self {
        Self { started, carried, first: shape, later: Vec::new() }
    }

    /// When it begins.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Goes on as `shape` from `at`, or from the start if `at` lies before it. What was set for
    /// later moments is forgotten.
    pub fn set(&mut self, at: Timestamp, shape: Shape) {
        self.later.retain(|piece| piece.from < at);
        if at > self.started {
            self.later.push(Piece { from: at, shape });
        } else {
            self.first = shape;
        }
    }

    /// The CPU counter at a moment: nanoseconds of a core used since the start, rounded down.
    pub fn cumulative_cpu(&self, at: Timestamp) -> u64 {
        if at < self.started {
            return 0;
        }
        let ends = self.later.iter().map(|next| next.from).chain([Timestamp::MAX]);
        let used = self
            .pieces()
            .zip(ends)
            .map(|(piece, end)| piece.shape.cpu_within(nanos_between(piece.from, at.min(end))))
            .fold(0, u128::saturating_add);
        u64::try_from(used / NANOCORES).unwrap_or(u64::MAX).saturating_add(self.carried)
    }

    /// The working set at a moment, in bytes.
    pub fn memory(&self, at: Timestamp) -> u64 {
        self.pieces().take_while(|piece| piece.from <= at).last().map_or(0, |p| p.shape.memory())
    }

    fn pieces(&self) -> impl Iterator<Item = Piece> {
        let first = Piece { from: self.started, shape: self.first };
        std::iter::once(first).chain(self.later.iter().copied())
    }
}

// === impl Shape ===

impl Shape {
    /// The same amount at all times; negative quantities are none at all.
    pub fn from_quantities(cpu: Quantity, memory: Quantity) -> Self {
        let amount = |value: i128| u64::try_from(value.max(0)).unwrap_or(u64::MAX);
        Self::Constant { cpu: amount(cpu.nanos()), memory: amount(memory.units()) }
    }

    /// CPU used in its first `nanos` nanoseconds, in nanocores times nanoseconds.
    fn cpu_within(self, nanos: u128) -> u128 {
        match self {
            Self::Constant { cpu, .. } => u128::from(cpu).saturating_mul(nanos),
        }
    }

    fn memory(self) -> u64 {
        match self {
            Self::Constant { memory, .. } => memory,
        }
    }
}

/// Zero if `to` lies before `from`.
fn nanos_between(from: Timestamp, to: Timestamp) -> u128 {
    u128::try_from(to.as_nanosecond() - from.as_nanosecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MI: u64 = 1 << 20;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn constant(cpu: u64, memory: u64) -> Shape {
        Shape::Constant { cpu, memory }
    }

    #[test]
    fn counters_are_the_integral_of_usage() {
        let mut usage = Usage::new(second(1_000), constant(250_000_000, 64 * MI));
        usage.set(second(1_100), constant(1_000_000_000, 128 * MI));
        usage.set(second(1_110), constant(0, 0));
        let cases = [
            (0, 0, 0),
            (999, 0, 0),
            (1_000, 0, 64 * MI),
            (1_001, 250_000_000, 64 * MI),
            (1_099, 24_750_000_000, 64 * MI),
            (1_100, 25_000_000_000, 128 * MI),
            (1_109, 34_000_000_000, 128 * MI),
            (1_110, 35_000_000_000, 0),
            (9_999, 35_000_000_000, 0),
        ];
        for (at, cpu, memory) in cases {
            let at = second(at);
            assert_eq!((usage.cumulative_cpu(at), usage.memory(at)), (cpu, memory), "{at}");
        }
    }

    #[test]
    fn what_is_set_replaces_what_was_set_for_later() {
        let mut usage = Usage::new(second(0), constant(1_000_000_000, 1));
        usage.set(second(20), constant(5_000_000_000, 5));
        usage.set(second(10), constant(2_000_000_000, 2));
        assert_eq!(usage.cumulative_cpu(second(30)), 50_000_000_000);
        usage.set(second(-5), constant(3_000_000_000, 3));
        assert_eq!(usage.cumulative_cpu(second(30)), 90_000_000_000);
        assert_eq!(usage.memory(second(-1)), 0);
    }

    #[test]
    fn a_counter_may_start_above_zero() {
        let usage = Usage::carrying(second(10), 7, constant(1, 0));
        assert_eq!(usage.cumulative_cpu(second(9)), 0);
        assert_eq!(usage.cumulative_cpu(second(10)), 7);
        assert_eq!(usage.cumulative_cpu(second(13)), 10);
    }

    #[test]
    fn setting_the_same_shape_again_changes_no_counter() {
        let shape = constant(333_333_333, 1);
        let whole = Usage::new(second(0), shape);
        let mut cut = whole.clone();
        for at in (1..100).step_by(7) {
            cut.set(second(at), shape);
        }
        for at in 0..200 {
            assert_eq!(cut.cumulative_cpu(second(at)), whole.cumulative_cpu(second(at)));
        }
    }

    #[test]
    fn counters_never_fall() {
        let mut usage = Usage::new(second(0), constant(1, 0));
        for at in 1..50 {
            usage.set(second(at), constant(u64::try_from(at * 7_919 % 13).unwrap(), 0));
        }
        let counters: Vec<u64> = (0..60).map(|at| usage.cumulative_cpu(second(at))).collect();
        assert!(counters.is_sorted());
    }

    #[test]
    fn the_largest_usage_over_the_longest_time_does_not_overflow() {
        let usage = Usage::new(Timestamp::MIN, constant(u64::MAX, u64::MAX));
        assert_eq!(usage.cumulative_cpu(Timestamp::MAX), u64::MAX);
    }
}
