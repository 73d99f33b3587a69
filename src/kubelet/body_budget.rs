//! The memory for the bodies that are read at the same time: a semaphore of KiB.
//!
//! A body waits for its first piece while it holds nothing, and never waits once it holds some, so
//! that no two can wait for each other. It may grow only while half of the memory stays free for
//! first pieces: bodies without end fail when they need more, and the others find memory for
//! theirs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use prometheus::IntGaugeVec;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a permit: a semaphore counts no more than `u32` of them at once.
const UNIT: usize = 1 << 10;

/// Memory for bodies.
#[derive(Clone)]
pub(super) struct BodyBudget {
    semaphore: Arc<Semaphore>,
    /// Bytes.
    limit: usize,
    /// Permits that must stay free when a body grows.
    reserve: usize,
    /// The most permits that were ever in use.
    peak: Arc<AtomicUsize>,
    /// Shows `peak` once the limit was reached.
    shown: IntGaugeVec,
}

/// One body's share, given back when it is dropped.
pub(super) struct Share {
    budget: BodyBudget,
    permit: OwnedSemaphorePermit,
}

// === impl BodyBudget ===

impl BodyBudget {
    /// Memory of `limit` bytes, for bodies of no more than `body` bytes each.
    pub(super) fn new(limit: usize, body: usize, shown: IntGaugeVec) -> Self {
        let permits = units(limit);
        Self {
            semaphore: Arc::new(Semaphore::new(permits)),
            limit,
            reserve: (permits / 2).min(permits.saturating_sub(units(body))),
            peak: Arc::default(),
            shown,
        }
    }

    /// Bytes of all bodies.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Waits until there are `bytes` for a first piece.
    pub(super) async fn first(&self, bytes: usize) -> Share {
        if self.semaphore.available_permits() < units(bytes) {
            self.show();
        }
        let permits = u32::try_from(units(bytes)).unwrap_or(u32::MAX);
        let acquired = self.semaphore.clone().acquire_many_owned(permits).await;
        // The semaphore is never closed.
        let permit = match acquired {
            Ok(permit) => permit,
            Err(_) => std::future::pending().await,
        };
        self.note_peak();
        Share { budget: self.clone(), permit }
    }

    fn note_peak(&self) {
        let used = units(self.limit).saturating_sub(self.semaphore.available_permits());
        self.peak.fetch_max(used, Relaxed);
    }

    fn show(&self) {
        let bytes = (self.peak.load(Relaxed) * UNIT).min(self.limit);
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.shown.with_label_values::<&str>(&[]).set(bytes);
    }
}

// === impl Share ===

impl Share {
    /// Takes as much more as makes `bytes` in all; false at the limit.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let BodyBudget { semaphore, reserve, .. } = &self.budget;
        let more = units(bytes).saturating_sub(self.permit.num_permits());
        if semaphore.available_permits() >= more.saturating_add(*reserve)
            && let Ok(more) = u32::try_from(more)
            && let Ok(more) = semaphore.clone().try_acquire_many_owned(more)
        {
            self.permit.merge(more);
            self.budget.note_peak();
            return true;
        }
        self.budget.show();
        false
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use prometheus::Opts;

    use super::*;

    const KIB: usize = 1 << 10;

    fn budget(limit: usize, body: usize) -> BodyBudget {
        BodyBudget::new(limit, body, IntGaugeVec::new(Opts::new("most", "Most."), &[]).unwrap())
    }

    #[test]
    fn bodies_that_grow_leave_half_for_first_pieces() {
        let budget = budget(256 * KIB, 64 * KIB);
        let mut first = budget.first(48 * KIB).now_or_never().unwrap();
        assert!(first.grow(128 * KIB));
        assert!(!first.grow(129 * KIB), "half of it is for others");
        let others = [(); 2].map(|()| budget.first(64 * KIB).now_or_never().unwrap());
        assert!(budget.first(1).now_or_never().is_none(), "all is in use");
        drop(others);
        assert!(budget.first(1).now_or_never().is_some());
    }

    #[test]
    fn one_body_may_use_the_whole_budget_where_the_limits_allow_it() {
        let budget = budget(64 * KIB, 64 * KIB);
        let mut only = budget.first(KIB).now_or_never().unwrap();
        assert!(only.grow(64 * KIB));
        assert!(!only.grow(65 * KIB));
    }

    #[tokio::test]
    async fn first_pieces_are_reserved_in_the_order_of_their_requests() {
        let budget = budget(100 * KIB, 100 * KIB);
        let mut all = budget.first(40 * KIB).await;
        let waiting = budget.first(90 * KIB);
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(!all.grow(50 * KIB), "one that waits comes before one that grows");
        drop(all);
        waiting.await;
    }
}
