//! A bearer token in a file, as service accounts have: it is rotated while the server runs, and read
//! again as client-go does.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokio::time::Instant;
use tower::Service;

/// client-go's.
const READ_AGAIN: Duration = Duration::from_mins(1);

/// A service that shows the token of a file with each request.
#[derive(Clone)]
pub(crate) struct WithToken<S> {
    token: Arc<TokenFile>,
    service: S,
}

/// The file and what it held.
pub(crate) struct TokenFile {
    path: PathBuf,
    last: Mutex<Option<Held>>,
}

/// What the file held and when that was.
struct Held {
    read: Instant,
    header: Option<HeaderValue>,
}

// === impl TokenFile ===

impl TokenFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), last: Mutex::default() }
    }

    /// What to show: what the file held before while it cannot be read.
    fn header(&self) -> Option<HeaderValue> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.take();
        let now = Instant::now();
        let held = match known {
            Some(held) if now < held.read + READ_AGAIN => held,
            known => {
                let before = known.and_then(|held| held.header);
                // A few hundred bytes of a file system in memory.
                let header = match std::fs::read_to_string(&self.path) {
                    Ok(token) => bearer(&token),
                    Err(error) => {
                        let file = self.path.display();
                        tracing::error!(%file, err = %error, "Failed to read the token for the API server");
                        before
                    }
                };
                Held { read: now, header }
            }
        };
        let header = held.header.clone();
        *last = Some(held);
        header
    }
}

/// A token that is not fit for a header cannot be shown: the API server will answer 401.
fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

// === impl WithToken ===

impl<S> WithToken<S> {
    pub(crate) fn new(token: Arc<TokenFile>, service: S) -> Self {
        Self { token, service }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithToken<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(header) = self.token.header() {
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        self.service.call(request)
    }
}
