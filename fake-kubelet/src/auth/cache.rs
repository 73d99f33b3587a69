//! Results of reviews, kept for a while.

use std::{borrow::Borrow, collections::BTreeMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// No kubelet has so many clients: the limit is for clients that try tokens at random.
const LIMIT: usize = 1024;

/// Results with a time to live.
pub(super) struct Cache<K, V>(Mutex<BTreeMap<K, Entry<V>>>);

struct Entry<V> {
    value: V,
    until: Instant,
}

// === impl Cache ===

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entries = self.0.lock();
        let entry = entries.get(key).filter(|entry| Instant::now() < entry.until)?;
        Some(entry.value.clone())
    }

    pub(super) fn insert(&self, key: K, value: V, ttl: Duration) {
        let now = Instant::now();
        let mut entries = self.0.lock();
        if entries.len() >= LIMIT {
            entries.retain(|_, entry| now < entry.until);
        }
        if entries.len() >= LIMIT {
            let soonest = entries.iter().min_by_key(|(_, entry)| entry.until);
            if let Some(key) = soonest.map(|(key, _)| key.clone()) {
                entries.remove(&key);
            }
        }
        entries.insert(key, Entry { value, until: now + ttl });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_entry_that_expires_first_is_evicted() {
        let cache = Cache::default();
        for key in 0..LIMIT {
            cache.insert(key, (), Duration::from_secs(if key == 500 { 1 } else { 2 }));
        }
        cache.insert(LIMIT, (), Duration::from_secs(2));
        assert_eq!(
            (cache.get(&500), cache.get(&501), cache.get(&LIMIT)),
            (None, Some(()), Some(()))
        );
        assert_eq!(cache.0.lock().len(), LIMIT);
        tokio::time::advance(Duration::from_secs(3)).await;
        cache.insert(0, (), Duration::from_secs(1));
        assert_eq!(cache.0.lock().len(), 1);
    }
}
