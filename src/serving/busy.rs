//! Whether requests are under way over a connection.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{sync::watch, time::sleep};

/// Counts the requests under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy(watch::Sender<usize>);

/// One request under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Request(Busy);

/// The body of an answer, with which its request ends.
struct Answer {
    body: Body,
    _request: Request,
}

// === impl Busy ===

impl Busy {
    pub(super) fn request(&self) -> Request {
        self.0.send_modify(|requests| *requests += 1);
        Request(self.clone())
    }

    /// Waits until there has been no request for that long.
    pub(super) async fn idle_for(&self, time: Duration) {
        let mut requests = self.0.subscribe();
        loop {
            // The sender is `self`: it is not gone.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            tokio::select! {
                biased;
                _ = requests.wait_for(|requests| *requests > 0) => {}
                () = sleep(time) => return,
            }
        }
    }
}

// === impl Request ===

impl Request {
    /// The request now ends with this body.
    pub(super) fn until_sent(self, body: Body) -> Body {
        Body::new(Answer { body, _request: self })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.0.send_modify(|requests| *requests -= 1);
    }
}

// === impl Answer ===

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
