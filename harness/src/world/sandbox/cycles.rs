//! Cycles of a program, seen from outside: it counts those that have ended, and how long they took.

use std::time::Duration;

use tokio::time::Instant;

/// What every metrics server counts its cycles with.
pub(super) const COUNT: &str = "metrics_server_manager_tick_duration_seconds_count";
pub(super) const SUM: &str = "metrics_server_manager_tick_duration_seconds_sum";

/// How soon after its start a program is queried: no cycle that counts has begun before.
const FRESH: Duration = Duration::from_secs(3);

/// What is known of the cycles of a program that runs.
pub(super) struct Cycles {
    started: Instant,
    /// No step has waited for any yet.
    is_fresh: bool,
    resolution: Duration,
    /// The last one that was seen to end.
    last: Option<Ended>,
}

/// Some cycles have ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    count: u64,
    sum: f64,
    /// When the last of them began.
    began: Instant,
}

// === impl Cycles ===

impl Cycles {
    /// Of a program that has started just now.
    pub(super) fn new(resolution: Duration) -> Self {
        Self { started: Instant::now(), is_fresh: true, resolution, last: None }
    }

    pub(super) fn resolution(&self) -> Duration {
        self.resolution
    }

    /// Records what the program reports now.
    pub(super) fn see(&mut self, count: u64, sum: f64) {
        let before = self.last.map_or((0, 0.0), |last| (last.count, last.sum));
        if count > before.0 {
            let took = (sum - before.1) / (count - before.0) as f64;
            let took = Duration::try_from_secs_f64(took).unwrap_or_default();
            let now = Instant::now();
            let began = now.checked_sub(took).unwrap_or(now);
            self.last = Some(Ended { count, sum, began });
        }
    }

    /// How many have ended.
    pub(super) fn ended(&self) -> u64 {
        self.last.map_or(0, |last| last.count)
    }

    /// Whether it has just started, and this is the first query: then all of its cycles are waited
    /// for.
    pub(super) fn is_first(&mut self) -> bool {
        std::mem::take(&mut self.is_fresh) && self.started.elapsed() < FRESH
    }

    /// How many have begun. One in progress follows from the time: cycles begin regularly.
    pub(super) fn begun(&self) -> u64 {
        match self.last {
            None => 1,
            Some(last) => {
                let since = last.began.elapsed().as_secs_f64();
                let more = since / self.resolution.as_secs_f64().max(1.0);
                last.count + more as u64
            }
        }
    }
}
