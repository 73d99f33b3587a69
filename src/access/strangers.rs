//! What is logged of requests by whoever is not believed. An API server whose certificate is not
//! asks many times a minute, and anybody who reaches the port can ask as often as they like.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ring::digest;
use rustls::pki_types::CertificateDer;
use tokio::time::Instant;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, time::ASN1Time, x509::X509Name};

use super::authentication::NotBelieved;

/// What goes on is said again this long after it was said.
const SAID_AGAIN: Duration = Duration::from_mins(5);

/// How many troubles are told apart. The rest are counted as one.
const MOST: usize = 50;

/// The most that is said of a name in a certificate, in characters.
const NAME: usize = 200;

/// Says once what is wrong with whom, and then now and then with a count.
#[derive(Default)]
pub(super) struct Strangers(Mutex<Troubles>);

#[derive(Default)]
struct Troubles {
    known: BTreeMap<Key, Trouble>,
    others: Option<Trouble>,
}

/// Which kinds of reasons, and the digest of which certificate.
type Key = (Vec<Cow<'static, str>>, Option<Vec<u8>>);

struct Trouble {
    said: Instant,
    last: Instant,
    /// Requests since it was said.
    unsaid: u64,
}

/// What a certificate says of itself.
#[derive(Default)]
struct Shown {
    subject: Option<String>,
    issuer: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
}

// === impl Strangers ===

impl Strangers {
    /// A request was not believed for this reason, with this certificate if any.
    pub(super) fn note(&self, error: &NotBelieved, certificate: Option<&CertificateDer<'_>>) {
        let due = self.due(error, certificate, Instant::now());
        let Shown { subject, issuer, not_before, not_after } =
            certificate.map(Shown::by).unwrap_or_default();
        let Some(requests) = due else {
            tracing::debug!(err = %error, subject, "Unable to authenticate the request");
            return;
        };
        tracing::error!(
            err = %error,
            cure = error.cure(),
            subject,
            issuer,
            notBefore = not_before,
            notAfter = not_after,
            requests = (requests > 1).then_some(requests),
            "Unable to authenticate the request"
        );
    }

    /// How many requests are to be said, if it is time.
    fn due(
        &self,
        error: &NotBelieved,
        certificate: Option<&CertificateDer<'_>>,
        now: Instant,
    ) -> Option<u64> {
        let digest =
            |der: &CertificateDer<'_>| digest::digest(&digest::SHA256, der).as_ref().to_vec();
        let key = (error.kinds(), certificate.map(digest));
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Troubles { known, others } = &mut *troubles;
        if known.len() >= MOST && !known.contains_key(&key) {
            known.retain(|_, trouble| now.duration_since(trouble.last) < SAID_AGAIN);
        }
        let is_known = known.len() < MOST || known.contains_key(&key);
        let trouble = if is_known { known.get_mut(&key) } else { others.as_mut() };
        if let Some(trouble) = trouble {
            return trouble.again(now);
        }
        let new = Trouble { said: now, last: now, unsaid: 0 };
        if is_known {
            known.insert(key, new);
        } else {
            *others = Some(new);
        }
        Some(1)
    }
}

// === impl Trouble ===

impl Trouble {
    fn again(&mut self, now: Instant) -> Option<u64> {
        self.last = now;
        self.unsaid += 1;
        (now.duration_since(self.said) >= SAID_AGAIN).then(|| {
            self.said = now;
            std::mem::take(&mut self.unsaid)
        })
    }
}

// === impl Shown ===

impl Shown {
    fn by(certificate: &CertificateDer<'_>) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return Self::default();
        };
        let name = |name: &X509Name<'_>| Some(name.to_string().chars().take(NAME).collect());
        let time = |time: ASN1Time| {
            let time = jiff::Timestamp::from_second(time.timestamp()).ok()?;
            Some(time.to_string())
        };
        let validity = certificate.validity();
        Self {
            subject: name(certificate.subject()),
            issuer: name(certificate.issuer()),
            not_before: time(validity.not_before),
            not_after: time(validity.not_after),
        }
    }
}
