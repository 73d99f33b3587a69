//! Room for the bodies that are read at the same time.
//!
//! Where there is none left, the body that would take up most has to go: so a kubelet that says no
//! end of things harms itself, and how much the others may say does not depend on it.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use prometheus::IntGaugeVec;
use tokio::sync::Notify;

/// A body that wants more than this fails where there is no room and none that is larger; a
/// smaller one waits.
const LARGE: usize = 1 << 20;

/// Room for bodies.
#[derive(Clone)]
pub(super) struct Room(Arc<Shared>);

struct Shared {
    /// Bytes.
    limit: usize,
    places: Mutex<Places>,
    /// What bodies take up in fact, and the most that it ever was.
    taken: AtomicUsize,
    most_taken: AtomicUsize,
    /// Shows `most_taken` once there was no room for somebody.
    shown: IntGaugeVec,
}

#[derive(Default)]
struct Places {
    /// Bytes that are held.
    held: usize,
    /// From the oldest to the newest.
    claims: BTreeMap<u64, Claim>,
    next: u64,
}

struct Claim {
    held: usize,
    /// At least what is held.
    wanted: usize,
    news: Arc<News>,
}

/// What whoever reads a body is told by others.
#[derive(Default)]
struct News {
    must_go: AtomicBool,
    any: Notify,
}

/// One body's share, given back when it is dropped.
pub(super) struct Place {
    room: Room,
    id: u64,
    news: Arc<News>,
    taken: usize,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

enum Answer {
    Granted,
    Wait,
    Never,
}

// === impl Room ===

impl Room {
    /// Room for so many bytes.
    pub(super) fn new(limit: usize, shown: IntGaugeVec) -> Self {
        let (taken, most_taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Shared { limit, places: Mutex::default(), taken, most_taken, shown }))
    }

    /// All the room there is, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.0.limit
    }

    /// A place that holds nothing yet.
    pub(super) fn enter(&self) -> Place {
        let news = Arc::new(News::default());
        let mut places = self.places();
        let id = places.next;
        places.next += 1;
        places.claims.insert(id, Claim { held: 0, wanted: 0, news: news.clone() });
        drop(places);
        Place { room: self.clone(), id, news, taken: 0 }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let most = i64::try_from(self.0.most_taken.load(Relaxed)).unwrap_or(i64::MAX);
        self.0.shown.with_label_values::<&str>(&[]).set(most);
    }
}

// === impl Place ===

impl Place {
    /// Waits until there is room for `wanted` bytes in all.
    pub(super) async fn grow(&self, wanted: usize) -> Result<(), NoRoom> {
        loop {
            let answer = self.room.places().claim(self.id, wanted, self.room.limit());
            match answer {
                Answer::Granted => return Ok(()),
                Answer::Wait => self.room.show(),
                Answer::Never => {
                    self.room.show();
                    return Err(NoRoom);
                }
            }
            self.news.any.notified().await;
        }
    }

    /// Waits until this body has to make room for smaller ones.
    pub(super) async fn must_go(&self) {
        while !self.news.must_go.load(Relaxed) {
            self.news.any.notified().await;
        }
    }

    /// So many bytes are taken up in fact.
    pub(super) fn take(&mut self, bytes: usize) {
        let shared = &self.room.0;
        shared.taken.fetch_sub(self.taken, Relaxed);
        let all = shared.taken.fetch_add(bytes, Relaxed) + bytes;
        shared.most_taken.fetch_max(all, Relaxed);
        self.taken = bytes;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.take(0);
        self.room.places().leave(self.id, self.room.limit());
    }
}

// === impl Places ===

impl Places {
    fn claim(&mut self, id: u64, wanted: usize, limit: usize) -> Answer {
        let Some(claim) = self.claims.get_mut(&id) else { return Answer::Never };
        if claim.news.must_go.load(Relaxed) || wanted > limit {
            return Answer::Never;
        }
        claim.wanted = wanted;
        let more = wanted.saturating_sub(claim.held);
        if self.held + more <= limit {
            claim.held += more;
            self.held += more;
            return Answer::Granted;
        }
        let is_going = |claim: &&Claim| claim.news.must_go.load(Relaxed);
        let going: usize = self.claims.values().filter(is_going).map(|claim| claim.held).sum();
        let mut missing = (self.held + more - limit).saturating_sub(going);
        while missing > 0 {
            let largest = self
                .claims
                .iter()
                .filter(|(_, other)| !is_going(other) && other.wanted > wanted)
                .max_by_key(|(id, other)| (other.wanted, Reverse(**id)));
            let Some((_, largest)) = largest else {
                return if wanted > LARGE { Answer::Never } else { self.break_tie() };
            };
            largest.news.must_go.store(true, Relaxed);
            largest.news.any.notify_one();
            missing = missing.saturating_sub(largest.held);
        }
        Answer::Wait
    }

    /// Where all that hold something wait for more, none would ever leave: the one that wants most,
    /// and of those the newest, makes room.
    fn break_tie(&self) -> Answer {
        let stays = |claim: &Claim| claim.held > 0 && !claim.news.must_go.load(Relaxed);
        let holders = self.claims.iter().filter(|(_, claim)| stays(claim));
        if holders.clone().all(|(_, claim)| claim.wanted > claim.held)
            && let Some((_, last)) = holders.max_by_key(|(id, claim)| (claim.wanted, **id))
        {
            last.news.must_go.store(true, Relaxed);
            last.news.any.notify_one();
        }
        Answer::Wait
    }

    fn leave(&mut self, id: u64, limit: usize) {
        let Some(gone) = self.claims.remove(&id) else { return };
        self.held -= gone.held;
        // Those that want least come first.
        let mut waiting: Vec<_> =
            self.claims.values().filter(|claim| claim.wanted > claim.held).collect();
        waiting.sort_by_key(|claim| claim.wanted);
        let mut free = limit.saturating_sub(self.held);
        for (at, claim) in waiting.into_iter().enumerate() {
            let left = free.checked_sub(claim.wanted - claim.held);
            // The first one asks again, for now all others may be waiting too.
            if left.is_some() || at == 0 {
                claim.news.any.notify_one();
            }
            let Some(left) = left else { return };
            free = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use prometheus::Opts;

    use super::*;

    const KIB: usize = 1 << 10;

    fn room(limit: usize) -> Room {
        Room::new(limit, IntGaugeVec::new(Opts::new("most", "Most."), &[]).unwrap())
    }

    fn grown(place: &Place, bytes: usize) -> Option<Result<(), NoRoom>> {
        place.grow(bytes).now_or_never()
    }

    #[test]
    fn the_largest_goes_when_a_smaller_one_comes() {
        let room = room(256 * KIB);
        let (large, larger, small) = (room.enter(), room.enter(), room.enter());
        assert_eq!(grown(&large, 100 * KIB), Some(Ok(())));
        assert_eq!(grown(&larger, 150 * KIB), Some(Ok(())));
        assert_eq!(grown(&small, 48 * KIB), None, "it waits for the other to go");
        assert!(larger.must_go().now_or_never().is_some());
        assert!(large.must_go().now_or_never().is_none());
        assert_eq!(grown(&larger, 160 * KIB), Some(Err(NoRoom)));
        drop(larger);
        assert_eq!(grown(&small, 48 * KIB), Some(Ok(())));
    }

    #[test]
    fn the_small_wait_and_the_large_fail_where_none_is_larger() {
        let room = room(2048 * KIB);
        let (one, two) = (room.enter(), room.enter());
        assert_eq!(grown(&one, 1500 * KIB), Some(Ok(())));
        assert_eq!(grown(&two, 1500 * KIB), Some(Err(NoRoom)));
        assert_eq!(grown(&two, 4096 * KIB), Some(Err(NoRoom)), "more than all");
        let (three, four) = (room.enter(), room.enter());
        assert_eq!(grown(&three, 548 * KIB), Some(Ok(())));
        drop(two);
        drop(one);
        assert_eq!(grown(&three, 1000 * KIB), Some(Ok(())));
        assert_eq!(grown(&four, 1000 * KIB), Some(Ok(())));
        let five = room.enter();
        assert_eq!(grown(&five, 1000 * KIB), None);
        drop(three);
        assert_eq!(grown(&five, 1000 * KIB), Some(Ok(())));
    }

    #[tokio::test]
    async fn where_all_wait_for_each_other_the_newest_goes() {
        let room = room(200 * KIB);
        let places = [(); 4].map(|()| room.enter());
        for place in &places {
            assert_eq!(grown(place, 50 * KIB), Some(Ok(())));
        }
        let waiting = places.map(|place| {
            tokio::spawn(async move {
                let grown = place.grow(100 * KIB).await;
                // Reading what there is room for takes until all others have asked.
                tokio::task::yield_now().await;
                grown
            })
        });
        let mut grown = Vec::new();
        for one in waiting {
            grown.push(one.await.unwrap());
        }
        assert_eq!(grown, [Ok(()), Ok(()), Ok(()), Err(NoRoom)]);
    }

    #[tokio::test]
    async fn who_waits_is_woken_the_smallest_first() {
        let room = room(100 * KIB);
        let (all, more, less) = (room.enter(), room.enter(), room.enter());
        assert_eq!(grown(&all, 40 * KIB), Some(Ok(())));
        assert_eq!(grown(&more, 40 * KIB), Some(Ok(())));
        let more = tokio::spawn(async move { more.grow(90 * KIB).await });
        tokio::task::yield_now().await;
        let less = tokio::spawn(async move { less.grow(30 * KIB).await });
        assert_eq!(less.await.unwrap(), Ok(()), "one that only wants more makes room for it");
        assert_eq!(more.await.unwrap(), Err(NoRoom));
    }
}
