use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// The body of a response, which keeps a value until it has been sent or dropped.
struct Guarded<T> {
    body: Body,
    _kept: T,
}

/// The same body, which keeps `kept` until it has been sent or dropped.
pub(crate) fn until_sent<T: Send + Unpin + 'static>(body: Body, kept: T) -> Body {
    Body::new(Guarded { body, _kept: kept })
}

// === impl Guarded ===

impl<T: Unpin> HttpBody for Guarded<T> {
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
