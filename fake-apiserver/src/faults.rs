//! The faults of the API server.

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::{sleep, timeout_at};

use super::status::Status;

/// The faults of one user's requests; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Every answer has this status.
    pub status: Option<StatusCode>,
    /// Every answer begins this much later.
    pub delay: Duration,
    /// Every answer stops after this many bytes and does not end.
    pub stalls_after: Option<usize>,
    /// Every watch is cut after this long.
    pub watches_last: Option<Duration>,
    /// Every watch ends with 410 Gone for the version that it starts from.
    pub gone: bool,
}

/// What is wrong with a body.
struct FaultyBody {
    body: Body,
    /// How many bytes of it may still pass.
    left: Option<usize>,
    cut: Option<tokio::time::Instant>,
}

// === impl Faults ===

impl Faults {
    /// Waits for `delay`; an error is answered in place of the request.
    pub(super) async fn before(self) -> Option<Status> {
        sleep(self.delay).await;
        self.status.map(Status::fault)
    }

    /// The answer with the faults of its body.
    pub(super) fn apply(self, response: Response, watch: bool) -> Response {
        let cut =
            self.watches_last.filter(|_| watch).map(|last| tokio::time::Instant::now() + last);
        if cut.is_none() && self.stalls_after.is_none() {
            return response;
        }
        let mut response = response.map(|body| {
            let faulty = FaultyBody { body, left: self.stalls_after, cut };
            Body::from_stream(stream::unfold(faulty, FaultyBody::next).boxed())
        });
        // It is the length of the whole body.
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
        response
    }
}

// === impl FaultyBody ===

impl FaultyBody {
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        loop {
            if self.left == Some(0) {
                std::future::pending::<()>().await;
            }
            let frame = match self.cut {
                Some(cut) => timeout_at(cut, self.body.frame()).await.ok()??,
                None => self.body.frame().await?,
            };
            let Ok(mut data) = (match frame {
                Ok(frame) => frame.into_data(),
                Err(error) => return Some((Err(error), self)),
            }) else {
                continue;
            };
            if let Some(left) = &mut self.left {
                data.truncate(*left);
                *left -= data.len();
            }
            return Some((Ok(data), self));
        }
    }
}
