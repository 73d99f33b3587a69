//! Limits the requests in flight.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    access::{MASTERS, Refusal, RequestInfo, Settings, User},
    serving::{Exchange, Share, Shares},
};

/// The limits; `None`, no limit.
pub(in crate::access) struct MaxInFlight {
    read_only: Option<Limit>,
    mutating: Option<Limit>,
}

/// A limit, and the permits that requests hold.
struct Limit {
    free: Arc<Semaphore>,
    held: Shares<OwnedSemaphorePermit>,
}

/// Counts a request as in flight until it is dropped. None where the limits do not apply.
pub(in crate::access) type Permit = Option<Share<OwnedSemaphorePermit>>;

/// The paths of probes.
const PROBES: [&str; 3] = ["/healthz", "/livez", "/readyz"];

// === impl MaxInFlight ===

impl MaxInFlight {
    pub(in crate::access) fn new(settings: &Settings) -> Self {
        let limit = |most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
            (most > 0)
                .then(|| Limit { free: Arc::new(Semaphore::new(most)), held: Shares::default() })
        };
        Self {
            read_only: limit(settings.max_requests_in_flight),
            mutating: limit(settings.max_mutating_requests_in_flight),
        }
    }

    /// A permit for a request. The limits do not apply to `system:masters`, who may have to repair
    /// something. A client that does not read its response loses its permit to the next request.
    pub(in crate::access) fn acquire(
        &self,
        user: &User,
        info: &RequestInfo,
        exchange: Option<&Exchange>,
    ) -> Result<Permit, Refusal> {
        let read_only = matches!(info.verb(), "get" | "list" | "watch");
        let Some(limit) = (if read_only { &self.read_only } else { &self.mutating }) else {
            return Ok(None);
        };
        let free = limit.free.clone().try_acquire_owned().ok();
        match free.or_else(|| limit.held.take_back()) {
            Some(permit) => {
                let exchange = exchange.cloned().unwrap_or_else(Exchange::begin);
                Ok(Some(limit.held.give(exchange, permit)))
            }
            None if user.is_in(MASTERS) => Ok(None),
            None => Err(Refusal::TooManyRequests { user: Some(Box::new(user.clone())) }),
        }
    }
}

/// Whether it is a probe of a kubelet: exactly, since any longer path can need a review.
pub(in crate::access) fn is_probe(info: &RequestInfo) -> bool {
    matches!(info, RequestInfo::NonResource { path, .. } if PROBES.contains(&path.as_str()))
}
