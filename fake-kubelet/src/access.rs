//! Who may ask a kubelet what, decided as the real one does with `authentication.webhook` and
//! `authorization.mode: Webhook` and anonymous requests off.

mod cache;
pub(crate) mod paths;
mod reviewer;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION, request::Parts};
use metrics_server::serving::Peer;
use net::Clock;
use rustls::{pki_types::UnixTime, server::danger::ClientCertVerifier};
use schemars::JsonSchema;
use serde::Deserialize;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509Certificate};

use self::cache::Cache;
pub use self::reviewer::{ApiServer, NobodyKnown, ReviewError, Reviewer};

/// How long the real kubelet remembers what the API server said of a token
/// (`authentication.webhook.cacheTTL`), be it good or bad.
const TOKEN_TTL: Duration = Duration::from_mins(2);

/// How long it remembers that somebody may do something
/// (`authorization.webhook.cacheAuthorizedTTL`).
const ALLOWED_TTL: Duration = Duration::from_mins(5);

/// How long it remembers that somebody may not (`authorization.webhook.cacheUnauthorizedTTL`).
const REFUSED_TTL: Duration = Duration::from_secs(30);

/// How kubelets decide who may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Access {
    /// They ask the API server who it is (TokenReview) and whether they may
    /// (SubjectAccessReview).
    #[default]
    Webhook,
    /// They answer everybody.
    Open,
}

/// Somebody whom the API server knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    /// Such as `system:serviceaccount:kube-system:metrics-server`.
    pub name: String,
    /// Its unique id, if it has one.
    pub uid: Option<String>,
    /// Groups it belongs to.
    pub groups: Vec<String>,
    /// What else its authenticator says of it.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What somebody wants to do with a node, in terms of RBAC: a verb on `nodes/<subresource>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// Such as `get`; empty for methods without one.
    pub verb: &'static str,
    /// Such as `metrics`.
    pub subresource: &'static str,
    /// The node.
    pub node: String,
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody knows who asks, or it could not be found out.
    #[error("Unauthorized")]
    Unauthorized,
    /// They may not.
    #[error("Forbidden (user={user}, verb={verb}, resource=nodes, subresource(s)=[{}])", subresources.join(" "))]
    Forbidden {
        /// Who asked.
        user: String,
        /// What they wanted to do.
        verb: &'static str,
        /// Each of them would have been enough.
        subresources: &'static [&'static str],
    },
    /// Whether they may could not be found out.
    #[error(
        "Authorization error (user={user}, verb={verb}, resource=nodes, subresource={subresource})"
    )]
    Unknown {
        /// Who asked.
        user: String,
        /// What they wanted to do.
        verb: &'static str,
        /// On what.
        subresource: &'static str,
    },
}

/// Decides for one kubelet.
pub(crate) struct Gate {
    node: String,
    reviewer: Arc<dyn Reviewer>,
    /// Knows those whose certificates the cluster's CA has signed.
    clients: Arc<dyn ClientCertVerifier>,
    clock: Clock,
    tokens: Cache<String, Option<User>>,
    decisions: Cache<(User, Attempt), bool>,
}

// === impl Denied ===

impl Denied {
    /// The status of the answer. Its body is [`Denied::body`].
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Unknown { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the answer says: those that were recorded end with a newline, and the one that was not
    /// has none in `pkg/kubelet/server/server.go`.
    pub fn body(&self) -> String {
        match self {
            Self::Unauthorized | Self::Forbidden { .. } => format!("{self}\n"),
            Self::Unknown { .. } => self.to_string(),
        }
    }
}

// === impl Gate ===

impl Gate {
    pub(crate) fn new(
        node: &str,
        reviewer: Arc<dyn Reviewer>,
        clients: Arc<dyn ClientCertVerifier>,
        clock: Clock,
    ) -> Self {
        Self {
            node: node.to_owned(),
            reviewer,
            clients,
            clock,
            tokens: Cache::default(),
            decisions: Cache::default(),
        }
    }

    /// Whether a request may be answered. As with a real kubelet, a good certificate counts before
    /// the token, and a bad one for nothing.
    pub(crate) async fn check(&self, peer: &Peer, request: &Parts) -> Result<(), Denied> {
        let user = match self.certified(peer) {
            Some(user) => user,
            None => self.user(&request.headers).await.ok_or(Denied::Unauthorized)?,
        };
        let verb = verb(&request.method);
        let subresources = paths::subresources(request.uri.path());
        for subresource in subresources.iter().copied() {
            let attempt = Attempt { verb, subresource, node: self.node.clone() };
            match self.may(&user, attempt).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(node = self.node, err = %error, "Authorization failed");
                    return Err(Denied::Unknown { user: user.name, verb, subresource });
                }
            }
        }
        Err(Denied::Forbidden { user: user.name, verb, subresources })
    }

    /// Whom the peer's certificate is for.
    fn certified(&self, peer: &Peer) -> Option<User> {
        let (leaf, others) = peer.certificates.split_first()?;
        let now = Duration::try_from(self.clock.now().as_duration()).ok()?;
        let now = UnixTime::since_unix_epoch(now);
        if let Err(error) = self.clients.verify_client_cert(leaf, others, now) {
            tracing::debug!(node = self.node, err = %error, "A client's certificate is not good");
            return None;
        }
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let subject = certificate.subject();
        let text = |value: &AttributeTypeAndValue<'_>| value.as_str().ok().map(str::to_owned);
        let name = subject.iter_common_name().find_map(text)?;
        let mut groups: Vec<_> = subject.iter_organization().filter_map(text).collect();
        groups.push("system:authenticated".to_owned());
        Some(User { name, groups, ..User::default() })
    }

    async fn user(&self, headers: &HeaderMap) -> Option<User> {
        let token = bearer_token(headers)?;
        if let Some(known) = self.tokens.get(token) {
            return known;
        }
        match self.reviewer.user(token).await {
            Ok(user) => {
                self.tokens.insert(token.to_owned(), user.clone(), TOKEN_TTL);
                user
            }
            Err(error) => {
                tracing::debug!(node = self.node, err = %error, "Authentication failed");
                None
            }
        }
    }

    async fn may(&self, user: &User, attempt: Attempt) -> Result<bool, ReviewError> {
        let key = (user.clone(), attempt);
        if let Some(known) = self.decisions.get(&key) {
            return Ok(known);
        }
        let allowed = self.reviewer.allowed(&key.0, &key.1).await?;
        self.decisions.insert(key, allowed, if allowed { ALLOWED_TTL } else { REFUSED_TTL });
        Ok(allowed)
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let token = token.split(' ').next().filter(|token| !token.is_empty())?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::GET => "get",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
