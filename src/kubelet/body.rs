//! Bodies of answers, read within bounds: of each one, and of all that are read at the same time.

use std::ops::Deref;

use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use prometheus::IntGaugeVec;
use tokio::time::{Instant, timeout_at};

use super::{
    error::{self, BodyError},
    room::{NoRoom, Place, Room},
};

/// A body of 30 pods with two containers each is 40 KB.
const USUAL_BODY: usize = 48 << 10;

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
}

/// A body, which takes up room until it is dropped.
pub(super) struct Body {
    bytes: Vec<u8>,
    place: Place,
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
        Self { limits, room: Room::new(limits.bodies, most_taken) }
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
        let mut whole = Body { bytes: Vec::new(), place: self.room.enter() };
        self.grow(&mut whole, USUAL_BODY.min(limit), deadline).await?;
        loop {
            let frame = tokio::select! {
                biased;
                () = whole.place.must_go() => return Err(self.no_room()),
                frame = timeout_at(deadline, body.frame()) => frame,
            };
            match frame {
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

// === impl Body ===

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
