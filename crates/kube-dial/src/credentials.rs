//! What requests authenticate with besides a client certificate of the kubeconfig's: a token, or what
//! a credential plugin gives.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use kube::config::AuthInfo;
use net::{Doors, DynamicFile, FileKind, FileSource};
use rustls::client::ResolvesClientCert;
use secrecy::ExposeSecret;
use tower::{BoxError, Service};

use crate::exec::{ExecError, ExecPlugin};

const TOKEN: FileKind =
    FileKind { name: "token", cure: "put a token there that the API server has issued" };

/// The credentials of a kubeconfig's user: a token, from the kubeconfig or from a file that it names, as
/// service accounts have, or what a plugin gives, which may be a client certificate too.
#[derive(Clone)]
pub struct Credentials(Source);

#[derive(Clone)]
enum Source {
    Known(DynamicFile<Option<Arc<str>>>),
    Plugin(Arc<ExecPlugin>),
}

/// A service that sends the token with each request.
#[derive(Clone)]
pub(crate) struct WithCredentials<S> {
    credentials: Credentials,
    service: S,
}

// === impl Credentials ===

impl Credentials {
    /// The credentials of `user`. As in client-go, a file that can be read comes before a token, and a
    /// plugin is not used where there is anything else.
    pub fn new(user: &AuthInfo, doors: &Doors) -> Result<Self, ExecError> {
        let has_others = user.token.is_some()
            || user.username.is_some()
            || user.client_certificate.is_some()
            || user.client_certificate_data.is_some();
        let token = user.token.as_ref().map(|token| Arc::from(token.expose_secret()));
        Ok(Self(match (&user.token_file, &user.exec) {
            (Some(file), _) => {
                let source = FileSource::new("tokenFile", file);
                let parse = |text: &[u8]| parse(text).map(Some);
                Source::Known(doors.files.open_later(TOKEN, source, token, parse))
            }
            (None, Some(exec)) if !has_others => {
                Source::Plugin(Arc::new(ExecPlugin::new(exec.clone(), doors)?))
            }
            (None, _) => Source::Known(DynamicFile::fixed(token)),
        }))
    }

    /// The token to send now, if there is one. Connections must not be made before: a plugin's client
    /// certificate comes with it.
    pub async fn token(&self) -> Result<Option<Arc<str>>, ExecError> {
        match &self.0 {
            Source::Known(token) => Ok(token.get()),
            Source::Plugin(plugin) => plugin.token().await,
        }
    }

    /// The client certificate that a plugin gives, if there is a plugin.
    pub(crate) fn identity(&self) -> Option<Arc<dyn ResolvesClientCert>> {
        match &self.0 {
            Source::Known(_) => None,
            Source::Plugin(plugin) => Some(plugin.clone()),
        }
    }

    /// A server refused the credentials with this token: a plugin is run again when they are needed
    /// next.
    pub async fn refused(&self, token: Option<&str>) {
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

// === impl WithCredentials ===

impl<S> WithCredentials<S> {
    pub(crate) fn new(credentials: Credentials, service: S) -> Self {
        Self { credentials, service }
    }
}

impl<S, B, R> Service<Request<B>> for WithCredentials<S>
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
        let credentials = self.credentials.clone();
        Box::pin(async move {
            let token = credentials.token().await?;
            if let Some(header) = token.as_deref().and_then(header) {
                request.headers_mut().insert(AUTHORIZATION, header);
            }
            let response = service.call(request).await?;
            if response.status() == StatusCode::UNAUTHORIZED {
                credentials.refused(token.as_deref()).await;
            }
            Ok(response)
        })
    }
}
