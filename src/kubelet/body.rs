//! Bodies of answers, read within bounds: of each one, and of all that are read at the same time.

use std::{
    mem,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::{connection::Exchange, error::BodyError};

/// A body of 30 pods with two containers each is 40 KB.
pub(super) const USUAL_BODY: usize = 48 << 10;

/// What stands around the data of a chunked body, and room for one more read. It is not counted.
const AROUND: usize = 4 << 10;

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
    spare: Arc<Spare>,
}

/// Memory of bodies that are over, for the next ones: the system takes its time over large pieces.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

/// How much of it is kept: a few times what is in use at one moment in a cycle that goes well.
const SPARE_BODIES: usize = 16;
const SPARE_BYTES: usize = 256 << 10;

/// A body, which takes up room until it is dropped.
pub(super) struct Body {
    bytes: Vec<u8>,
    taken: Option<OwnedSemaphorePermit>,
    spare: Arc<Spare>,
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
        Self { limits, pages: Arc::new(Semaphore::new(pages)), spare: Arc::default() }
    }

    /// Reads a body of no more than `limit` bytes, or else the limit of all. It is likely to have
    /// `usual` bytes.
    pub(super) async fn read(
        &self,
        exchange: &mut Exchange,
        usual: usize,
        limit: Option<usize>,
        deadline: Instant,
    ) -> Result<Body, BodyError> {
        let limit = limit.unwrap_or(self.limits.body);
        if exchange.length().is_some_and(|length| length > limit as u64) {
            return Err(BodyError::TooLarge { limit });
        }
        let read = self.read_within(exchange, usual, limit, deadline);
        timeout_at(deadline, read).await.unwrap_or(Err(BodyError::Timeout))
    }

    async fn read_within(
        &self,
        exchange: &mut Exchange,
        usual: usize,
        limit: usize,
        deadline: Instant,
    ) -> Result<Body, BodyError> {
        let most = limit.saturating_add(AROUND);
        let mut body = Body { bytes: self.spare.take(), taken: None, spare: self.spare.clone() };
        let start = usual.saturating_add(AROUND).min(most);
        let start = start.max(exchange.early()).max(body.bytes.capacity());
        self.grow(&mut body, start, deadline).await?;
        let mut is_over = exchange.begin(&mut body.bytes)?;
        loop {
            if body.len() > limit {
                return Err(BodyError::TooLarge { limit });
            }
            if is_over {
                return Ok(body);
            }
            let capacity = body.bytes.capacity();
            if body.len() == capacity {
                self.grow(&mut body, capacity.saturating_mul(2).min(most), deadline).await?;
            }
            is_over = exchange.read(&mut body.bytes).await?;
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
        let counted = capacity.saturating_sub(AROUND);
        let pages =
            u32::try_from(counted.div_ceil(PAGE).saturating_sub(held)).map_err(|_| full())?;
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

// === impl Spare ===

impl Spare {
    fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn put(&self, mut bytes: Vec<u8>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.capacity() <= SPARE_BYTES && spare.len() < SPARE_BODIES {
            bytes.clear();
            spare.push(bytes);
        }
    }
}

// === impl Body ===

impl Drop for Body {
    fn drop(&mut self) {
        self.spare.put(mem::take(&mut self.bytes));
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
