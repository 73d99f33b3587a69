//! Turns at the one thread. Handshakes and pieces of answers take up to a millisecond each, and
//! clients can have hundreds of them ready at once. If all ran in the same round of the scheduler,
//! a probe would wait for all of them in each step of its way: for its handshake, its request and its
//! answer. So in a round only one runs of each lane, and a probe waits for a few milliseconds.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::{sync::Notify, task::yield_now};

/// Hands out turns.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    state: Arc<Mutex<State>>,
    /// The free turn has been taken.
    taken: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Whoever comes need not wait.
    is_free: bool,
    waiting: BTreeMap<u64, Waker>,
    /// The sources that wait, in the order of their turns.
    sources: VecDeque<IpAddr>,
    by_source: BTreeMap<IpAddr, VecDeque<u64>>,
    streams: VecDeque<u64>,
}

/// What waits together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Handshakes and HTTP/1.1: sources take turns, so that one does not keep another one waiting.
    Source(IpAddr),
    /// Streams of HTTP/2, one after the other.
    Stream,
}

/// One that needs turns.
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

    /// Hands out turns for good, one of each lane a round.
    pub(super) async fn run(&self) {
        loop {
            if !self.lock().grant() {
                self.taken.notified().await;
            }
            yield_now().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    /// False when nobody waits.
    fn grant(&mut self) -> bool {
        let from_source = self.grant_source();
        let from_stream = self.grant_stream();
        self.is_free = !from_source && !from_stream;
        !self.is_free
    }

    fn grant_source(&mut self) -> bool {
        while let Some(source) = self.sources.pop_front() {
            let Some(ids) = self.by_source.get_mut(&source) else { continue };
            let id = ids.pop_front();
            if ids.is_empty() {
                self.by_source.remove(&source);
            } else {
                self.sources.push_back(source);
            }
            if let Some(waker) = id.and_then(|id| self.waiting.remove(&id)) {
                waker.wake();
                return true;
            }
        }
        false
    }

    fn grant_stream(&mut self) -> bool {
        while let Some(id) = self.streams.pop_front() {
            if let Some(waker) = self.waiting.remove(&id) {
                waker.wake();
                return true;
            }
        }
        false
    }
}

// === impl Turn ===

impl Turn {
    /// Ready when there is a turn for one poll of something.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.turns.lock();
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
        match self.lane {
            Lane::Stream => state.streams.push_back(id),
            Lane::Source(source) => {
                let ids = state.by_source.entry(source).or_default();
                ids.push_back(id);
                if ids.len() == 1 {
                    state.sources.push_back(source);
                }
            }
        }
        self.waits_as = Some(id);
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(id) = self.waits_as {
            self.turns.lock().waiting.remove(&id);
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
                log.lock().unwrap().push(name);
            });
        }
    }

    #[tokio::test]
    async fn sources_take_turns_and_streams_do_not_keep_them_waiting() {
        let (turns, log) = (Turns::default(), Arc::default());
        let source = |host| Lane::Source(IpAddr::from([192, 0, 2, host]));
        take(&turns, Lane::Stream, "stream", 100, &log);
        take(&turns, source(1), "crowd", 100, &log);
        take(&turns, source(2), "probe", 2, &log);
        let running = tokio::spawn({
            let turns = turns.clone();
            async move { turns.run().await }
        });
        while log.lock().unwrap().len() < 202 {
            yield_now().await;
        }
        running.abort();
        let log = log.lock().unwrap();
        let last_probe = log.iter().rposition(|name| *name == "probe").unwrap();
        assert!(last_probe < 10, "{log:?}");
        assert!(log[..20].contains(&"stream") && log[..20].contains(&"crowd"), "{log:?}");
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_the_turn_to_others() {
        let turns = Turns::default();
        let mut first = turns.lane(Lane::Stream);
        let mut second = turns.lane(Lane::Stream);
        let mut third = turns.lane(Lane::Stream);
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.poll(&mut context).is_pending() && second.poll(&mut context).is_pending());
        drop(first);
        assert!(turns.lock().grant());
        assert!(second.poll(&mut context).is_ready());
        assert!(!turns.lock().grant());
        assert!(third.poll(&mut context).is_ready(), "nobody else waits");
    }
}
