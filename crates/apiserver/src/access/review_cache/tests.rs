use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{sync::oneshot, time::advance};

use super::*;

type Texts = Cache<&'static str, &'static str>;

const TTL: Duration = Duration::from_secs(10);

fn key(number: u16) -> Key {
    let mut key = [0; 32];
    key[..2].copy_from_slice(&number.to_be_bytes());
    Key(key)
}

/// An immediate answer, which counts its lookups.
fn ask(
    asked: &Arc<AtomicUsize>,
    answer: Result<&'static str, &'static str>,
    ttl: Duration,
) -> impl Future<Output = Result<Cached<&'static str>, &'static str>> + Send + 'static {
    let asked = asked.clone();
    async move {
        asked.fetch_add(1, Ordering::Relaxed);
        answer.map(|value| Cached { value, ttl })
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_cached_for_its_ttl() {
    let (cache, asked) = (Texts::new(), Arc::default());
    for (wait, times) in [(0, 1), (9_999, 1), (1, 2)] {
        advance(Duration::from_millis(wait)).await;
        assert_eq!(cache.get_or_lookup(key(1), ask(&asked, Ok("yes"), TTL)).await, Ok("yes"));
        assert_eq!(asked.load(Ordering::Relaxed), times);
    }
    assert_eq!(cache.get_or_lookup(key(2), ask(&asked, Ok("other"), TTL)).await, Ok("other"));
}

#[tokio::test(start_paused = true)]
async fn errors_and_answers_without_a_ttl_are_not_cached() {
    let (cache, asked) = (Texts::new(), Arc::default());
    for _ in 0..2 {
        let _ = cache.get_or_lookup(key(1), ask(&asked, Err("down"), TTL)).await.unwrap_err();
        let _ = cache.get_or_lookup(key(2), ask(&asked, Ok("yes"), Duration::ZERO)).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    assert!(cache.state.lock().entries.is_empty() && cache.state.lock().by_expiry.is_empty());
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_entry_that_expires_first_is_evicted() {
    let (cache, asked) = (Texts::with_limit(3), Arc::default());
    for (number, seconds) in [(1, 3), (2, 1), (3, 2), (4, 5)] {
        let ttl = Duration::from_secs(seconds);
        cache.get_or_lookup(key(number), ask(&asked, Ok("yes"), ttl)).await.unwrap();
    }
    let known: Vec<_> = cache.state.lock().entries.keys().copied().collect();
    assert_eq!(known, [key(1), key(3), key(4)]);
    assert_eq!(cache.state.lock().by_expiry.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn concurrent_lookups_of_one_key_are_one() {
    let (cache, asked) = (Texts::new(), Arc::new(AtomicUsize::new(0)));
    let (answer, answered) = oneshot::channel();
    let counted = asked.clone();
    let first = tokio::spawn({
        let cache = cache.clone();
        async move {
            let ask = async move {
                counted.fetch_add(1, Ordering::Relaxed);
                Err(answered.await.unwrap())
            };
            cache.get_or_lookup(key(1), ask).await
        }
    });
    tokio::task::yield_now().await;
    let second = tokio::spawn({
        let (cache, asked) = (cache.clone(), asked.clone());
        async move { cache.get_or_lookup(key(1), ask(&asked, Ok("never"), TTL)).await }
    });
    tokio::task::yield_now().await;
    answer.send("down").unwrap();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Err("down"), Err("down")));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(cache.state.lock().lookups.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lookup_outlives_its_first_caller_and_ends_with_the_last() {
    let (cache, asked) = (Texts::new(), Arc::new(AtomicUsize::new(0)));
    let (answer, answered) = oneshot::channel();
    let begin = |cache: &Arc<Texts>, ask: BoxFuture<'static, _>| {
        let cache = cache.clone();
        tokio::spawn(async move { cache.get_or_lookup(key(1), ask).await })
    };
    let slow = async move { Ok(Cached { value: answered.await.unwrap(), ttl: TTL }) };
    let first = begin(&cache, slow.boxed());
    tokio::task::yield_now().await;
    let second = begin(&cache, ask(&asked, Ok("never"), TTL).boxed());
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    answer.send("yes").unwrap();
    assert_eq!(second.await.unwrap(), Ok("yes"));

    advance(TTL).await;
    let alone = begin(&cache, std::future::pending().boxed());
    tokio::task::yield_now().await;
    assert_eq!(cache.state.lock().lookups.len(), 1);
    alone.abort();
    assert!(alone.await.unwrap_err().is_cancelled());
    assert!(cache.state.lock().lookups.is_empty());
    assert_eq!(cache.get_or_lookup(key(1), ask(&asked, Ok("again"), TTL)).await, Ok("again"));
}
