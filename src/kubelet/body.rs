//! Bodies of responses, read within limits: of each one, and of all that are read at the same time.

use std::{mem, ops::Deref, sync::Arc};

use parking_lot::Mutex;
use prometheus::IntGaugeVec;
use tokio::time::{Instant, timeout_at};

use super::{
    body_budget::{BodyBudget, Share},
    connection::Exchange,
    error::BodyError,
};

/// A body of 30 pods with two containers each is 40 KB.
pub(super) const USUAL_BODY: usize = 48 << 10;

/// The framing around the data of a chunked body, and space for one more read.
const AROUND: usize = 4 << 10;

/// The most memory that a body begins with, however long the previous one was: more is reserved
/// when it is needed.
const FIRST: usize = 256 << 10;

/// How many bodies' memory is kept for the next ones, and of which size at most: the system
/// allocates large pieces slowly, and a healthy cycle uses a few at a time.
const SPARE_BODIES: usize = 16;
const SPARE_BYTES: usize = 256 << 10;

/// How large a response may be.
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
    budget: BodyBudget,
    spare: Arc<Spare>,
}

/// Memory of earlier bodies.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

/// A body, which takes up memory of the budget until it is dropped.
pub(super) struct Body {
    bytes: Vec<u8>,
    share: Share,
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
    /// Shows the most that bodies took up in `most_taken`, once they reached the limit.
    pub(super) fn new(limits: Limits, most_taken: IntGaugeVec) -> Self {
        let budget = BodyBudget::new(limits.bodies, limits.body, most_taken);
        Self { limits, budget, spare: Arc::default() }
    }

    /// Reads a body of no more than `limit` bytes, by default the configured limit of a body. It
    /// probably has `usual` bytes.
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
        let most = limit.saturating_add(AROUND).min(self.budget.limit().max(limit));
        let usual = usual.saturating_add(AROUND).min(most);
        let first = usual.min(FIRST).max(exchange.early());
        let bytes = self.spare.take(first);
        let first = first.max(bytes.capacity());
        let share = timeout_at(deadline, self.budget.first(first)).await;
        let share = share.map_err(|_| self.limit_reached())?;
        let mut body = Body { bytes, share, spare: self.spare.clone() };
        body.reserve(first);
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
                let more = capacity.saturating_mul(2).max(usual).min(most);
                if !body.share.grow(more) {
                    return Err(self.limit_reached());
                }
                body.reserve(more);
            }
            let read = timeout_at(deadline, exchange.read(&mut body.bytes)).await;
            is_over = read.unwrap_or(Err(BodyError::Timeout))?;
        }
    }

    fn limit_reached(&self) -> BodyError {
        BodyError::MemoryLimit { limit: self.budget.limit() }
    }
}

// === impl Spare ===

impl Spare {
    /// A spare buffer for `wanted` bytes, or an empty one. A much larger buffer is left for others.
    fn take(&self, wanted: usize) -> Vec<u8> {
        let mut spare = self.0.lock();
        let fits = wanted..=wanted.saturating_add(wanted / 4);
        let at = spare.iter().rposition(|bytes| fits.contains(&bytes.capacity()));
        at.map(|at| spare.remove(at)).unwrap_or_default()
    }

    fn put(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() == 0 || bytes.capacity() > SPARE_BYTES {
            return;
        }
        bytes.clear();
        let mut spare = self.0.lock();
        if spare.len() == SPARE_BODIES {
            spare.remove(0);
        }
        spare.push(bytes);
    }
}

// === impl Body ===

impl Body {
    fn reserve(&mut self, capacity: usize) {
        self.bytes.reserve_exact(capacity - self.bytes.len());
    }
}

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
