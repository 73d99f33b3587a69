//! Random numbers: from the operating system, or from a seed in a simulated world.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use parking_lot::Mutex;

/// The one source of randomness: DNS message ids, audit ids, the spread of scrapes, jitter of
/// retries.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    /// Numbers cannot be predicted from those before them.
    System(SystemRandom),
    Seeded(Arc<Mutex<fastrand::Rng>>),
}

// === impl Random ===

impl Random {
    /// Numbers from the operating system.
    pub fn from_os() -> Self {
        Self(Source::System(SystemRandom::new()))
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)))))
    }

    /// Another sequence, which takes nothing out of this one.
    #[must_use]
    pub fn apart(&self) -> Self {
        match &self.0 {
            Source::System(_) => self.clone(),
            Source::Seeded(rng) => Self::seeded(!rng.lock().get_seed()),
        }
    }

    /// Any 16-bit number.
    pub fn u16(&self) -> u16 {
        match &self.0 {
            Source::System(system) => number(system) as u16,
            Source::Seeded(rng) => rng.lock().u16(..),
        }
    }

    /// A duration in whole milliseconds from zero to just below `limit`; zero when `limit` is
    /// under a millisecond. Whole, because tokio's timers round up to them.
    pub fn below(&self, limit: Duration) -> Duration {
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let Some(last) = limit.checked_sub(1) else { return Duration::ZERO };
        Duration::from_millis(match &self.0 {
            // Of 2^64 numbers, no limit in practice makes one visibly more likely.
            Source::System(system) => number(system) % (last + 1),
            Source::Seeded(rng) => rng.lock().u64(0..=last),
        })
    }
}

fn number(system: &SystemRandom) -> u64 {
    let mut bytes = [0; 8];
    match system.fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        // No Linux that runs containers lacks getrandom. If one did, hash tables would have got
        // their keys from the system in another way.
        Err(_) => RandomState::new().hash_one(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// IDs that an attacker could guess from others, or from the time at which the program started,
    /// would let the attacker answer in the place of a DNS server.
    #[test]
    fn a_program_has_the_numbers_of_the_system() {
        let random = Random::from_os();
        assert!(matches!(random.0, Source::System(_)));
        let numbers: BTreeSet<_> = (0..100).map(|_| random.u16()).collect();
        assert!(numbers.len() > 90, "{numbers:?}");
        let limit = Duration::from_millis(3);
        let delays: BTreeSet<_> = (0..100).map(|_| random.below(limit).as_millis()).collect();
        assert_eq!(delays, BTreeSet::from([0, 1, 2]));
        assert_eq!(random.below(Duration::from_micros(999)), Duration::ZERO);
    }

    #[test]
    fn a_simulated_world_has_the_same_numbers_for_the_same_seed() {
        let numbers = |seed| {
            let random = Random::seeded(seed);
            let delay = random.below(Duration::from_secs(4));
            ([random.u16(), random.u16()], delay)
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }
}
