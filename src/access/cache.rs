//! What the API server said is remembered for a while, and asked once by all who want to know at
//! the same time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use tokio::time::Instant;

/// Answers that are remembered at a time. A cluster has a few dozen callers of this API; the bound
/// is there for those who try tokens or names at random.
const LIMIT: usize = 4096;

/// A question, hashed: what is remembered shows no token, and takes the same space however long
/// the question was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key([u8; 32]);

/// Makes keys that nobody else can compute, so that nobody can look for tokens in memory or aim
/// at somebody's answer.
#[derive(Debug)]
pub(super) struct Hasher(hmac::Key);

/// Answers to questions, or the error that all who asked together got.
pub(super) struct Cache<V, E> {
    limit: usize,
    state: Mutex<State<V, E>>,
}

/// An answer and how long it holds; nothing is remembered of one that does not hold at all.
pub(super) struct Answer<V> {
    pub(super) value: V,
    pub(super) holds: Duration,
}

type Lookup<V, E> = Shared<BoxFuture<'static, Result<V, E>>>;
type WeakLookup<V, E> = WeakShared<BoxFuture<'static, Result<V, E>>>;

struct State<V, E> {
    entries: BTreeMap<Key, Entry<V>>,
    /// The same in the order in which they end; those that end together in the order of their
    /// coming, so that what makes room does not depend on keys.
    ends: BTreeSet<(Instant, u64, Key)>,
    lookups: BTreeMap<Key, (u64, WeakLookup<V, E>)>,
    serial: u64,
}

struct Entry<V> {
    value: V,
    until: Instant,
    serial: u64,
}

/// Forgets a lookup when it ends, be it because nobody waits for it any more.
struct Forget<V: Clone, E: Clone> {
    cache: Arc<Cache<V, E>>,
    key: Key,
    serial: u64,
}

// === impl Hasher ===

impl Hasher {
    /// With a secret of its own. There is no going on without randomness.
    pub(super) fn new() -> Result<Self, ring::error::Unspecified> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &secret)))
    }

    pub(super) fn key(&self, question: &[u8]) -> Key {
        let mut key = [0; 32];
        key.copy_from_slice(hmac::sign(&self.0, question).as_ref());
        Key(key)
    }
}

// === impl Cache ===

impl<V, E> Cache<V, E>
where
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Arc<Self> {
        Self::with_limit(LIMIT)
    }

    fn with_limit(limit: usize) -> Arc<Self> {
        let state = State {
            entries: BTreeMap::new(),
            ends: BTreeSet::new(),
            lookups: BTreeMap::new(),
            serial: 0,
        };
        Arc::new(Self { limit, state: Mutex::new(state) })
    }

    /// The answer to the question `key`: one that still holds, that of a lookup under way, or what
    /// `ask` finds out. Errors are not remembered.
    pub(super) async fn answer(
        self: &Arc<Self>,
        key: Key,
        ask: impl Future<Output = Result<Answer<V>, E>> + Send + 'static,
    ) -> Result<V, E> {
        let lookup = {
            let mut state = self.state();
            if let Some(entry) =
                state.entries.get(&key).filter(|entry| Instant::now() < entry.until)
            {
                return Ok(entry.value.clone());
            }
            let under_way = state.lookups.get(&key).and_then(|(_, lookup)| lookup.upgrade());
            under_way.unwrap_or_else(|| {
                state.serial += 1;
                let forget = Forget { cache: self.clone(), key, serial: state.serial };
                let lookup: Lookup<V, E> = forget.after(ask).boxed().shared();
                if let Some(weak) = lookup.downgrade() {
                    let serial = state.serial;
                    state.lookups.insert(key, (serial, weak));
                }
                lookup
            })
        };
        lookup.await
    }

    fn state(&self) -> MutexGuard<'_, State<V, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, key: Key, answer: &Answer<V>) {
        if answer.holds.is_zero() {
            return;
        }
        let mut state = self.state();
        state.forget(key);
        while state.entries.len() >= self.limit {
            let Some((_, _, soonest)) = state.ends.pop_first() else { break };
            state.entries.remove(&soonest);
        }
        state.serial += 1;
        let serial = state.serial;
        let until = Instant::now() + answer.holds;
        state.ends.insert((until, serial, key));
        state.entries.insert(key, Entry { value: answer.value.clone(), until, serial });
    }
}

// === impl State ===

impl<V, E> State<V, E> {
    fn forget(&mut self, key: Key) {
        if let Some(Entry { until, serial, .. }) = self.entries.remove(&key) {
            self.ends.remove(&(until, serial, key));
        }
    }
}

// === impl Forget ===

impl<V, E> Forget<V, E>
where
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    async fn after(self, ask: impl Future<Output = Result<Answer<V>, E>> + Send) -> Result<V, E> {
        let answer = ask.await?;
        self.cache.remember(self.key, &answer);
        Ok(answer.value)
    }
}

impl<V: Clone, E: Clone> Drop for Forget<V, E> {
    fn drop(&mut self) {
        let mut state = self.cache.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.lookups.get(&self.key).is_some_and(|(serial, _)| *serial == self.serial) {
            // Dropping the last handle of a lookup may drop another `Forget`: outside the lock.
            let removed = state.lookups.remove(&self.key);
            drop(state);
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests;
