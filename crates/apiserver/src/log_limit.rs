//! Logs without a line for each event, where clients can cause any number of events.

use std::{collections::BTreeMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// A cause that continues is logged again after this time.
const LOG_AGAIN: Duration = Duration::from_mins(5);

/// Causes that are counted separately. All others count as one.
const LIMIT: usize = 50;

/// Decides for each cause when it is logged: once, and while it continues every five minutes.
pub(crate) struct LogLimit<K>(Mutex<Causes<K>>);

struct Causes<K> {
    known: BTreeMap<K, Cause>,
    others: Option<Cause>,
}

struct Cause {
    logged: Instant,
    last: Instant,
    /// Events since it was logged.
    unlogged: u64,
}

// === impl LogLimit ===

impl<K> Default for LogLimit<K> {
    fn default() -> Self {
        Self(Mutex::new(Causes { known: BTreeMap::new(), others: None }))
    }
}

impl<K: Ord> LogLimit<K> {
    /// The number of events of this cause to log, if it is time to log.
    pub(crate) fn due(&self, key: K) -> Option<u64> {
        let now = Instant::now();
        let mut causes = self.0.lock();
        let Causes { known, others } = &mut *causes;
        if known.len() >= LIMIT && !known.contains_key(&key) {
            known.retain(|_, cause| now.duration_since(cause.last) < LOG_AGAIN);
        }
        let is_known = known.len() < LIMIT || known.contains_key(&key);
        let cause = if is_known { known.get_mut(&key) } else { others.as_mut() };
        if let Some(cause) = cause {
            return cause.again(now);
        }
        let new = Cause { logged: now, last: now, unlogged: 0 };
        if is_known {
            known.insert(key, new);
        } else {
            *others = Some(new);
        }
        Some(1)
    }
}

// === impl Cause ===

impl Cause {
    fn again(&mut self, now: Instant) -> Option<u64> {
        self.last = now;
        self.unlogged += 1;
        (now.duration_since(self.logged) >= LOG_AGAIN).then(|| {
            self.logged = now;
            std::mem::take(&mut self.unlogged)
        })
    }
}
