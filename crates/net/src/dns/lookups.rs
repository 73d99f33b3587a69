//! Lookups shared by all callers with the same name: thousands of nodes may be behind one.
//!
//! Go's resolver shares a lookup between callers at the same time, and caches nothing. Here "the
//! same time" is a few seconds long, because scrapes are spread over some: a response is not kept
//! from one cycle to the next, so that a changed address is used as soon as Go would use it.

use std::{collections::BTreeMap, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use parking_lot::Mutex;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout},
};

use super::{LookupError, progress::Progress};

/// The most that an answer lives, even if its records live longer.
pub(super) const LONGEST_LIFE: Duration = Duration::from_secs(5);

/// How long a failure is kept: RFC 9520 requires at least one second.
const FAILURE_LIFE: Duration = Duration::from_secs(1);

/// The most answers that are kept.
const MOST_KEPT: usize = 10_000;

/// The limit of lookups that are in flight at the same time, each with up to two sockets. A lookup
/// that has not ended after [`QUICK`] counts among the slow ones instead, so that name servers that
/// do not answer do not delay other lookups; where the limit of slow ones is reached, it ends.
const MOST_QUICK: usize = 1024;
const MOST_SLOW: usize = 2048;
const QUICK: Duration = Duration::from_millis(250);

/// The addresses of a name, and how long they are good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) life: Duration,
    /// The name that has them, with the search domain that led to it.
    pub(super) name: Option<Arc<str>>,
}

/// The result of a lookup.
pub(super) type Answer = Result<Found, LookupError>;

/// All lookups that are in flight or were a moment ago.
pub(super) struct Lookups {
    known: Mutex<Known>,
    quick: Semaphore,
    slow: Semaphore,
}

#[derive(Default)]
struct Known {
    flights: BTreeMap<String, Flight>,
    /// Distinguishes flights of the same name.
    last: u64,
    kept: BTreeMap<String, (Instant, Answer)>,
    swept: Option<Instant>,
}

/// A lookup, which ends when its last caller has stopped waiting.
struct Flight {
    number: u64,
    lookup: WeakShared<BoxFuture<'static, Answer>>,
    progress: Arc<Progress>,
}

/// Removes a flight from the list when it is over: it has ended, or no caller waits for it.
struct Listed {
    lookups: Arc<Lookups>,
    name: String,
    number: u64,
}

// === impl Lookups ===

impl Lookups {
    pub(super) fn new() -> Self {
        Self {
            known: Mutex::default(),
            quick: Semaphore::new(MOST_QUICK),
            slow: Semaphore::new(MOST_SLOW),
        }
    }

    /// What is known of `name`, or else what comes of the lookup that is in flight, or else of the
    /// one that `begin` makes. After `deadline`, what it has come to until then.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        name: &str,
        deadline: Instant,
        begin: impl FnOnce(Arc<Progress>) -> F,
    ) -> Result<Vec<IpAddr>, LookupError>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let (lookup, progress) = {
            let mut known = self.known.lock();
            if let Some((until, answer)) = known.kept.get(name)
                && Instant::now() < *until
            {
                return answer.clone().map(|found| found.addresses);
            }
            let flight = known.flights.get(name);
            let shared =
                flight.and_then(|flight| Some((flight.lookup.upgrade()?, flight.progress.clone())));
            match shared {
                Some(shared) => shared,
                None => self.clone().take_off(&mut known, name, begin),
            }
        };
        tokio::select! {
            biased;
            // First, so that no more queries are sent at the very end.
            () = sleep_until(deadline) => progress.so_far(MOST_QUICK),
            answer = lookup => answer.map(|found| found.addresses),
        }
    }

    fn take_off<F>(
        self: Arc<Self>,
        known: &mut Known,
        name: &str,
        begin: impl FnOnce(Arc<Progress>) -> F,
    ) -> (Shared<BoxFuture<'static, Answer>>, Arc<Progress>)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        known.last += 1;
        let number = known.last;
        let progress = Arc::new(Progress::of(name));
        let listed = Listed { lookups: self, name: name.to_owned(), number };
        let (asking, so_far) = (begin(progress.clone()), progress.clone());
        let lookup = async move {
            let answer = listed.lookups.in_its_place(asking, &so_far).await;
            listed.lookups.known.lock().keep(&listed.name, &answer);
            answer
        };
        let lookup = lookup.boxed().shared();
        if let Some(weak) = lookup.downgrade() {
            let flight = Flight { number, lookup: weak, progress: progress.clone() };
            known.flights.insert(name.to_owned(), flight);
        }
        (lookup, progress)
    }

    async fn in_its_place(
        &self,
        asking: impl Future<Output = Answer>,
        progress: &Progress,
    ) -> Answer {
        // Neither semaphore is ever closed.
        let place = self.quick.acquire().await;
        let mut asking = pin!(asking);
        if let Ok(answer) = timeout(QUICK, asking.as_mut()).await {
            return answer;
        }
        let Ok(_slow) = self.slow.try_acquire() else {
            return progress.so_far(MOST_QUICK).map(|addresses| Found {
                addresses,
                life: Duration::ZERO,
                name: None,
            });
        };
        drop(place);
        asking.await
    }

    /// The last answer for `name`, if it was one and is still kept: the name that has addresses, and
    /// these.
    pub(super) fn last(&self, name: &str) -> Option<(Arc<str>, Vec<IpAddr>)> {
        let known = self.known.lock();
        let (_, answer) = known.kept.get(name)?;
        let found = answer.as_ref().ok()?;
        Some((found.name.clone()?, found.addresses.clone()))
    }

    /// How many answers are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.known.lock().kept.len()
    }
}

// === impl Known ===

impl Known {
    fn keep(&mut self, name: &str, answer: &Answer) {
        let now = Instant::now();
        let life = answer.as_ref().map_or(FAILURE_LIFE, |found| found.life.min(LONGEST_LIFE));
        if self.swept.is_none_or(|swept| now - swept >= LONGEST_LIFE) {
            self.kept.retain(|_, (until, _)| now < *until);
            self.swept = Some(now);
        }
        if !life.is_zero() && (self.kept.len() < MOST_KEPT || self.kept.contains_key(name)) {
            self.kept.insert(name.to_owned(), (now + life, answer.clone()));
        }
    }
}

// === impl Listed ===

impl Drop for Listed {
    fn drop(&mut self) {
        let mut known = self.lookups.known.lock();
        // Another caller may have started the next lookup of this name in between.
        if known.flights.get(&self.name).is_some_and(|flight| flight.number == self.number) {
            known.flights.remove(&self.name);
        }
    }
}
