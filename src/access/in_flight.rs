//! How many requests are answered at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Attributes, MASTERS, Refusal, Settings, User};
use crate::serving::{Exchange, Share, Shares};

/// The limits: `None`, no limit.
pub(super) struct InFlight {
    reading: Option<Limit>,
    writing: Option<Limit>,
}

/// A limit, and the requests that count.
struct Limit {
    free: Arc<Semaphore>,
    out: Shares<OwnedSemaphorePermit>,
}

/// A request's place among those that are answered, until it is dropped.
pub(super) type Place = Option<Share<OwnedSemaphorePermit>>;

/// What kubelets ask: a crowd of others must not make them take this server for dead.
const PROBES: [&str; 3] = ["/healthz", "/livez", "/readyz"];

// === impl InFlight ===

impl InFlight {
    pub(super) fn new(settings: &Settings) -> Self {
        let limit = |most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
            (most > 0)
                .then(|| Limit { free: Arc::new(Semaphore::new(most)), out: Shares::default() })
        };
        Self {
            reading: limit(settings.max_requests_in_flight),
            writing: limit(settings.max_mutating_requests_in_flight),
        }
    }

    /// A place for a request. There always is one for masters, who may have to mend things, and
    /// for probes. Who does not take an answer does not keep others out.
    pub(super) fn enter(
        &self,
        user: &User,
        attributes: &Attributes,
        exchange: Option<&Exchange>,
    ) -> Result<Place, Refusal> {
        if is_probe(attributes) {
            return Ok(None);
        }
        let reads = matches!(attributes.verb(), "get" | "list" | "watch");
        let Some(limit) = (if reads { &self.reading } else { &self.writing }) else {
            return Ok(None);
        };
        let free = limit.free.clone().try_acquire_owned().ok();
        match free.or_else(|| limit.out.take_back()) {
            Some(place) => {
                let exchange = exchange.cloned().unwrap_or_else(Exchange::begin);
                Ok(Some(limit.out.give(exchange, place)))
            }
            None if user.is_in(MASTERS) => Ok(None),
            None => Err(Refusal::TooMany { user: Box::new(user.clone()) }),
        }
    }
}

fn is_probe(attributes: &Attributes) -> bool {
    let Attributes::Path { path, .. } = attributes else { return false };
    PROBES.iter().any(|probe| {
        path.strip_prefix(probe).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
