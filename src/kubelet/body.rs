//! Bodies of answers, read within bounds: of each one, and of all that are read at the same time.

use std::{
    mem,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus::IntGaugeVec;
use tokio::time::{Instant, timeout_at};

use super::{
    body_budget::{NoRoom, Place, Room},
    connection::Exchange,
    error::BodyError,
};

/// A body of 30 pods with two containers each is 40 KB.
pub(super) const USUAL_BODY: usize = 48 << 10;

/// What stands around the data of a chunked body, and room for one more read.
const AROUND: usize = 4 << 10;

/// How many bodies' memory is kept for the next ones, and of which size at most: the system takes
/// its time over large pieces, and a few are in use at one moment in a cycle that goes well.
const SPARE_BODIES: usize = 16;
const SPARE_BYTES: usize = 256 << 10;

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

/// Reads bodies.
#[derive(Clone)]
pub(super) struct Reader {
    limits: Limits,
    room: Room,
    spare: Arc<Spare>,
}

/// Memory of bodies that are over.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

/// A body, which takes up room until it is dropped.
pub(super) struct Body {
    bytes: Vec<u8>,
    place: Place,
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

// === impl Reader ===

impl Reader {
    /// Shows the most that bodies took up once there was no room for one.
    pub(super) fn new(limits: Limits, most_taken: IntGaugeVec) -> Self {
        let room = Room::new(limits.bodies, most_taken);
        Self { limits, room, spare: Arc::default() }
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
        let most = limit.saturating_add(AROUND).min(self.room.limit().max(limit));
        let start = usual.saturating_add(AROUND).min(most).max(exchange.early());
        let bytes = self.spare.take(start);
        let start = start.max(bytes.capacity());
        let mut body = Body { bytes, place: self.room.enter(), spare: self.spare.clone() };
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
                if capacity >= most {
                    return Err(BodyError::TooLarge { limit });
                }
                self.grow(&mut body, capacity.saturating_mul(2).min(most), deadline).await?;
            }
            let Body { bytes, place, .. } = &mut body;
            is_over = tokio::select! {
                biased;
                () = place.must_go() => return Err(self.no_room()),
                read = timeout_at(deadline, exchange.read(bytes)) => {
                    read.unwrap_or(Err(BodyError::Timeout))?
                }
            };
        }
    }

    async fn grow(
        &self,
        body: &mut Body,
        capacity: usize,
        deadline: Instant,
    ) -> Result<(), BodyError> {
        let grown = timeout_at(deadline, body.place.grow(capacity)).await;
        grown.map_err(|_| NoRoom).flatten().map_err(|NoRoom| self.no_room())?;
        body.bytes.reserve_exact(capacity - body.bytes.len());
        body.place.take(body.bytes.capacity());
        Ok(())
    }

    fn no_room(&self) -> BodyError {
        BodyError::NoRoom { limit: self.room.limit() }
    }
}

// === impl Spare ===

impl Spare {
    /// Memory for `wanted` bytes, or none. Much more than that would take the room of others.
    fn take(&self, wanted: usize) -> Vec<u8> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = wanted..=wanted.saturating_add(wanted / 4);
        let at = spare.iter().rposition(|bytes| fits.contains(&bytes.capacity()));
        at.map(|at| spare.remove(at)).unwrap_or_default()
    }

    fn put(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() == 0 || bytes.capacity() > SPARE_BYTES {
            return;
        }
        bytes.clear();
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() == SPARE_BODIES {
            spare.remove(0);
        }
        spare.push(bytes);
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
