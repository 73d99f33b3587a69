//! Authentication and authorization of requests to a kubelet, as the real one does them with
//! `authentication.webhook`, `authorization.mode: Webhook` and anonymous requests off.

mod cache;
pub(crate) mod paths;
mod reviewer;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION, request::Parts};
use net::Clock;
use rustls::{pki_types::UnixTime, server::danger::ClientCertVerifier};
use x509_parser::prelude::{AttributeTypeAndValue, FromDer, X509Certificate};

use self::cache::Cache;
pub use self::reviewer::{ApiServerReviewer, DenyAll, ReviewError, Reviewer};
use crate::connection::Peer;

/// How long the real kubelet caches a TokenReview, positive or negative
/// (`authentication.webhook.cacheTTL`).
const TOKEN_TTL: Duration = Duration::from_mins(2);

/// How long it caches a SubjectAccessReview that allows
/// (`authorization.webhook.cacheAuthorizedTTL`).
const ALLOWED_TTL: Duration = Duration::from_mins(5);

/// How long it caches one that denies (`authorization.webhook.cacheUnauthorizedTTL`).
const REFUSED_TTL: Duration = Duration::from_secs(30);

/// An authenticated user.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    /// Such as `system:serviceaccount:kube-system:metrics-server`.
    pub name: String,
    /// Its unique id, if it has one.
    pub uid: Option<String>,
    /// Groups it belongs to.
    pub groups: Vec<String>,
    /// Extra fields of its authenticator.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What a request is authorized for, in terms of RBAC: a verb on `nodes/<subresource>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeAttributes {
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
    /// The client is not authenticated, or the TokenReview failed.
    #[error("Unauthorized")]
    Unauthorized,
    /// The user is not allowed to.
    #[error("Forbidden (user={user}, verb={verb}, resource=nodes, subresource(s)=[{}])", subresources.join(" "))]
    Forbidden {
        /// The user.
        user: String,
        /// The verb.
        verb: &'static str,
        /// Any of these would have been enough.
        subresources: &'static [&'static str],
    },
    /// The SubjectAccessReview failed.
    #[error(
        "Authorization error (user={user}, verb={verb}, resource=nodes, subresource={subresource})"
    )]
    Unknown {
        /// The user.
        user: String,
        /// The verb.
        verb: &'static str,
        /// The subresource.
        subresource: &'static str,
    },
}

/// Authenticates and authorizes the requests of one kubelet.
pub(crate) struct Authorizer {
    node: String,
    reviewer: Arc<dyn Reviewer>,
    /// Verifies client certificates of the cluster's CA.
    clients: Arc<dyn ClientCertVerifier>,
    clock: Clock,
    tokens: Cache<String, Option<User>>,
    decisions: Cache<(User, NodeAttributes), bool>,
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

    /// The body of the answer. Recorded ones end with a newline; the one that could not be recorded
    /// has none in `pkg/kubelet/server/server.go`.
    pub fn body(&self) -> String {
        match self {
            Self::Unauthorized | Self::Forbidden { .. } => format!("{self}\n"),
            Self::Unknown { .. } => self.to_string(),
        }
    }
}

// === impl Authorizer ===

impl Authorizer {
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

    /// Whether a request is allowed. As with a real kubelet, a valid certificate comes before the
    /// token, and an invalid one is ignored.
    pub(crate) async fn check(&self, peer: &Peer, request: &Parts) -> Result<(), Denied> {
        let user = match self.certificate_user(peer) {
            Some(user) => user,
            None => self.token_user(&request.headers).await.ok_or(Denied::Unauthorized)?,
        };
        let verb = verb(&request.method);
        let subresources = paths::subresources(request.uri.path());
        for subresource in subresources.iter().copied() {
            let attributes = NodeAttributes { verb, subresource, node: self.node.clone() };
            match self.is_allowed(&user, attributes).await {
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

    /// The user of the peer's certificate.
    fn certificate_user(&self, peer: &Peer) -> Option<User> {
        let (leaf, others) = peer.certificates.split_first()?;
        let now = Duration::try_from(self.clock.now().as_duration()).ok()?;
        let now = UnixTime::since_unix_epoch(now);
        if let Err(error) = self.clients.verify_client_cert(leaf, others, now) {
            tracing::debug!(node = self.node, err = %error, "Client certificate is not valid");
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

    async fn token_user(&self, headers: &HeaderMap) -> Option<User> {
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

    async fn is_allowed(
        &self,
        user: &User,
        attributes: NodeAttributes,
    ) -> Result<bool, ReviewError> {
        let key = (user.clone(), attributes);
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
