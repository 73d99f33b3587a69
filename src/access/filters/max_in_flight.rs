//! Limits the requests in flight.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{MASTERS, Refusal, RequestInfo, Settings, User};

/// The limits; `None`, no limit.
pub(in crate::access) struct MaxInFlight {
    read_only: Option<Arc<Semaphore>>,
    mutating: Option<Arc<Semaphore>>,
}

/// Counts a request as in flight until it is dropped. None where the limits do not apply.
pub(in crate::access) type Permit = Option<OwnedSemaphorePermit>;

/// The paths of probes. Other requests must not make a kubelet restart this server.
const PROBES: [&str; 3] = ["/healthz", "/livez", "/readyz"];

// === impl MaxInFlight ===

impl MaxInFlight {
    pub(in crate::access) fn new(settings: &Settings) -> Self {
        let limit = |most: u64| {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
            (most > 0).then(|| Arc::new(Semaphore::new(most)))
        };
        Self {
            read_only: limit(settings.max_requests_in_flight),
            mutating: limit(settings.max_mutating_requests_in_flight),
        }
    }

    /// A permit for a request. The limits do not apply to probes nor to `system:masters`, who may
    /// have to repair something.
    pub(in crate::access) fn acquire(
        &self,
        user: &User,
        info: &RequestInfo,
    ) -> Result<Permit, Refusal> {
        if is_probe(info) {
            return Ok(None);
        }
        let read_only = matches!(info.verb(), "get" | "list" | "watch");
        let Some(limit) = (if read_only { &self.read_only } else { &self.mutating }) else {
            return Ok(None);
        };
        match limit.clone().try_acquire_owned() {
            Ok(permit) => Ok(Some(permit)),
            Err(_) if user.is_in(MASTERS) => Ok(None),
            Err(_) => Err(Refusal::TooManyRequests { user: Box::new(user.clone()) }),
        }
    }
}

fn is_probe(info: &RequestInfo) -> bool {
    let RequestInfo::NonResource { path, .. } = info else { return false };
    PROBES.iter().any(|probe| {
        path.strip_prefix(probe).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
