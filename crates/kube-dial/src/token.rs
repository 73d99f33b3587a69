//! The bearer token of requests.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use kube::config::AuthInfo;
use net::{Doors, DynamicFile, FileKind, FileSource};
use secrecy::ExposeSecret;
use tower::{BoxError, Service};

use crate::exec::{ExecError, ExecPlugin};

const TOKEN: FileKind =
    FileKind { name: "token", cure: "put a token there that the API server has issued" };

/// The bearer token of a kubeconfig's user: from the kubeconfig, from a file that it names, as service
/// accounts have, or from a credential plugin.
#[derive(Clone)]
pub struct BearerToken(Source);

#[derive(Clone)]
enum Source {
    Known(DynamicFile<Option<Arc<str>>>),
    Plugin(Arc<ExecPlugin>),
}

/// A service that sends a token with each request.
#[derive(Clone)]
pub(crate) struct WithToken<S> {
    token: BearerToken,
    service: S,
}

// === impl BearerToken ===

impl BearerToken {
    /// The token of `user`. As in client-go, a file that can be read comes before a token, and both
    /// before a plugin.
    pub fn new(user: &AuthInfo, doors: &Doors) -> Result<Self, ExecError> {
        let token = user.token.as_ref().map(|token| Arc::from(token.expose_secret()));
        Ok(Self(match (&user.token_file, &user.exec) {
            (Some(file), _) => {
                let source = FileSource::new("tokenFile", file);
                let parse = |text: &[u8]| parse(text).map(Some);
                Source::Known(doors.files.open_later(TOKEN, source, token, parse))
            }
            (None, Some(exec)) if token.is_none() => {
                Source::Plugin(Arc::new(ExecPlugin::new(exec.clone(), doors)?))
            }
            (None, _) => Source::Known(DynamicFile::fixed(token)),
        }))
    }

    /// The token to send now, if there is one.
    pub async fn get(&self) -> Result<Option<Arc<str>>, ExecError> {
        match &self.0 {
            Source::Known(token) => Ok(token.get()),
            Source::Plugin(plugin) => plugin.token().await.map(Some),
        }
    }

    /// A server refused this token: a plugin is run again when it is needed next.
    pub async fn refused(&self, token: &str) {
        if let Source::Plugin(plugin) = &self.0 {
            plugin.refused(token).await;
        }
    }
}

/// A token without white space around it.
pub(crate) fn parse(text: &[u8]) -> Result<Arc<str>, String> {
    match text.trim_ascii() {
        [] => Err("it holds no token".to_owned()),
        // Tokens are ASCII in practice, as RFC 9110 requires of a new field's value.
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

impl<S, B, R> Service<Request<B>> for WithToken<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that is ready is this one, not its clone.
        let clone = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, clone);
        let source = self.token.clone();
        Box::pin(async move {
            let token = source.get().await?;
            if let Some(header) = token.as_deref().and_then(header) {
                request.headers_mut().insert(AUTHORIZATION, header);
            }
            let response = service.call(request).await?;
            if let Some(token) = token
                && response.status() == StatusCode::UNAUTHORIZED
            {
                source.refused(&token).await;
            }
            Ok(response)
        })
    }
}
