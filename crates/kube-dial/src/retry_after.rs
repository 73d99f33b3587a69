//! Delays requests for the time that the API server gives in `Retry-After`, as client-go does: an
//! overloaded API server answers 429 with it.

use std::{
    collections::BTreeMap,
    mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tower::Service;

/// The most that is waited for: a mistake in front of the API server must not stop the watches.
const LONGEST: Duration = Duration::from_mins(5);

/// A service that waits before it repeats a GET.
#[derive(Clone)]
pub(crate) struct RetryAfter<S> {
    service: S,
    /// When each path may be requested again. The server requests only a few.
    until: Arc<Mutex<BTreeMap<String, Instant>>>,
}

// === impl RetryAfter ===

impl<S> RetryAfter<S> {
    pub(crate) fn new(service: S) -> Self {
        Self { service, until: Arc::default() }
    }
}

impl<S, B, R> Service<Request<B>> for RetryAfter<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready, the one that was polled is.
        let next = self.service.clone();
        let mut service = mem::replace(&mut self.service, next);
        if request.method() != Method::GET {
            return Box::pin(service.call(request));
        }
        let until = self.until.clone();
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let held = until.lock().remove(&path);
            if let Some(held) = held {
                sleep_until(held).await;
            }
            let response = service.call(request).await?;
            if let Some(wait) = retry_after(&response) {
                until.lock().insert(path, Instant::now() + wait);
            }
            Ok(response)
        })
    }
}

fn retry_after<R>(response: &Response<R>) -> Option<Duration> {
    let status = response.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt, service_fn};

    use super::*;

    /// Rows of: the status, its Retry-After, and how long the next request waits.
    #[tokio::test(start_paused = true)]
    async fn the_next_request_waits_for_retry_after() {
        let rows = [
            (429, "7", 7),
            (503, "2", 2),
            (200, "7", 0),
            (404, "7", 0),
            (429, "soon", 0),
            (429, "86400", 300),
        ];
        for (status, retry_after, seconds) in rows {
            let answer = move |_: Request<()>| async move {
                let response = Response::builder().status(status);
                Ok::<_, Infallible>(response.header("Retry-After", retry_after).body(()).unwrap())
            };
            let mut service = RetryAfter::new(service_fn(answer));
            let list = || Request::get("/api/v1/nodes?limit=500").body(()).unwrap();
            service.ready().await.unwrap().call(list()).await.unwrap();
            let (began, other) = (Instant::now(), Request::get("/api/v1/pods").body(()).unwrap());
            service.ready().await.unwrap().call(other).await.unwrap();
            assert_eq!(began.elapsed(), Duration::ZERO, "another path does not wait");
            service.ready().await.unwrap().call(list()).await.unwrap();
            assert_eq!(began.elapsed(), Duration::from_secs(seconds), "{status} {retry_after}");
        }
    }
}
