//! Who asks: the word of a front proxy, a client certificate, a bearer token, or nobody; asked in
//! this order, as in the Go server.

use std::{borrow::Cow, fmt::Write, sync::Arc, time::Duration};

use http::{HeaderMap, header};
use net::Clock;
use ring::digest;
use rustls::pki_types::CertificateDer;
use tls::x509::X509Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{
    User,
    cache::{Answer, Cache, Hasher},
    reviews::{ReviewError, Reviewer},
    trust::Trust,
};
use crate::serving::Peer;

/// Where it is said which credential named a user.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// Finds out who asks.
pub(super) struct Authenticator {
    clock: Clock,
    reviewer: Arc<Reviewer>,
    hasher: Hasher,
    tokens: Arc<Cache<Option<User>, ReviewError>>,
    ttl: Duration,
}

/// What somebody shows is not believed, or cannot be judged: all reasons, in the order in which
/// they were found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub(super) struct NotBelieved(Vec<Doubt>);

/// One reason not to believe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Doubt {
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

    /// The user of a request. What is not believed outweighs having shown nothing else: who shows
    /// a wrong token is not taken for anonymous.
    pub(super) async fn user(
        &self,
        trust: &Trust,
        peer: Option<&Peer>,
        headers: &HeaderMap,
    ) -> Result<User, NotBelieved> {
        let mut doubts = Vec::new();
        let chain = peer.map(|peer| &*peer.certificates).unwrap_or_default();
        if !chain.is_empty() {
            for user in [self.proxied(trust, chain, headers), self.certified(trust, chain)] {
                match user {
                    Ok(Some(user)) => return Ok(user.authenticated()),
                    Ok(None) => {}
                    Err(doubt) => doubts.push(doubt),
                }
            }
        }
        if let Some(token) = bearer(headers) {
            match self.token(token).await {
                Ok(Some(user)) => return Ok(user.authenticated()),
                Ok(None) => doubts.push(Doubt::Token),
                Err(error) => doubts.push(error.into()),
            }
        }
        if doubts.is_empty() { Ok(User::anonymous()) } else { Err(NotBelieved(doubts)) }
    }

    fn proxied(
        &self,
        trust: &Trust,
        chain: &[CertificateDer<'static>],
        headers: &HeaderMap,
    ) -> Result<Option<User>, Doubt> {
        let Some(proxies) = &trust.proxies else { return Ok(None) };
        proxies.verify(chain, &self.clock)?;
        let name = subject(&chain[0]).map(|subject| subject.name).unwrap_or_default();
        if trust.rules.allow(&name) {
            Ok(trust.rules.user(headers))
        } else {
            Err(Doubt::ProxyName(name))
        }
    }

    fn certified(
        &self,
        trust: &Trust,
        chain: &[CertificateDer<'static>],
    ) -> Result<Option<User>, Doubt> {
        let Some(clients) = &trust.clients else { return Ok(None) };
        clients.verify(chain, &self.clock)?;
        Ok(subject(&chain[0]).filter(|user| !user.name.is_empty()))
    }

    async fn token(&self, token: &str) -> Result<Option<User>, ReviewError> {
        let (reviewer, token, holds) = (self.reviewer.clone(), token.to_owned(), self.ttl);
        let key = self.hasher.key(token.as_bytes());
        let ask = async move {
            let value = reviewer.token(token).await?;
            Ok(Answer { value, holds })
        };
        self.tokens.answer(key, ask).await
    }
}

/// The user whom a certificate names: common name and organizations.
fn subject(certificate: &CertificateDer<'_>) -> Option<User> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let subject = parsed.subject();
    let name = subject.iter_common_name().last().and_then(|name| name.as_str().ok());
    let groups = subject.iter_organization().filter_map(|group| group.as_str().ok());
    let mut id = "X509SHA256=".to_owned();
    for byte in digest::digest(&digest::SHA256, certificate).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    Some(User {
        name: name.unwrap_or_default().to_owned(),
        groups: groups.map(str::to_owned).collect(),
        extra: [(CREDENTIAL_ID.to_owned(), vec![id])].into(),
        ..User::default()
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let mut parts = text.splitn(3, ' ');
    let is_bearer = parts.next()?.eq_ignore_ascii_case("bearer");
    parts.next().filter(|token| is_bearer && !token.is_empty())
}

// === impl NotBelieved ===

impl NotBelieved {
    /// What cures it. Of a certificate, one of the two CAs knows nothing by design: what the other
    /// one says is to be looked at.
    pub(super) fn cure(&self) -> &'static str {
        let is_strange =
            |doubt: &&Doubt| **doubt == Doubt::Certificate(X509Error::UnknownAuthority);
        let doubt = self.0.iter().find(|doubt| !is_strange(doubt)).or(self.0.first());
        match doubt {
            Some(Doubt::Certificate(X509Error::OutOfTime { .. })) => {
                "renew the client's certificate, or set the clocks right"
            }
            Some(Doubt::Certificate(X509Error::OtherKey { .. })) => {
                "the CA was replaced: see that kube-system/extension-apiserver-authentication, --client-ca-file or --requestheader-client-ca-file has the new one, and that the client shows a certificate of it"
            }
            Some(Doubt::Certificate(_)) => {
                "show a certificate of a CA in kube-system/extension-apiserver-authentication, --client-ca-file or --requestheader-client-ca-file"
            }
            Some(Doubt::ProxyName(_)) => {
                "add the name to the API server's --requestheader-allowed-names"
            }
            Some(Doubt::Token) | None => {
                "ask with a token that this cluster gave out and that has not expired"
            }
            Some(Doubt::Review(error)) => error.cure,
        }
    }

    /// What kinds of reasons they are: words may have times in them.
    pub(super) fn kinds(&self) -> Vec<Cow<'static, str>> {
        let kind = |doubt: &Doubt| match doubt {
            Doubt::Certificate(X509Error::OutOfTime { side, .. }) => (*side).into(),
            Doubt::Certificate(X509Error::UnknownAuthority) => "unknown authority".into(),
            Doubt::Certificate(X509Error::OtherKey { .. }) => "other key".into(),
            Doubt::Certificate(_) => "certificate".into(),
            Doubt::ProxyName(_) => "proxy name".into(),
            Doubt::Token => "token".into(),
            Doubt::Review(error) => error.reason.clone().into(),
        };
        self.0.iter().map(kind).collect()
    }
}

/// As Go writes several errors in one: each once.
fn list(doubts: &[Doubt]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in doubts.iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match &texts[..] {
        [only] => only.clone(),
        texts => format!("[{}]", texts.join(", ")),
    }
}
