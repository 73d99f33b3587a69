use std::time::Duration;

use kube::runtime::utils::Backoff as KubeBackoff;
use net::Random;
use tokio::time::Instant;

/// client-go's reflectors retry from 800 ms to 30 s.
const FIRST: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_secs(30);

/// After this long without a failure the next one counts as the first, as in client-go. A
/// successful answer alone does not: the watcher reports one before each attempt to list.
const FORGIVEN: Duration = Duration::from_mins(2);

/// How long to wait before the next request to the API server: doubling, with up to as much again
/// in jitter, so that servers that lost it together do not return together. kube's own backoff
/// takes its jitter from the system, not from `crates/net`.
pub struct Backoff {
    next: Duration,
    last_failure: Option<Instant>,
    random: Random,
}

// === impl Backoff ===

impl Backoff {
    /// From the beginning.
    pub fn new(random: Random) -> Self {
        Self { next: FIRST, last_failure: None, random }
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.last_failure.is_some_and(|last| last.elapsed() >= FORGIVEN) {
            self.next = FIRST;
        }
        let wait = self.next + self.random.below(self.next);
        self.next = (self.next * 2).min(LONGEST);
        self.last_failure = Some(Instant::now() + wait);
        Some(wait)
    }
}

impl KubeBackoff for Backoff {
    fn reset(&mut self) {}
}
