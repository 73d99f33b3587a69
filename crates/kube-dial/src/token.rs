//! The bearer token of requests.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, header::AUTHORIZATION};
use kube::config::AuthInfo;
use net::{DynamicFile, FileKind, FileSource, Files};
use secrecy::ExposeSecret;
use tower::Service;

const TOKEN: FileKind =
    FileKind { name: "token", cure: "put a token there that the API server has issued" };

/// A bearer token, from a kubeconfig or from a file that it names, as service accounts have.
#[derive(Clone, Debug)]
pub struct BearerToken(DynamicFile<Option<Arc<str>>>);

/// A service that sends a token with each request.
#[derive(Clone)]
pub(crate) struct WithToken<S> {
    token: BearerToken,
    service: S,
}

// === impl BearerToken ===

impl BearerToken {
    /// The token of `user`. As in client-go, a file that can be read comes before a token.
    pub fn new(user: &AuthInfo, files: &Files) -> Self {
        let token = user.token.as_ref().map(|token| Arc::from(token.expose_secret()));
        let Some(file) = &user.token_file else { return Self(DynamicFile::fixed(token)) };
        Self(files.open_later(TOKEN, FileSource::new("tokenFile", file), token, |text| {
            parse(text).map(Some)
        }))
    }

    /// The token to send now, if there is one.
    pub fn get(&self) -> Option<Arc<str>> {
        self.0.get()
    }
}

fn parse(text: &[u8]) -> Result<Arc<str>, String> {
    match text.trim_ascii() {
        [] => Err("it holds no token".to_owned()),
        // Tokens are ASCII in practice, and RFC 9110 wants no more of a field's value.
        token if token.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
            Ok(String::from_utf8_lossy(token).into())
        }
        _ => Err("it holds bytes that no HTTP header can".to_owned()),
    }
}

fn header(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

// === impl WithToken ===

impl<S> WithToken<S> {
    pub(crate) fn new(token: BearerToken, service: S) -> Self {
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
        if let Some(header) = self.token.get().as_deref().and_then(header) {
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        self.service.call(request)
    }
}
