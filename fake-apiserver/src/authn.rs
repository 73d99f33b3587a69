//! Authentication: a client certificate that TLS has verified, a bearer token, or anonymous.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, header};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::serve::Peer;

/// The group of all authenticated users.
const AUTHENTICATED: &str = "system:authenticated";

/// An authenticated user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name in rules and messages.
    pub name: String,
    /// Differs when a name is used again; often empty.
    pub uid: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// `extra` of the authenticator.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The bearer tokens in use.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    users: BTreeMap<String, User>,
    /// Those that have expired.
    expired: BTreeSet<String>,
}

/// An invalid bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidToken {
    #[error("invalid bearer token")]
    Unknown,
    /// The message of older versions, which is the one that searches find.
    #[error("[invalid bearer token, Token has expired.]")]
    Expired,
}

// === impl User ===

impl User {
    /// A user of that name in those groups.
    pub fn new(name: impl Into<String>, groups: &[&str]) -> Self {
        Self {
            name: name.into(),
            groups: groups.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }

    /// A service account, in the groups that every service account is in.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::new(
            format!("system:serviceaccount:{namespace}:{name}"),
            &["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}")],
        )
    }

    pub(super) fn anonymous() -> Self {
        Self::new("system:anonymous", &["system:unauthenticated"])
    }

    fn authenticated(mut self) -> Self {
        if !self.groups.iter().any(|group| group == AUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }
}

// === impl Tokens ===

impl Tokens {
    pub(super) fn add(&mut self, token: &str, user: User) {
        self.users.insert(token.to_owned(), user.authenticated());
    }

    pub(super) fn add_expired(&mut self, token: &str) {
        self.expired.insert(token.to_owned());
    }

    pub(super) fn remove(&mut self, token: &str) {
        self.users.remove(token);
    }

    pub(super) fn user(&self, token: &str) -> Result<User, InvalidToken> {
        if self.expired.contains(token) {
            return Err(InvalidToken::Expired);
        }
        self.users.get(token).cloned().ok_or(InvalidToken::Unknown)
    }

    /// The user of a request. As in the real API server, a certificate wins over a token, and a
    /// wrong token does not make the user anonymous.
    pub(super) fn authenticate(
        &self,
        peer: Option<&Peer>,
        headers: &HeaderMap,
    ) -> Result<User, InvalidToken> {
        if let Some(user) = peer.and_then(user_of_certificate) {
            return Ok(user);
        }
        bearer(headers).map_or_else(|| Ok(User::anonymous()), |token| self.user(token))
    }
}

fn user_of_certificate(peer: &Peer) -> Option<User> {
    let (_, certificate) = X509Certificate::from_der(peer.certificates.first()?).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?;
    let groups: Vec<&str> =
        subject.iter_organization().filter_map(|group| group.as_str().ok()).collect();
    Some(User::new(name, &groups).authenticated())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
