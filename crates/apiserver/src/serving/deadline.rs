//! The deadline of a request: the server's limit, or the client's `timeout` if that is shorter.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use k8s_text::duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tower::ServiceExt;

use crate::{Details, RequestOptions, Status};

/// An answer that is cut off when it takes too long.
struct Timed {
    body: Body,
    end: Pin<Box<Sleep>>,
}

/// Answers 504 when `router` takes longer than `most`, or than the client's `timeout` parameter.
pub(super) fn within(most: Duration, router: Router) -> Router {
    Router::new().fallback(move |request: Request| {
        let router = router.clone();
        async move { answer(most, router, request).await }
    })
}

async fn answer(most: Duration, router: Router, request: Request) -> Response {
    let asked = RequestOptions::of(&request);
    let limit = match wanted(&asked) {
        Ok(wanted) => wanted.filter(|wanted| *wanted < most).unwrap_or(most),
        Err(message) => {
            let status = Status::new(StatusCode::BAD_REQUEST, "BadRequest", message);
            let no_cache = [(header::CACHE_CONTROL, "no-cache, private")];
            return (no_cache, status.respond(&asked)).into_response();
        }
    };
    let end = Instant::now() + limit;
    match timeout_at(end, router.oneshot(request)).await {
        Ok(answered) => answered
            .into_response()
            .map(|body| Body::new(Timed { body, end: Box::pin(sleep_until(end)) })),
        Err(_) => Status::new(
            StatusCode::GATEWAY_TIMEOUT,
            "Timeout",
            "Timeout: request did not complete within the allotted timeout",
        )
        .with_details(Details::default())
        .respond(&asked),
    }
}

/// The client's timeout, if it sends one. Zero and negative values mean none.
fn wanted(asked: &RequestOptions) -> Result<Option<Duration>, String> {
    let Some(text) = asked.parameter("timeout").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let unsigned = text.strip_prefix('-');
    match duration::parse(unsigned.unwrap_or(text)) {
        Ok(wanted) => Ok(Some(wanted).filter(|wanted| unsigned.is_none() && !wanted.is_zero())),
        Err(_) => Err(format!(
            "invalid timeout specified in the request URL - time: invalid duration {text:?}"
        )),
    }
}

// === impl Timed ===

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending if self.end.as_mut().poll(context).is_ready() => {
                let error = io::Error::from(io::ErrorKind::TimedOut);
                Poll::Ready(Some(Err(axum::Error::new(error))))
            }
            progress => progress,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
