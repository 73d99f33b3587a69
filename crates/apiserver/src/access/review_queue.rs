//! Reviews wait in a queue that is bounded and fair: callers take turns, and a caller that sends
//! many requests waits behind its own.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Reviews at a time. Each needs a connection to the API server: a flood of invalid tokens must
/// not reach it.
const CONCURRENT: usize = 32;

/// Reviews that wait, of all callers.
const WAITING: usize = 256;

/// Reviews of one caller that wait: less than all, so that some places are always free for others.
const WAITING_PER_CALLER: usize = 64;

/// Who causes a review.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    /// A client that is not authenticated.
    Address(Option<IpAddr>),
    /// An authenticated user.
    User(String),
}

/// Runs reviews one after the other.
#[derive(Clone)]
pub(super) struct ReviewQueue(Arc<Mutex<State>>);

/// A review that may run, until it is dropped.
pub(super) struct Turn(ReviewQueue);

/// There are too many reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overloaded;

#[derive(Default)]
struct State {
    running: usize,
    waiting: usize,
    /// Only callers with waiting reviews, oldest review first.
    callers: BTreeMap<Caller, VecDeque<Waiting>>,
    /// The same callers in the order of their turns.
    order: VecDeque<Caller>,
    serial: u64,
}

struct Waiting {
    serial: u64,
    start: oneshot::Sender<Turn>,
}

/// A place in the queue. It is removed when its caller stops waiting.
struct Place {
    queue: ReviewQueue,
    caller: Caller,
    serial: u64,
}

// === impl ReviewQueue ===

impl ReviewQueue {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Waits for a turn. When the queue is full, the caller with the most waiting reviews loses the
    /// newest one.
    pub(super) async fn turn(&self, caller: Caller) -> Result<Turn, Overloaded> {
        let (start, started) = oneshot::channel();
        let serial = {
            let mut state = self.0.lock();
            if state.running < CONCURRENT {
                state.running += 1;
                return Ok(Turn(self.clone()));
            }
            state.push(&caller, start)?
        };
        let _place = Place { queue: self.clone(), caller, serial };
        started.await.map_err(|_| Overloaded)
    }
}

// === impl State ===

impl State {
    fn push(&mut self, caller: &Caller, start: oneshot::Sender<Turn>) -> Result<u64, Overloaded> {
        let own = self.callers.get(caller).map_or(0, VecDeque::len);
        if own >= WAITING_PER_CALLER {
            return Err(Overloaded);
        }
        if self.waiting >= WAITING {
            let longest = self.callers.iter().max_by_key(|(_, waiting)| waiting.len());
            let (longest, length) =
                longest.map(|(caller, all)| (caller.clone(), all.len())).ok_or(Overloaded)?;
            if length <= own + 1 {
                return Err(Overloaded);
            }
            let newest =
                self.callers.get(&longest).and_then(|all| all.back()).map(|one| one.serial);
            if let Some(serial) = newest {
                self.remove(&longest, serial);
            }
        }
        self.serial += 1;
        let serial = self.serial;
        if own == 0 {
            self.order.push_back(caller.clone());
        }
        self.callers.entry(caller.clone()).or_default().push_back(Waiting { serial, start });
        self.waiting += 1;
        Ok(serial)
    }

    /// Removes a waiting review; dropping its sender notifies the caller.
    fn remove(&mut self, caller: &Caller, serial: u64) {
        let Some(waiting) = self.callers.get_mut(caller) else { return };
        let before = waiting.len();
        waiting.retain(|one| one.serial != serial);
        self.waiting -= before - waiting.len();
        if waiting.is_empty() {
            self.callers.remove(caller);
            self.order.retain(|other| other != caller);
        }
    }

    /// The review that runs when one has ended.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(caller) = self.order.pop_front() {
            let Some(waiting) = self.callers.get_mut(&caller) else { continue };
            let first = waiting.pop_front();
            if waiting.is_empty() {
                self.callers.remove(&caller);
            } else {
                self.order.push_back(caller);
            }
            let Some(first) = first else { continue };
            self.waiting -= 1;
            return Some(first.start);
        }
        self.running -= 1;
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = self.0.0.lock().next();
        if let Some(next) = next {
            // Where the caller has stopped waiting, dropping the turn passes it on.
            let _ = next.send(Self(self.0.clone()));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.0.lock().remove(&self.caller, self.serial);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures::FutureExt;

    use super::*;

    type Waits = Pin<Box<dyn Future<Output = Result<Turn, Overloaded>>>>;

    struct Queue(ReviewQueue);

    impl Queue {
        fn full() -> (Self, Vec<Turn>) {
            let queue = ReviewQueue::new();
            let caller = Caller::User("first".to_owned());
            let turn = || queue.turn(caller.clone()).now_or_never().unwrap().ok().unwrap();
            let turns = (0..CONCURRENT).map(|_| turn()).collect();
            (Self(queue), turns)
        }

        fn wait(&self, caller: &str) -> Waits {
            let (queue, caller) = (self.0.clone(), Caller::User(caller.to_owned()));
            let mut waits: Waits = Box::pin(async move { queue.turn(caller).await });
            // Polled once, it is in the queue.
            match waits.as_mut().now_or_never() {
                Some(ended) => Box::pin(async { ended }),
                None => waits,
            }
        }
    }

    /// Whether a review may run, is refused, or still waits.
    fn state(waits: &mut Waits) -> &'static str {
        match waits.as_mut().now_or_never() {
            Some(Ok(_)) => "runs",
            Some(Err(Overloaded)) => "refused",
            None => "waits",
        }
    }

    #[test]
    fn callers_take_turns() {
        let (queue, mut turns) = Queue::full();
        let mut many: Vec<_> = (0..10).map(|_| queue.wait("many")).collect();
        let mut few = queue.wait("few");
        drop(turns.drain(..2));
        assert_eq!(state(&mut few), "runs");
        assert_eq!(state(&mut many[0]), "runs");
    }

    #[test]
    fn one_caller_has_a_share_of_the_queue() {
        let (queue, _turns) = Queue::full();
        let mut many: Vec<_> = (0..=WAITING_PER_CALLER).map(|_| queue.wait("many")).collect();
        assert_eq!(state(many.last_mut().unwrap()), "refused");
        assert_eq!(state(&mut queue.wait("few")), "waits");
    }

    #[test]
    fn a_full_queue_drops_the_newest_review_of_the_caller_with_the_most() {
        let (queue, turns) = Queue::full();
        let callers = WAITING / WAITING_PER_CALLER;
        let mut many: Vec<_> =
            (0..WAITING).map(|at| queue.wait(&format!("many-{}", at % callers))).collect();
        let mut few = queue.wait("few");
        assert_eq!(
            many.iter_mut().filter_map(|waits| (state(waits) == "refused").then_some(())).count(),
            1
        );
        assert_eq!(state(&mut few), "waits");
        drop(many);
        drop(turns);
        assert_eq!(state(&mut few), "runs");
        let State { running, waiting, .. } = &*queue.0.0.lock();
        assert_eq!((*running, *waiting), (0, 0), "nothing is left behind");
    }
}
