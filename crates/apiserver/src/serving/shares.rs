//! A limited resource of which each response in flight has a share. When there is none left, the
//! response whose client has not read for longest is cut off.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::Exchange;
use parking_lot::Mutex;

/// A client that takes an answer does so within a round trip.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// All shares that are out.
#[derive(Debug)]
pub struct Shares<T>(Arc<Mutex<Out<T>>>);

#[derive(Debug)]
struct Out<T> {
    next: u64,
    by_id: BTreeMap<u64, (Exchange, T)>,
}

/// A share that an exchange has until this is dropped, or until the exchange gives way.
#[derive(Debug)]
pub struct Share<T> {
    id: u64,
    shares: Shares<T>,
}

// === impl Shares ===

impl<T> Shares<T> {
    /// Gives `share` to `exchange`.
    pub fn give(&self, exchange: Exchange, share: T) -> Share<T> {
        let mut out = self.0.lock();
        let id = out.next;
        out.next += 1;
        out.by_id.insert(id, (exchange, share));
        Share { id, shares: self.clone() }
    }

    /// Ends the exchange that has waited longest for its client, and takes its share; `None` when
    /// none has waited for as long as a slow network takes.
    pub fn take_back(&self) -> Option<T> {
        let mut out = self.0.lock();
        let waiting = out.by_id.iter().filter_map(|(id, (exchange, _))| {
            let since = exchange.waiting_since()?;
            (since.elapsed() >= ROUND_TRIP).then_some((since, *id))
        });
        let (_, id) = waiting.min()?;
        let (exchange, share) = out.by_id.remove(&id)?;
        exchange.cancel();
        Some(share)
    }
}

impl<T> Clone for Shares<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Shares<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Out { next: 0, by_id: BTreeMap::new() })))
    }
}

// === impl Share ===

impl<T> Drop for Share<T> {
    fn drop(&mut self) {
        // Dropped without the lock: what is shared may have a drop of its own.
        let share = self.shares.0.lock().by_id.remove(&self.id);
        drop(share);
    }
}
