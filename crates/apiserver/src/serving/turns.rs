//! Turns on the one thread. Handshakes and pieces of responses take up to a millisecond each, and
//! clients can have hundreds of them ready at once. If all ran in the same round of the scheduler,
//! a probe would wait for all of them in each of its steps: handshake, request and response. So
//! only one of each lane runs in a round.
//!
//! The alternative, a thread for serving, would not help against other clients. Turns are no
//! guarantee. In unoptimized builds, bursts of 500 handshakes from another address delayed probes
//! by 73 ms at the 99th percentile, and by 440 ms without turns; in a later run, bursts of 350
//! delayed them by 289 ms, and those from the same address by seconds. Scraping takes short steps:
//! of 5,000 kubelets, 25 are scraped every 20 ms, and each takes 0.2 ms.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    task::{JoinHandle, yield_now},
};

/// Grants turns.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    state: Arc<Mutex<State>>,
    /// The free turn has been taken.
    taken: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// The next caller need not wait.
    is_free: bool,
    /// No turns are granted any longer.
    is_over: bool,
    waiting: BTreeMap<u64, Waker>,
    handshakes: Queue,
    /// Of one source the newest handshake is next, and not the oldest.
    is_for_the_newest: bool,
    finishing: Queue,
    http1: Queue,
    streams: VecDeque<u64>,
}

/// Those that wait, by source.
#[derive(Debug, Default)]
struct Queue {
    /// In the order of their turns.
    sources: VecDeque<IpAddr>,
    by_source: BTreeMap<IpAddr, VecDeque<u64>>,
}

/// Turns are granted for as long as this exists.
#[derive(Debug)]
pub(super) struct HandingOut {
    turns: Turns,
    task: JoinHandle<()>,
}

/// What waits together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The beginning of handshakes: sources take turns, so that one does not delay another. Of one
    /// source the newest and the oldest alternate: where there are more than the thread can do, the
    /// clients of older ones have timed out, and newer ones arrive all the time.
    Handshake(IpAddr),
    /// The rest of handshakes, which new handshakes do not delay: sources take turns.
    Finish(IpAddr),
    /// HTTP/1.1: sources take turns.
    Http1(IpAddr),
    /// Streams of HTTP/2, one after the other.
    Stream,
}

/// A task that needs turns.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    lane: Lane,
    waits_as: Option<u64>,
}

// === impl Turns ===

impl Turns {
    pub(super) fn lane(&self, lane: Lane) -> Turn {
        Turn { turns: self.clone(), lane, waits_as: None }
    }

    /// Grants turns, one of each lane a round, until the returned value is dropped. Then no task
    /// waits any longer.
    pub(super) fn hand_out(&self) -> HandingOut {
        let turns = self.clone();
        let task = tokio::spawn(async move {
            loop {
                if !turns.state.lock().grant() {
                    turns.taken.notified().await;
                }
                yield_now().await;
            }
        });
        HandingOut { turns: self.clone(), task }
    }
}

// === impl HandingOut ===

impl Drop for HandingOut {
    fn drop(&mut self) {
        self.task.abort();
        let waiting = {
            let mut state = self.turns.state.lock();
            state.is_over = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }
}

// === impl State ===

impl State {
    /// False when no task waits.
    fn grant(&mut self) -> bool {
        let Self { waiting, handshakes, is_for_the_newest, finishing, http1, streams, .. } = self;
        *is_for_the_newest = !*is_for_the_newest;
        let end = if *is_for_the_newest { VecDeque::pop_back } else { VecDeque::pop_front };
        let handshake = wake_first(waiting, || handshakes.pop(end));
        let finish = wake_first(waiting, || finishing.pop(VecDeque::pop_front));
        let http1 = wake_first(waiting, || http1.pop(VecDeque::pop_front));
        let stream = wake_first(waiting, || streams.pop_front());
        self.is_free = !(handshake || finish || http1 || stream);
        !self.is_free
    }

    fn wait(&mut self, id: u64, lane: Lane) {
        match lane {
            Lane::Handshake(source) => self.handshakes.push(source, id),
            Lane::Finish(source) => self.finishing.push(source, id),
            Lane::Http1(source) => self.http1.push(source, id),
            Lane::Stream => self.streams.push_back(id),
        }
    }
}

/// Wakes the first task that still waits; false when there is none.
fn wake_first(waiting: &mut BTreeMap<u64, Waker>, mut next: impl FnMut() -> Option<u64>) -> bool {
    while let Some(id) = next() {
        if let Some(waker) = waiting.remove(&id) {
            waker.wake();
            return true;
        }
    }
    false
}

// === impl Queue ===

impl Queue {
    fn push(&mut self, source: IpAddr, id: u64) {
        let ids = self.by_source.entry(source).or_default();
        if ids.is_empty() {
            self.sources.push_back(source);
        }
        ids.push_back(id);
    }

    /// The next one of the source whose turn it is.
    fn pop(&mut self, next: impl FnOnce(&mut VecDeque<u64>) -> Option<u64>) -> Option<u64> {
        let source = self.sources.pop_front()?;
        let ids = self.by_source.get_mut(&source)?;
        let id = next(ids);
        if ids.is_empty() {
            self.by_source.remove(&source);
        } else {
            self.sources.push_back(source);
        }
        id
    }
}

// === impl Turn ===

impl Turn {
    /// From now on it waits there.
    pub(super) fn move_to(&mut self, lane: Lane) {
        self.lane = lane;
    }

    /// Ready when a turn for one poll is granted.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.turns.state.lock();
        if state.is_over {
            self.waits_as = None;
            return Poll::Ready(());
        }
        if let Some(id) = self.waits_as {
            if let Some(waker) = state.waiting.get_mut(&id) {
                waker.clone_from(context.waker());
                return Poll::Pending;
            }
            self.waits_as = None;
            return Poll::Ready(());
        }
        if state.is_free {
            state.is_free = false;
            self.turns.taken.notify_one();
            return Poll::Ready(());
        }
        let id = state.next;
        state.next += 1;
        state.waiting.insert(id, context.waker().clone());
        state.wait(id, self.lane);
        self.waits_as = Some(id);
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(id) = self.waits_as {
            self.turns.state.lock().waiting.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Has turns taken and notes who takes them.
    fn take(
        turns: &Turns,
        lane: Lane,
        name: &'static str,
        count: usize,
        log: &Arc<Mutex<Vec<&'static str>>>,
    ) {
        for _ in 0..count {
            let (mut turn, log) = (turns.lane(lane), log.clone());
            tokio::spawn(async move {
                poll_fn(|context| turn.poll(context)).await;
                log.lock().push(name);
            });
        }
    }

    /// The scheduler runs 61 tasks at most before it comes back.
    async fn let_all_run() {
        for _ in 0..10 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn sources_take_turns_and_streams_do_not_delay_them() {
        let (turns, log) = (Turns::default(), Arc::default());
        let source = |host| Lane::Http1(IpAddr::from([192, 0, 2, host]));
        take(&turns, Lane::Stream, "stream", 100, &log);
        take(&turns, source(1), "crowd", 100, &log);
        take(&turns, source(2), "probe", 2, &log);
        let _handing_out = turns.hand_out();
        while log.lock().len() < 202 {
            yield_now().await;
        }
        let log = log.lock();
        let last_probe = log.iter().rposition(|name| *name == "probe").unwrap();
        assert!(last_probe < 10, "{log:?}");
        assert!(log[..20].contains(&"stream") && log[..20].contains(&"crowd"), "{log:?}");
    }

    #[tokio::test]
    async fn of_one_source_the_newest_and_the_oldest_handshake_alternate() {
        let (turns, log) = (Turns::default(), Arc::default());
        let source = IpAddr::from([192, 0, 2, 1]);
        take(&turns, Lane::Handshake(source), "oldest", 1, &log);
        take(&turns, Lane::Handshake(source), "crowd", 100, &log);
        take(&turns, Lane::Handshake(source), "newest", 1, &log);
        take(&turns, Lane::Finish(source), "finishing", 1, &log);
        let_all_run().await;
        let _handing_out = turns.hand_out();
        while log.lock().len() < 3 {
            yield_now().await;
        }
        let mut first = log.lock()[..3].to_vec();
        first.sort_unstable();
        assert_eq!(first, ["finishing", "newest", "oldest"]);
    }

    #[tokio::test]
    async fn no_task_waits_when_turns_are_no_longer_granted() {
        let (turns, log) = (Turns::default(), Arc::default());
        let handing_out = turns.hand_out();
        take(&turns, Lane::Stream, "stream", 100, &log);
        let_all_run().await;
        drop(handing_out);
        let_all_run().await;
        assert_eq!(log.lock().len(), 100);
    }

    #[tokio::test]
    async fn a_task_that_stops_waiting_leaves_its_turn_to_others() {
        let turns = Turns::default();
        let mut first = turns.lane(Lane::Stream);
        let mut second = turns.lane(Lane::Stream);
        let mut third = turns.lane(Lane::Stream);
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.poll(&mut context).is_pending() && second.poll(&mut context).is_pending());
        drop(first);
        assert!(turns.state.lock().grant());
        assert!(second.poll(&mut context).is_ready());
        assert!(!turns.state.lock().grant());
        assert!(third.poll(&mut context).is_ready(), "nothing else waits");
    }
}
