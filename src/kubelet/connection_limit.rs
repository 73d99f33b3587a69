//! The limit of connections to kubelets. Clients need open files too: a listener that has none left
//! cannot accept probes.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// A fraction of the limit (one in this number) is for connections that are being made: the others
/// may be kept from one scrape to the next.
const PART_TO_MAKE: usize = 4;

/// The limit, and the connections that count.
#[derive(Clone, Debug)]
pub(super) struct ConnectionLimit {
    free: Arc<Semaphore>,
    to_make: usize,
}

/// One connection, as long as it is open.
#[derive(Debug)]
pub(super) struct Slot {
    limit: ConnectionLimit,
    _permit: OwnedSemaphorePermit,
}

// === impl ConnectionLimit ===

impl Default for ConnectionLimit {
    /// No limit.
    fn default() -> Self {
        Self::of(Semaphore::MAX_PERMITS)
    }
}

impl ConnectionLimit {
    pub(super) fn of(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let to_make = if most == Semaphore::MAX_PERMITS { 0 } else { most.div_ceil(PART_TO_MAKE) };
        Self { free: Arc::new(Semaphore::new(most)), to_make }
    }

    /// Waits for a connection of another scrape to end, if need be; `None` when `deadline` comes
    /// first.
    pub(super) async fn acquire(&self, deadline: Instant) -> Option<Slot> {
        // The semaphore is never closed.
        let permit = timeout_at(deadline, self.free.clone().acquire_owned()).await.ok()?.ok()?;
        Some(Slot { limit: self.clone(), _permit: permit })
    }
}

// === impl Slot ===

impl Slot {
    /// Whether the connection may stay open without a request.
    pub(super) fn may_stay(&self) -> bool {
        self.limit.free.available_permits() >= self.limit.to_make
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn some_connections_can_always_be_made() {
        let limit = ConnectionLimit::of(8);
        let deadline = || Instant::now() + Duration::from_secs(1);
        let mut kept = Vec::new();
        for _ in 0..20 {
            let slot = limit.acquire(deadline()).await.unwrap();
            if slot.may_stay() {
                kept.push(slot);
            }
        }
        assert_eq!(kept.len(), 6);
        let made = [limit.acquire(deadline()).await, limit.acquire(deadline()).await];
        assert!(made.iter().all(Option::is_some));
        assert!(limit.acquire(deadline()).await.is_none());
        drop(made);
        assert!(limit.acquire(deadline()).await.is_some());
        assert!(ConnectionLimit::default().acquire(deadline()).await.unwrap().may_stay());
    }
}
