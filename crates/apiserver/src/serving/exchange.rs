//! One request and its answer, from the request's headers until the client has taken the answer.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// The handle of one exchange: an extension of every request. Its owners can end the exchange even
/// while nothing polls the response's body, as when a client's HTTP/2 window is 0.
#[derive(Clone, Debug)]
pub struct Exchange(Arc<State>);

#[derive(Debug)]
struct State {
    began: Instant,
    /// Since when the client has not taken what is ready for it.
    waiting_since: Mutex<Option<Instant>>,
    cancelled: Notify,
}

/// Why an exchange is over before its answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Cancelled,
    Timeout,
}

/// How much of an answer is held back until the rest has been taken. With a window of one byte, an
/// HTTP/2 stream takes all of a frame and is done with it if that was the last one: then nothing
/// would count what waits in the connection's buffers.
const TAIL: usize = 1 << 10;

/// An answer's body that keeps account of when its client takes something.
struct Tracked {
    body: Body,
    exchange: Exchange,
    tail: Option<Bytes>,
}

// === impl Exchange ===

impl Exchange {
    /// One that begins now.
    pub fn begin() -> Self {
        Self(Arc::new(State {
            began: Instant::now(),
            waiting_since: Mutex::default(),
            cancelled: Notify::new(),
        }))
    }

    /// Ends it: its HTTP/2 stream is reset, or its HTTP/1.1 connection closed. The answer's body and
    /// all that it holds are dropped.
    pub fn cancel(&self) {
        self.0.cancelled.notify_one();
    }

    /// Waits until [`Exchange::cancel`] is called.
    pub async fn cancelled(&self) {
        self.0.cancelled.notified().await;
    }

    /// Since when the server has been waiting for the client to take the answer; `None` while the
    /// answer is being computed.
    pub fn waiting_since(&self) -> Option<Instant> {
        *self.0.waiting_since.lock()
    }

    /// Waits until it is cancelled or has taken longer than `limit`.
    pub(super) async fn over(&self, limit: Option<Duration>) -> Over {
        let timeout = async {
            match limit {
                Some(limit) => sleep_until(self.0.began + limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancelled() => Over::Cancelled,
            () = timeout => Over::Timeout,
        }
    }

    /// The same body, which records from now on when its client reads some of it.
    pub fn track(&self, body: Body) -> Body {
        self.set_waiting(true);
        Body::new(Tracked { body, exchange: self.clone(), tail: None })
    }

    fn set_waiting(&self, waiting: bool) {
        let since = waiting.then(Instant::now);
        *self.0.waiting_since.lock() = since;
    }
}

// === impl Tracked ===

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(tail) = self.tail.take() {
            self.exchange.set_waiting(true);
            return Poll::Ready(Some(Ok(Frame::data(tail))));
        }
        let progress = Pin::new(&mut self.body).poll_frame(context);
        self.exchange.set_waiting(progress.is_ready());
        progress.map_ok(|frame| {
            frame.map_data(|mut data| {
                let head = data.len().saturating_sub(TAIL);
                self.tail = (head > 0).then(|| data.split_off(head));
                data
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.tail.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held_back = self.tail.as_ref().map_or(0, Bytes::len) as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + held_back);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held_back);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_wait_starts_with_the_response_and_again_with_each_piece_read() {
        let exchange = Exchange::begin();
        assert_eq!(exchange.waiting_since(), None);
        let pieces = ["a".repeat(10), "b".repeat(2000)].map(Ok::<_, std::convert::Infallible>);
        let mut body = exchange.track(Body::from_stream(futures::stream::iter(pieces)));
        let mut taken = Vec::new();
        for _ in 0..3 {
            let since = Instant::now();
            assert_eq!(exchange.waiting_since(), Some(since));
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(exchange.waiting_since(), Some(since));
            let frame = body.frame().await.unwrap().unwrap();
            taken.push(frame.into_data().unwrap().len());
        }
        assert_eq!(taken, [10, 976, 1024]);
        assert!(body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_over_at_its_limit_or_when_it_is_cancelled() {
        let (exchange, began) = (Exchange::begin(), Instant::now());
        assert_eq!(exchange.over(Some(Duration::from_secs(5))).await, Over::Timeout);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        let exchange = Exchange::begin();
        exchange.cancel();
        assert_eq!(exchange.over(None).await, Over::Cancelled);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }
}
