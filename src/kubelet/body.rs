//! Bodies of answers, read within bounds: of each one, and of all that are read at the same time.

use std::{ops::Deref, sync::Arc};

use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::error::{self, BodyError};

/// A body of 30 pods with two containers each is 40 KB.
const USUAL_BODY: usize = 48 << 10;

/// What memory is shared out in.
const PAGE: usize = 4 << 10;

/// A body that is larger than this fails where there is no room left, and makes some by that; a
/// smaller one waits. So it is large bodies that suffer from large bodies.
const LARGE: usize = 1 << 20;

/// How much is believed of what a kubelet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Bytes of all bodies that are read at the same time.
    pub bodies: usize,
    /// Series of nodes and containers in a body.
    pub series: usize,
    /// Bytes of a label's value.
    pub label: usize,
}

/// Room for bodies.
#[derive(Clone)]
pub(super) struct Room {
    limits: Limits,
    pages: Arc<Semaphore>,
}

/// A body, which takes up room until it is dropped.
pub(super) struct Body {
    bytes: Vec<u8>,
    taken: Option<OwnedSemaphorePermit>,
}

// === impl Limits ===

impl Default for Limits {
    /// 500 pods of 20 containers make about 5 MB and 30,000 series; Kubernetes allows names of 253
    /// bytes.
    fn default() -> Self {
        Self { body: 32 << 20, bodies: 256 << 20, series: 100_000, label: 256 }
    }
}

// === impl Room ===

impl Room {
    pub(super) fn new(limits: Limits) -> Self {
        let pages = (limits.bodies / PAGE).min(Semaphore::MAX_PERMITS);
        Self { limits, pages: Arc::new(Semaphore::new(pages)) }
    }

    /// Reads a body of no more than `limit` bytes, or else the limit of all.
    pub(super) async fn read(
        &self,
        mut body: Incoming,
        limit: Option<usize>,
        deadline: Instant,
    ) -> Result<Body, BodyError> {
        let limit = limit.unwrap_or(self.limits.body);
        if body.size_hint().lower() > limit as u64 {
            return Err(BodyError::TooLarge { limit });
        }
        let mut whole = Body { bytes: Vec::new(), taken: None };
        self.grow(&mut whole, USUAL_BODY.min(limit), deadline).await?;
        loop {
            match timeout_at(deadline, body.frame()).await {
                Err(_) => return Err(BodyError::Timeout),
                Ok(None) => return Ok(whole),
                Ok(Some(Err(error))) => return Err(error::cut_off(&error)),
                Ok(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let length = whole.len() + data.len();
                    if length > limit {
                        return Err(BodyError::TooLarge { limit });
                    }
                    if length > whole.bytes.capacity() {
                        let doubled = whole.bytes.capacity().saturating_mul(2).min(limit);
                        self.grow(&mut whole, length.max(doubled), deadline).await?;
                    }
                    whole.bytes.extend_from_slice(&data);
                }
            }
        }
    }

    async fn grow(
        &self,
        body: &mut Body,
        capacity: usize,
        deadline: Instant,
    ) -> Result<(), BodyError> {
        let full = || BodyError::NoRoom { limit: self.limits.bodies };
        let held = body.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let pages = u32::try_from(capacity.div_ceil(PAGE) - held).map_err(|_| full())?;
        let more = match self.pages.clone().try_acquire_many_owned(pages) {
            Ok(more) => more,
            Err(_) if capacity > LARGE => return Err(full()),
            Err(_) => timeout_at(deadline, self.pages.clone().acquire_many_owned(pages))
                .await
                .ok()
                .and_then(Result::ok)
                .ok_or_else(full)?,
        };
        match &mut body.taken {
            Some(taken) => taken.merge(more),
            None => body.taken = Some(more),
        }
        body.bytes.reserve_exact(capacity - body.bytes.len());
        Ok(())
    }
}

// === impl Body ===

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
