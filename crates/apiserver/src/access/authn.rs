//! Authentication: front proxy headers, then the client certificate, then the bearer token, then
//! anonymous, in this order as in the Go server.

pub(super) mod client_ca;
pub(super) mod extension_config_map;
pub(super) mod failure_log;
pub(super) mod request_header;
pub(super) mod user;
pub(super) mod x509;

use std::{borrow::Cow, sync::Arc, time::Duration};

use diagnosis::Cause as Known;
use http::{HeaderMap, header};
use net::Clock;
use tls::x509::X509Error;

use self::{client_ca::ClientCaConfig, x509::Ca};
use super::{
    User,
    review::{ReviewError, Reviewer},
    review_cache::{Cache, Cached, Hasher},
    review_queue::Caller,
};
use crate::serving::{ConnectionHandle, Peer};

/// Authenticates requests.
pub(super) struct Authenticator {
    clock: Clock,
    reviewer: Arc<Reviewer>,
    hasher: Hasher,
    tokens: Arc<Cache<Option<User>, ReviewError>>,
    ttl: Duration,
}

/// A request has credentials and none of them is valid: the causes, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub(super) struct AuthenticationError(Vec<Cause>);

/// Why one credential is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Cause {
    #[error("{0}")]
    Certificate(#[from] X509Error),
    #[error("x509: subject with cn={0} is not in the allowed list")]
    ProxyName(String),
    #[error("invalid bearer token")]
    Token,
    #[error("{0}")]
    Review(#[from] ReviewError),
}

// === impl Authenticator ===

impl Authenticator {
    pub(super) fn new(
        reviewer: Arc<Reviewer>,
        hasher: Hasher,
        ttl: Duration,
        clock: Clock,
    ) -> Self {
        Self { clock, reviewer, hasher, tokens: Cache::new(), ttl }
    }

    /// The user of a request. A request with an invalid credential is not anonymous. Marks
    /// `connection` as a front proxy's, if it is one.
    pub(super) async fn authenticate(
        &self,
        config: &ClientCaConfig,
        peer: Option<&Peer>,
        connection: Option<&ConnectionHandle>,
        headers: &HeaderMap,
    ) -> Result<User, AuthenticationError> {
        let mut causes = Vec::new();
        if let Some(peer) = peer.filter(|peer| !peer.certificates.is_empty()) {
            match self.request_header(config, peer, headers) {
                Ok(Some(user)) => {
                    if let Some(connection) = connection {
                        connection.set_front_proxy();
                    }
                    return Ok(user.authenticated());
                }
                Ok(None) => {}
                Err(cause) => causes.push(cause),
            }
            match self.x509(config, peer) {
                Ok(Some(user)) => return Ok(user.authenticated()),
                Ok(None) => {}
                Err(cause) => causes.push(cause),
            }
        }
        if let Some(token) = bearer(headers) {
            let caller = Caller::Address(peer.map(|peer| peer.address.ip()));
            match self.token(token, caller).await {
                Ok(Some(user)) => return Ok(user.authenticated()),
                Ok(None) => causes.push(Cause::Token),
                Err(error) => causes.push(error.into()),
            }
        }
        if causes.is_empty() { Ok(User::anonymous()) } else { Err(AuthenticationError(causes)) }
    }

    fn request_header(
        &self,
        config: &ClientCaConfig,
        peer: &Peer,
        headers: &HeaderMap,
    ) -> Result<Option<User>, Cause> {
        let Some(ca) = &config.request_header_ca.bundle() else { return Ok(None) };
        let proxy = peer.verified.user(Ca::RequestHeader, ca, &peer.certificates, &self.clock)?;
        if config.request_header.allow(&proxy.name) {
            Ok(config.request_header.user(headers))
        } else {
            Err(Cause::ProxyName(proxy.name))
        }
    }

    fn x509(&self, config: &ClientCaConfig, peer: &Peer) -> Result<Option<User>, Cause> {
        let Some(ca) = &config.client_ca.bundle() else { return Ok(None) };
        let user = peer.verified.user(Ca::Client, ca, &peer.certificates, &self.clock)?;
        Ok(Some(user).filter(|user| !user.name.is_empty()))
    }

    async fn token(&self, token: &str, caller: Caller) -> Result<Option<User>, ReviewError> {
        let (reviewer, token, ttl) = (self.reviewer.clone(), token.to_owned(), self.ttl);
        let key = self.hasher.key(token.as_bytes());
        let lookup = async move {
            let value = reviewer.token(token, caller).await?;
            Ok(Cached { value, ttl })
        };
        self.tokens.get_or_lookup(key, lookup).await
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let mut parts = text.splitn(3, ' ');
    let is_bearer = parts.next()?.eq_ignore_ascii_case("bearer");
    parts.next().filter(|token| is_bearer && !token.is_empty())
}

// === impl AuthenticationError ===

impl AuthenticationError {
    /// Whether the credential was not checked because too many are waiting.
    pub(super) fn is_overload(&self) -> bool {
        self.0.iter().any(|cause| matches!(cause, Cause::Review(error) if error.is_overload))
    }

    /// What cures it. A certificate is unknown to one of the two CAs by design: the cause that the
    /// other CA gives is the one to cure.
    pub(super) fn cure(&self) -> &'static str {
        let is_unknown =
            |cause: &&Cause| **cause == Cause::Certificate(X509Error::UnknownAuthority);
        let cause = self.0.iter().find(|cause| !is_unknown(cause)).or(self.0.first());
        let known = match cause {
            Some(Cause::Review(error)) => return error.cure,
            Some(Cause::Certificate(X509Error::OutOfTime { .. })) => Known::ClientCertificateTime,
            Some(Cause::Certificate(X509Error::OtherKey { .. })) => Known::ClientAuthorityReplaced,
            Some(Cause::Certificate(_)) => Known::ClientAuthority,
            Some(Cause::ProxyName(_)) => Known::FrontProxyName,
            Some(Cause::Token) | None => Known::TokenRejected,
        };
        known.cure()
    }

    /// The kinds of the causes: unlike the text, without times.
    pub(super) fn kinds(&self) -> Vec<Cow<'static, str>> {
        let kind = |cause: &Cause| match cause {
            Cause::Certificate(X509Error::OutOfTime { side, .. }) => (*side).into(),
            Cause::Certificate(X509Error::UnknownAuthority) => "unknown authority".into(),
            Cause::Certificate(X509Error::OtherKey { .. }) => "other key".into(),
            Cause::Certificate(_) => "certificate".into(),
            Cause::ProxyName(_) => "proxy name".into(),
            Cause::Token => "token".into(),
            Cause::Review(error) => error.reason.clone().into(),
        };
        self.0.iter().map(kind).collect()
    }
}

/// As Go formats an aggregate of errors: each text once.
fn list(causes: &[Cause]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in causes.iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match &texts[..] {
        [only] => only.clone(),
        texts => format!("[{}]", texts.join(", ")),
    }
}
