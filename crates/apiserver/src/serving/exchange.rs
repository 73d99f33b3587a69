//! One request and its answer, from the request's headers until the client has taken the answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// The handle of one exchange: an extension of every request. Whoever has it can end the exchange
/// even while nothing polls the answer's body, as when a client's HTTP/2 window is 0.
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

/// An answer's body that keeps account of when its client takes something.
struct Tracked {
    body: Body,
    exchange: Exchange,
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
        *self.0.waiting_since.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The same body, which from now on says when its client takes something.
    pub fn track(&self, body: Body) -> Body {
        self.set_waiting(true);
        Body::new(Tracked { body, exchange: self.clone() })
    }

    fn set_waiting(&self, waiting: bool) {
        let since = waiting.then(Instant::now);
        *self.0.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
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
        let progress = Pin::new(&mut self.body).poll_frame(context);
        self.exchange.set_waiting(progress.is_ready());
        progress
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_waits_from_the_answer_on_and_from_each_piece_taken() {
        let exchange = Exchange::begin();
        assert_eq!(exchange.waiting_since(), None);
        let pieces = futures::stream::iter(["a", "b"].map(Ok::<_, std::convert::Infallible>));
        let mut body = exchange.track(Body::from_stream(pieces));
        for _ in 0..2 {
            let since = Instant::now();
            assert_eq!(exchange.waiting_since(), Some(since));
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(exchange.waiting_since(), Some(since));
            body.frame().await.unwrap().unwrap();
        }
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
