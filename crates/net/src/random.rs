use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The one source of randomness: the spread of scrapes, jitter of retries, DNS question ids.
#[derive(Clone, Debug)]
pub struct Random(Arc<Mutex<fastrand::Rng>>);

// === impl Random ===

impl Random {
    /// Seeded by the operating system.
    pub fn from_os() -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::new())))
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// Another sequence, which takes nothing out of this one.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self::seeded(!self.with(|rng| rng.get_seed()))
    }

    /// Any 16-bit number.
    pub fn u16(&self) -> u16 {
        self.with(|rng| rng.u16(..))
    }

    /// A duration in whole milliseconds from zero to just below `limit`; zero when `limit` is
    /// under a millisecond. Whole, because tokio's timers round up to them.
    pub fn below(&self, limit: Duration) -> Duration {
        match u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) {
            0 => Duration::ZERO,
            limit => Duration::from_millis(self.with(|rng| rng.u64(0..limit))),
        }
    }

    fn with<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
