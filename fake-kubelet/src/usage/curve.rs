//! Usage that changes all the time, in straight lines: their integral is exact in integers, and so
//! is every counter, however often and however late it is read.

use std::{sync::Arc, time::Duration};

use k8s_text::quantity::Quantity;
use net::Random;

use super::Shape;

/// Times within curves are in microseconds: of nanoseconds, the squares of days would not fit.
const NANOS: u128 = 1_000;

/// The sine of the first quarter of a circle in eighths, in millionths.
const SINE: [i128; 9] =
    [0, 195_090, 382_683, 555_570, 707_107, 831_470, 923_880, 980_785, 1_000_000];
const ONE: i128 = 1_000_000;

/// How many steps a random walk has before it repeats them backwards.
const WALK: usize = 512;

/// An amount of CPU and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Nanocores.
    pub cpu: u64,
    /// Working set in bytes.
    pub memory: u64,
}

/// Straight lines from point to point, and after the last one constant or repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// In order of time, the first one at zero. Two at the same time make a step.
    points: Vec<Point>,
    /// After this many microseconds it begins again.
    period: Option<u64>,
    /// Whether the container restarts each time.
    restarts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    at: u64,
    level: Level,
    /// Twice the CPU used before, in nanocores times microseconds.
    used: u128,
}

// === impl Level ===

impl Level {
    /// Negative quantities are none at all.
    pub fn from_quantities(cpu: Quantity, memory: Quantity) -> Self {
        let amount = |value: i128| u64::try_from(value.max(0)).unwrap_or(u64::MAX);
        Self { cpu: amount(cpu.nanos()), memory: amount(memory.units()) }
    }

    /// A part of the way to `other`.
    fn towards(self, other: Self, part: i128, of: i128) -> Self {
        let between = |from: u64, to: u64| interpolate(from, to, part, of);
        Self { cpu: between(self.cpu, other.cpu), memory: between(self.memory, other.memory) }
    }
}

impl From<Level> for Shape {
    fn from(Level { cpu, memory }: Level) -> Self {
        Self::Constant { cpu, memory }
    }
}

// === impl Curve ===

impl Curve {
    /// From one level to another in a straight line, and there it stays.
    pub fn ramp(from: Level, to: Level, over: Duration) -> Self {
        Self::through([(Duration::ZERO, from), (over, to)], None)
    }

    /// Up and down as a sine, which is drawn with 32 straight lines a period.
    pub fn wave(low: Level, high: Level, period: Duration) -> Self {
        let lines = 4 * (SINE.len() - 1);
        let points = (0..=lines).map(|line| {
            let at = period * u32::try_from(line).unwrap_or(0) / u32::try_from(lines).unwrap_or(1);
            (at, low.towards(high, ONE - cosine(line), 2 * ONE))
        });
        Self::through(points, Some(period))
    }

    /// At the peak for so long, and then at the base, once or again and again.
    pub fn spike(base: Level, peak: Level, length: Duration, every: Option<Duration>) -> Self {
        Self::through([(Duration::ZERO, peak), (length, peak), (length, base)], every)
    }

    /// From step to step at random between two levels; after 512 steps all the way back.
    pub fn walk(low: Level, high: Level, step: Duration, seed: u64) -> Self {
        let random = Random::seeded(seed);
        let place = || i128::from(random.u16()) * ONE / i128::from(u16::MAX);
        let mut at = place();
        let mut there: Vec<i128> = vec![at];
        while there.len() < WALK {
            // A fifth of the way at most, and back from the ends.
            at = (at + (place() - ONE / 2) * 2 / 5).abs();
            at = if at > ONE { 2 * ONE - at } else { at };
            there.push(at);
        }
        let and_back: Vec<i128> = there.iter().rev().copied().collect();
        let places = there.into_iter().chain(and_back);
        let times = (0_u32..).map(|number| step * number);
        let length = step * u32::try_from(2 * WALK - 1).unwrap_or(u32::MAX);
        Self::through(times.zip(places.map(|place| low.towards(high, place, ONE))), Some(length))
    }

    /// Straight to a level, where it is killed and restarts, again and again.
    pub fn leak(from: Level, to: Level, over: Duration) -> Self {
        let points = [(Duration::ZERO, from), (over, to)];
        Self { restarts: true, ..Self::through(points, Some(over)) }
    }

    /// Straight lines through all of these, in order of time.
    pub(super) fn through(
        points: impl IntoIterator<Item = (Duration, Level)>,
        period: Option<Duration>,
    ) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let mut curve = Self { points: Vec::new(), period: None, restarts: false };
        for (at, level) in points {
            let at = micros(at);
            if curve.points.is_empty() && at > 0 {
                curve.points.push(Point { at: 0, level, used: 0 });
            }
            let used = curve.points.last().map_or(0, |last| {
                let sum = u128::from(last.level.cpu) + u128::from(level.cpu);
                last.used.saturating_add(sum * u128::from(at.saturating_sub(last.at)))
            });
            curve.points.push(Point { at, level, used });
        }
        curve.period = period.map(micros).filter(|period| *period > 0);
        curve
    }

    /// CPU used in its first `nanos` nanoseconds, in nanocores times nanoseconds.
    pub(super) fn cpu_within(&self, nanos: u128) -> u128 {
        let (times, rest) = self.split(nanos / NANOS);
        let whole = self.period.map_or(0, |period| self.used_twice(period));
        let twice = times.saturating_mul(whole).saturating_add(self.used_twice(rest));
        twice.saturating_mul(NANOS) / 2
    }

    pub(super) fn memory_at(&self, nanos: u128) -> u64 {
        let (_, rest) = self.split(nanos / NANOS);
        match self.line(rest) {
            None => 0,
            Some((from, None)) => from.level.memory,
            Some((from, Some(to))) => interpolate(
                from.level.memory,
                to.level.memory,
                i128::from(rest - from.at),
                i128::from(to.at - from.at),
            ),
        }
    }

    pub(super) fn last_restart(&self, nanos: u128) -> Option<u128> {
        let period = self.period.filter(|_| self.restarts)?;
        let (times, _) = self.split(nanos / NANOS);
        (times > 0).then(|| times * u128::from(period) * NANOS)
    }

    /// How many whole periods, and how far into the next one.
    fn split(&self, micros: u128) -> (u128, u64) {
        let narrow = |micros| u64::try_from(micros).unwrap_or(u64::MAX);
        match self.period.map(u128::from) {
            None => (0, narrow(micros)),
            Some(period) => (micros / period, narrow(micros % period)),
        }
    }

    /// The points before and after a moment.
    fn line(&self, micros: u64) -> Option<(Point, Option<Point>)> {
        let next = self.points.partition_point(|point| point.at <= micros);
        let from = self.points.get(next.checked_sub(1)?)?;
        Some((*from, self.points.get(next).copied()))
    }

    /// Twice the CPU used, in nanocores times microseconds, rounded down.
    fn used_twice(&self, micros: u64) -> u128 {
        let Some((from, to)) = self.line(micros) else { return 0 };
        let passed = u128::from(micros - from.at);
        let even = 2 * u128::from(from.level.cpu) * passed;
        let slope = to.map_or(0, |to| {
            let rise = i128::from(to.level.cpu) - i128::from(from.level.cpu);
            let square = i128::try_from(passed * passed).unwrap_or(i128::MAX);
            rise.saturating_mul(square).div_euclid(i128::from(to.at - from.at))
        });
        from.used.saturating_add(even).saturating_add_signed(slope)
    }
}

impl From<Curve> for Shape {
    fn from(curve: Curve) -> Self {
        Self::Curve(Arc::new(curve))
    }
}

/// The cosine of this many thirty-seconds of a circle, in millionths.
fn cosine(line: usize) -> i128 {
    let quarter = SINE.len() - 1;
    let within = line % quarter;
    match line / quarter % 4 {
        0 => SINE[quarter - within],
        1 => -SINE[within],
        2 => -SINE[quarter - within],
        _ => SINE[within],
    }
}

fn interpolate(from: u64, to: u64, part: i128, of: i128) -> u64 {
    let rise = (i128::from(to) - i128::from(from)).saturating_mul(part).div_euclid(of.max(1));
    u64::try_from(i128::from(from) + rise).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: u64 = 1_000_000_000;

    fn level(millicores: u64, memory: u64) -> Level {
        Level { cpu: millicores * 1_000_000, memory }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Core-milliseconds used until a moment in milliseconds.
    fn used(curve: &Curve, millis: u64) -> u128 {
        curve.cpu_within(u128::from(millis) * 1_000_000) / u128::from(CORE) / 1_000_000
    }

    fn memory(curve: &Curve, second: u64) -> u64 {
        curve.memory_at(u128::from(second) * 1_000_000_000)
    }

    #[test]
    fn a_ramp_is_a_triangle_and_then_a_rectangle() {
        let ramp = Curve::ramp(level(0, 100), level(1_000, 200), seconds(10));
        let seen: Vec<_> = [0, 5, 10, 20].map(|s| (used(&ramp, s * 1000), memory(&ramp, s))).into();
        assert_eq!(seen, [(0, 100), (1_250, 150), (5_000, 200), (15_000, 200)]);
        let down = Curve::ramp(level(1_000, 200), level(0, 100), seconds(10));
        assert_eq!((used(&down, 5_000), used(&down, 20_000)), (3_750, 5_000));
        assert_eq!(memory(&down, 5), 150);
    }

    #[test]
    fn a_wave_uses_its_mean_in_each_period() {
        let wave = Curve::wave(level(0, 0), level(1_000, 1_000), seconds(60));
        assert_eq!([0, 15, 30, 45, 60].map(|s| memory(&wave, s)), [0, 500, 1_000, 500, 0]);
        for period in [1, 2, 1_440, 1_000_000] {
            assert_eq!(used(&wave, 60_000 * period), u128::from(30_000 * period));
        }
    }

    #[test]
    fn a_spike_occurs_once_or_repeatedly() {
        let (base, peak) = (level(100, 1), level(1_000, 9));
        let once = Curve::spike(base, peak, seconds(10), None);
        assert_eq!((used(&once, 20_000), memory(&once, 9), memory(&once, 10)), (11_000, 9, 1));
        let often = Curve::spike(base, peak, seconds(10), Some(seconds(60)));
        assert_eq!((used(&often, 120_000), memory(&often, 65)), (30_000, 9));
    }

    #[test]
    fn a_walk_stays_within_its_levels_and_is_the_same_for_a_seed() {
        let walk = |seed| Curve::walk(level(100, 10), level(200, 1_000), seconds(1), seed);
        let places: Vec<_> = (0..2_000).map(|second| memory(&walk(7), second)).collect();
        assert!(places.iter().all(|memory| (10..=1_000).contains(memory)));
        assert!(places.iter().max() > Some(&700) && places.iter().min() < Some(&300));
        assert_eq!(walk(7), walk(7));
        assert_ne!(walk(7), walk(8));
        assert_eq!(memory(&walk(7), 1_023), memory(&walk(7), 0), "back where it began");
    }

    #[test]
    fn counters_of_all_curves_only_grow() {
        let (low, high) = (level(0, 0), level(1_999, 0));
        for curve in [
            Curve::ramp(high, low, Duration::from_millis(777)),
            Curve::wave(low, high, Duration::from_millis(333)),
            Curve::spike(low, high, seconds(1), Some(seconds(3))),
            Curve::walk(low, high, Duration::from_millis(10), 1),
            Curve::leak(high, low, Duration::from_millis(101)),
        ] {
            let counters = (0..20_000).map(|millis| curve.cpu_within(millis * 1_000_000));
            assert!(counters.is_sorted(), "{curve:?}");
        }
    }
}
