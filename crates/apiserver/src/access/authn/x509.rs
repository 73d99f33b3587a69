//! Client certificates: verified once for each connection, and again only when the CA changes or
//! when time can change the result. Verification costs far more than a request.

use std::{fmt::Write, ops::Range, sync::Arc};

use aws_lc_rs::digest;
use net::Clock;
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use tls::{ca_bundle::Bundle, x509::X509Error};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::access::User;

/// The key of a user's extra that names the credential.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// The results for the certificates of one connection.
#[derive(Clone, Debug, Default)]
pub struct VerifiedCertificates(Arc<[Mutex<Option<Verified>>; 2]>);

/// The CAs that a certificate is verified against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) enum Ca {
    /// Of front proxies.
    RequestHeader,
    /// Of clients.
    Client,
}

#[derive(Debug)]
struct Verified {
    ca: Bundle,
    /// When the result is the same, in Unix seconds.
    valid: Range<i64>,
    result: Result<User, X509Error>,
}

// === impl VerifiedCertificates ===

impl VerifiedCertificates {
    /// The user in the subject of the first certificate of `chain`, if `bundle`, the current one of
    /// `ca`, verifies it.
    pub(in crate::access) fn user(
        &self,
        ca: Ca,
        bundle: &Bundle,
        chain: &[CertificateDer<'static>],
        clock: &Clock,
    ) -> Result<User, X509Error> {
        let now = clock.now();
        let mut verified = self.0[ca as usize].lock();
        let seconds = now.as_second();
        let current = verified
            .as_ref()
            .filter(|verified| verified.ca.is_same(bundle) && verified.valid.contains(&seconds));
        if let Some(current) = current {
            return current.result.clone().map_err(|error| error.at(now));
        }
        let result = bundle.verify(chain, clock).map(|()| subject(chain));
        let valid = unchanged(chain, seconds);
        *verified = Some(Verified { ca: bundle.clone(), valid, result: result.clone() });
        result
    }
}

/// The time around `now` in which no certificate of `chain` becomes valid or expires.
fn unchanged(chain: &[CertificateDer<'_>], now: i64) -> Range<i64> {
    let mut unchanged = i64::MIN..i64::MAX;
    for certificate in chain {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { continue };
        let validity = certificate.validity();
        // A certificate is still valid in its last second.
        for change in [validity.not_before.timestamp(), validity.not_after.timestamp() + 1] {
            if change <= now {
                unchanged.start = unchanged.start.max(change);
            } else {
                unchanged.end = unchanged.end.min(change);
            }
        }
    }
    unchanged
}

/// The user of a certificate: name and groups are its common name and organizations.
fn subject(chain: &[CertificateDer<'_>]) -> User {
    let Some(leaf) = chain.first() else { return User::default() };
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else { return User::default() };
    let subject = parsed.subject();
    let name = subject.iter_common_name().last().and_then(|name| name.as_str().ok());
    let groups = subject.iter_organization().filter_map(|group| group.as_str().ok());
    let mut id = "X509SHA256=".to_owned();
    for byte in digest::digest(&digest::SHA256, leaf).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    User {
        name: name.unwrap_or_default().to_owned(),
        groups: groups.map(str::to_owned).collect(),
        extra: [(CREDENTIAL_ID.to_owned(), vec![id])].into(),
        ..User::default()
    }
}
