//! A cache of review results. Requests that need the same review at the same time share one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Entries of the cache. A cluster has a few dozen clients of this API; the limit is for clients
/// that send random tokens.
const LIMIT: usize = 4096;

/// The hash of a review: an entry shows no token, and its size does not depend on the review's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key([u8; 32]);

/// Makes keys with a secret, so that no client can compute the key of a token.
#[derive(Debug)]
pub(super) struct Hasher(hmac::Key);

/// Results of reviews by their keys.
pub(super) struct Cache<V, E> {
    limit: usize,
    state: Mutex<State<V, E>>,
}

/// A result and how long it stays cached. Zero: not at all.
pub(super) struct Cached<V> {
    pub(super) value: V,
    pub(super) ttl: Duration,
}

type Lookup<V, E> = Shared<BoxFuture<'static, Result<V, E>>>;
type WeakLookup<V, E> = WeakShared<BoxFuture<'static, Result<V, E>>>;

struct State<V, E> {
    entries: BTreeMap<Key, Entry<V>>,
    /// The same by expiry, then by age, so that eviction does not depend on keys.
    by_expiry: BTreeSet<(Instant, u64, Key)>,
    lookups: BTreeMap<Key, (u64, WeakLookup<V, E>)>,
    serial: u64,
}

struct Entry<V> {
    value: V,
    expires: Instant,
    serial: u64,
}

/// Removes a lookup when it ends or is dropped.
struct RemoveLookup<V: Clone, E: Clone> {
    cache: Arc<Cache<V, E>>,
    key: Key,
    serial: u64,
}

// === impl Hasher ===

impl Hasher {
    /// With a random secret.
    pub(super) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &secret)))
    }

    pub(super) fn key(&self, review: &[u8]) -> Key {
        let mut key = [0; 32];
        key.copy_from_slice(hmac::sign(&self.0, review).as_ref());
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
            by_expiry: BTreeSet::new(),
            lookups: BTreeMap::new(),
            serial: 0,
        };
        Arc::new(Self { limit, state: Mutex::new(state) })
    }

    /// The result for `key`: from the cache, from a lookup in flight, or from `lookup`. Errors are
    /// not cached.
    pub(super) async fn get_or_lookup(
        self: &Arc<Self>,
        key: Key,
        lookup: impl Future<Output = Result<Cached<V>, E>> + Send + 'static,
    ) -> Result<V, E> {
        let shared = {
            let mut state = self.state.lock();
            if let Some(entry) =
                state.entries.get(&key).filter(|entry| Instant::now() < entry.expires)
            {
                return Ok(entry.value.clone());
            }
            let under_way = state.lookups.get(&key).and_then(|(_, lookup)| lookup.upgrade());
            under_way.unwrap_or_else(|| {
                state.serial += 1;
                let remove = RemoveLookup { cache: self.clone(), key, serial: state.serial };
                let shared: Lookup<V, E> = remove.after(lookup).boxed().shared();
                if let Some(weak) = shared.downgrade() {
                    let serial = state.serial;
                    state.lookups.insert(key, (serial, weak));
                }
                shared
            })
        };
        shared.await
    }

    fn insert(&self, key: Key, cached: &Cached<V>) {
        if cached.ttl.is_zero() {
            return;
        }
        let mut state = self.state.lock();
        state.remove(key);
        while state.entries.len() >= self.limit {
            let Some((_, _, soonest)) = state.by_expiry.pop_first() else { break };
            state.entries.remove(&soonest);
        }
        state.serial += 1;
        let serial = state.serial;
        let expires = Instant::now() + cached.ttl;
        state.by_expiry.insert((expires, serial, key));
        state.entries.insert(key, Entry { value: cached.value.clone(), expires, serial });
    }
}

// === impl State ===

impl<V, E> State<V, E> {
    fn remove(&mut self, key: Key) {
        if let Some(Entry { expires, serial, .. }) = self.entries.remove(&key) {
            self.by_expiry.remove(&(expires, serial, key));
        }
    }
}

// === impl RemoveLookup ===

impl<V, E> RemoveLookup<V, E>
where
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    async fn after(
        self,
        lookup: impl Future<Output = Result<Cached<V>, E>> + Send,
    ) -> Result<V, E> {
        let cached = lookup.await?;
        self.cache.insert(self.key, &cached);
        Ok(cached.value)
    }
}

impl<V: Clone, E: Clone> Drop for RemoveLookup<V, E> {
    fn drop(&mut self) {
        let mut state = self.cache.state.lock();
        if state.lookups.get(&self.key).is_some_and(|(serial, _)| *serial == self.serial) {
            // Dropping the last handle of a lookup may drop another `RemoveLookup`: outside the lock.
            let removed = state.lookups.remove(&self.key);
            drop(state);
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests;
