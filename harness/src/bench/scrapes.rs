use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// In slices of this length the load of a cycle is looked at, in milliseconds.
const SLICE: u128 = 100;

/// What kubelets saw of a metrics server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scrapes {
    /// Scrapes that were answered.
    pub(crate) answered: usize,
    /// The cycles in order.
    pub(crate) cycles: Vec<Spread>,
}

/// The distribution of a cycle's scrapes in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spread {
    /// Scrapes that were answered.
    pub(crate) answered: usize,
    /// From the first to the last.
    pub(crate) seconds: f64,
    /// How many were answered in the busiest tenth of a second.
    pub(crate) busiest: usize,
}

// === impl Scrapes ===

impl Scrapes {
    /// Separates cycles by pauses longer than `pause`. The times are in order.
    pub(crate) fn of(times: &[Instant], pause: Duration) -> Self {
        let cycles = times.chunk_by(|one, next| next.duration_since(*one) <= pause);
        Self { answered: times.len(), cycles: cycles.map(Spread::of).collect() }
    }
}

// === impl Spread ===

impl Spread {
    fn of(times: &[Instant]) -> Self {
        let since = |time: &Instant| time.duration_since(times[0]);
        let slices = times.chunk_by(|one, next| {
            since(one).as_millis() / SLICE == since(next).as_millis() / SLICE
        });
        Self {
            answered: times.len(),
            seconds: times.last().map_or(0.0, |last| since(last).as_secs_f64()),
            busiest: slices.map(<[Instant]>::len).max().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_separated_by_their_pauses() {
        let start = Instant::now();
        let times: Vec<_> = [0, 30, 90, 150, 900, 15_000, 15_050]
            .map(|millis| start + Duration::from_millis(millis))
            .to_vec();
        let scrapes = Scrapes::of(&times, Duration::from_secs(5));
        assert_eq!(scrapes.answered, 7);
        assert_eq!(
            scrapes.cycles,
            [
                Spread { answered: 5, seconds: 0.9, busiest: 3 },
                Spread { answered: 2, seconds: 0.05, busiest: 2 },
            ]
        );
        assert_eq!(Scrapes::of(&[], Duration::ZERO), Scrapes::default());
    }
}
