//! Limits how long a response body of the API server may take. Without it, a connection that is
//! cut without a RST or FIN would be read from forever.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use tower::{BoxError, Service};

/// How long a response may take to end. It is also the API server's own limit for a request that is
/// not a watch.
const WHOLE: Duration = Duration::from_mins(1);

/// How long after its requested timeout a watch may take to end.
const GRACE: Duration = Duration::from_secs(30);

/// A watch that ends sooner than this without an event counts as failed, as in
/// client-go: it must not be opened again at once.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// A service whose answers end in time, and whose watches do not end too soon.
#[derive(Clone)]
pub(crate) struct BodyTimeout<S>(S);

/// A body that fails when it does not end in time, or too soon.
pub(crate) struct TimedBody {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
    /// Until when it must not end, where it must not.
    too_soon: Option<Instant>,
}

/// A body that did not end in time, in the words of Go's net/http.
#[derive(Debug, thiserror::Error)]
#[error("net/http: request canceled (Client.Timeout or context cancellation while reading body)")]
struct BodyTimedOut;

/// A watch that ended as soon as it began.
#[derive(Debug, thiserror::Error)]
#[error(
    "very short watch: Unexpected watch close - watch lasted less than a second and no items received"
)]
struct VeryShort;

/// How long the response to a request may take to end.
fn limit(uri: &Uri) -> Duration {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    let wanted = pairs.find_map(|pair| pair.strip_prefix("timeoutSeconds=")?.parse().ok());
    wanted.map_or(WHOLE, |seconds| Duration::from_secs(seconds).saturating_add(GRACE))
}

// === impl BodyTimeout ===

impl<S> BodyTimeout<S> {
    pub(crate) fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Service<Request<B>> for BodyTimeout<S>
where
    S: Service<Request<B>, Response = Response<Incoming>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<TimedBody>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let limit = limit(request.uri());
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let timed = move |body| TimedBody {
            body,
            deadline: Box::pin(sleep(limit)),
            too_soon: watches.then(|| Instant::now() + SHORTEST_WATCH),
        };
        self.0.call(request).map(move |answer| answer.map(|answer| answer.map(timed))).boxed()
    }
}

// === impl TimedBody ===

impl Body for TimedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            // An event or an error means that the watch was not too short.
            let too_soon = self.too_soon.take();
            return Poll::Ready(match frame {
                None if too_soon.is_some_and(|moment| Instant::now() < moment) => {
                    Some(Err(VeryShort.into()))
                }
                frame => frame.map(|frame| frame.map_err(BoxError::from)),
            });
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyTimedOut.into())))
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
    use super::*;

    #[test]
    fn a_watch_may_last_as_long_as_its_requested_timeout() {
        let cases = [
            ("/api/v1/nodes?limit=500", 60),
            ("/api/v1/nodes?watch=true&timeoutSeconds=290&allowWatchBookmarks=true", 320),
            ("/api/v1/nodes?timeoutSeconds=18446744073709551615", u64::MAX),
            ("/api/v1/nodes?timeoutSeconds=long", 60),
        ];
        for (uri, seconds) in cases {
            assert_eq!(limit(&uri.parse().unwrap()).as_secs(), seconds, "{uri}");
        }
    }
}
