//! Who asks: a client certificate that TLS has verified, a bearer token, or nobody.

use std::collections::{BTreeMap, BTreeSet};

use apiserver::serving::Peer;
use http::{HeaderMap, header};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The group of everybody who said who they are.
const AUTHENTICATED: &str = "system:authenticated";

/// A user as the API server knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name rules and messages call them by.
    pub name: String,
    /// What stays the same when a name is used again; often empty.
    pub uid: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// More that the authenticator knows of them.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The bearer tokens in use.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    users: BTreeMap<String, User>,
    /// Those whose time is over.
    over: BTreeSet<String>,
}

/// What a request shows is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidToken {
    #[error("invalid bearer token")]
    Unknown,
    /// In the words of older versions, which people search for.
    #[error("[invalid bearer token, Token has expired.]")]
    Over,
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

    pub(super) fn add_over(&mut self, token: &str) {
        self.over.insert(token.to_owned());
    }

    pub(super) fn remove(&mut self, token: &str) {
        self.users.remove(token);
    }

    pub(super) fn user(&self, token: &str) -> Result<User, InvalidToken> {
        if self.over.contains(token) {
            return Err(InvalidToken::Over);
        }
        self.users.get(token).cloned().ok_or(InvalidToken::Unknown)
    }

    /// The user of a request. As in the real API server, a certificate wins over a token, and a
    /// wrong token is not taken for nobody's.
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
