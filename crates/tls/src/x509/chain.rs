//! From a certificate to a trusted CA, by the rules of Go's crypto/x509.
//!
//! webpki accepts nearly all certificates that Go accepts. This module decides about the others:
//! those that webpki does not support, such as certificates of version 1 and of servers that are
//! CAs too. It also gives Go's error for those that are rejected.

use jiff::Timestamp;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, UnixTime},
};
use x509_parser::{
    certificate::X509Certificate,
    oid_registry::{
        OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_CERTIFICATE_POLICIES,
        OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS,
        OID_X509_EXT_SUBJECT_ALT_NAME,
    },
    prelude::{FromDer, X509Extension},
};

use super::{Authorities, SignatureError, X509Error, signature};

/// The most signatures that are checked for one certificate, as in Go.
const MOST_CHECKS: usize = 100;

/// The most intermediates that a peer may send. webpki takes no longer chain of CAs; Go has no limit
/// but that of signature checks. Each intermediate more costs signature checks, and the peer chooses
/// how many it sends.
const MAX_INTERMEDIATES: usize = 6;

/// Searches for a chain from certificates to CAs.
pub struct Chain<'a> {
    authorities: &'a Authorities,
    usage: Usage,
    now: UnixTime,
    provider: &'a CryptoProvider,
}

/// What a certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// By a server.
    Server,
    /// By a client.
    Client,
}

/// Certificates that the way may lead over, and how many signatures may still be checked.
struct Search<'s> {
    candidates: &'s [Candidate<'s>],
    checks: usize,
}

struct Candidate<'c> {
    certificate: X509Certificate<'c>,
    is_root: bool,
}

// === impl Chain ===

impl<'a> Chain<'a> {
    /// Verification for `usage` at the time `now`.
    pub fn new(
        authorities: &'a Authorities,
        usage: Usage,
        now: UnixTime,
        provider: &'a CryptoProvider,
    ) -> Self {
        Self { authorities, usage, now, provider }
    }

    /// What can be checked of a certificate without its issuers.
    pub fn check_alone(&self, certificate: &X509Certificate<'_>) -> Result<(), X509Error> {
        if certificate.extensions().iter().any(is_unhandled) {
            return Err(X509Error::Other("unhandled critical extension".to_owned()));
        }
        check_time(certificate, self.now)?;
        self.check_usage(certificate)
    }

    /// Whether a chain leads from `leaf`, which has been checked alone, to a CA.
    pub fn verify(
        &self,
        leaf: &X509Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<(), X509Error> {
        let roots = self.authorities.certificates().iter().map(|root| (root, true));
        let all = roots.chain(intermediates.iter().map(|intermediate| (intermediate, false)));
        let candidates: Vec<_> = all.filter_map(|(der, is_root)| read(der, is_root)).collect();
        let mut search = Search { candidates: &candidates, checks: MOST_CHECKS };
        self.climb(&mut vec![leaf], &mut search)
    }

    /// Extends `chain` from its last certificate.
    fn climb<'s>(
        &self,
        chain: &mut Vec<&'s X509Certificate<'s>>,
        search: &mut Search<'s>,
    ) -> Result<(), X509Error> {
        let Some(&last) = chain.last() else { return Err(X509Error::UnknownAuthority) };
        let (mut hint, mut wrong) = (None, None);
        for Candidate { certificate, is_root } in search.candidates {
            let is_issuer = certificate.subject().as_raw() == last.issuer().as_raw();
            if !is_issuer || chain.iter().any(|other| is_same(certificate, other)) {
                continue;
            }
            if search.checks == 0 {
                return Err(X509Error::Other(
                    "signature check attempts limit reached while verifying certificate chain"
                        .to_owned(),
                ));
            }
            search.checks -= 1;
            let algorithms = &self.provider.signature_verification_algorithms;
            if let Err(why) = signature::check(last, certificate, algorithms) {
                hint.get_or_insert((why, certificate));
                continue;
            }
            let mut went = self.check_authority(certificate, *is_root, chain.len());
            if went.is_ok() && !is_root {
                chain.push(certificate);
                went = self.climb(chain, search);
                chain.pop();
            }
            match went {
                Ok(()) => return Ok(()),
                Err(error) => wrong = Some(error),
            }
        }
        Err(wrong.unwrap_or_else(|| unknown(hint)))
    }

    /// Whether a certificate with this many below it may be a CA.
    fn check_authority(
        &self,
        certificate: &X509Certificate<'_>,
        is_root: bool,
        below: usize,
    ) -> Result<(), X509Error> {
        self.check_alone(certificate)?;
        let broken = |error: x509_parser::error::X509Error| X509Error::Other(error.to_string());
        // Go compares names with them. Where names are constrained, a server certificate may not be
        // one that signs others, and no constraint is ignored.
        if certificate.name_constraints().map_err(broken)?.is_some() {
            let words = "a root or intermediate certificate constrains the names of an authority";
            return Err(X509Error::Other(words.to_owned()));
        }
        let constraints = certificate.basic_constraints().map_err(broken)?;
        if !is_root && !constraints.as_ref().is_some_and(|constraints| constraints.value.ca) {
            let words = "certificate is not authorized to sign other certificates";
            return Err(X509Error::Other(words.to_owned()));
        }
        let most = constraints.and_then(|constraints| constraints.value.path_len_constraint);
        if most.is_some_and(|most| below - 1 > most as usize) {
            return Err(X509Error::Other(
                "too many intermediates for path length constraint".to_owned(),
            ));
        }
        Ok(())
    }

    fn check_usage(&self, certificate: &X509Certificate<'_>) -> Result<(), X509Error> {
        let usage = certificate
            .extended_key_usage()
            .map_err(|error| X509Error::Other(error.to_string()))?;
        let Some(usage) = usage.map(|usage| usage.value) else { return Ok(()) };
        let fits = match self.usage {
            Usage::Server => usage.server_auth,
            Usage::Client => usage.client_auth,
        };
        (usage.any || fits).then_some(()).ok_or(X509Error::Usage)
    }
}

/// Refuses more intermediates than a chain can need.
pub(crate) fn check_length(intermediates: &[CertificateDer<'_>]) -> Result<(), X509Error> {
    if intermediates.len() <= MAX_INTERMEDIATES {
        return Ok(());
    }
    Err(X509Error::Other(format!(
        "too many intermediate certificates: {}, at most {MAX_INTERMEDIATES}",
        intermediates.len()
    )))
}

/// Whether an extension must be understood and is not among those that Go handles.
fn is_unhandled(extension: &X509Extension<'_>) -> bool {
    let handled = [
        OID_X509_EXT_KEY_USAGE,
        OID_X509_EXT_SUBJECT_ALT_NAME,
        OID_X509_EXT_BASIC_CONSTRAINTS,
        OID_X509_EXT_NAME_CONSTRAINTS,
        OID_X509_EXT_CERTIFICATE_POLICIES,
        OID_X509_EXT_EXTENDED_KEY_USAGE,
    ];
    extension.critical && !handled.contains(&extension.oid)
}

/// What cannot be read leads nowhere.
fn read<'c>(der: &'c CertificateDer<'_>, is_root: bool) -> Option<Candidate<'c>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Candidate { certificate, is_root })
}

/// Whether two are the same, so that a chain over both would be a circle.
fn is_same(one: &X509Certificate<'_>, other: &X509Certificate<'_>) -> bool {
    one.subject().as_raw() == other.subject().as_raw()
        && one.public_key().raw == other.public_key().raw
        && names(one) == names(other)
}

fn names<'c>(certificate: &'c X509Certificate<'_>) -> Option<&'c [u8]> {
    let mut extensions = certificate.extensions().iter();
    let names = extensions.find(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME)?;
    Some(names.value)
}

fn unknown(hint: Option<(SignatureError, &X509Certificate<'_>)>) -> X509Error {
    let Some((why, authority)) = hint else { return X509Error::UnknownAuthority };
    let subject = authority.subject();
    let name = subject.iter_common_name().chain(subject.iter_organization());
    let name = name.filter_map(|name| name.as_str().ok()).find(|name| !name.is_empty());
    let authority = name.map_or_else(|| format!("serial:{}", authority.serial), str::to_owned);
    X509Error::OtherKey { why, authority }
}

fn check_time(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), X509Error> {
    let moment = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = certificate.validity();
    let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let out = |side, limit| {
        Err(X509Error::OutOfTime { now: moment(now_seconds), side, limit: moment(limit) })
    };
    match now_seconds {
        now if now < from => out("before", from),
        now if now > to => out("after", to),
        _ => Ok(()),
    }
}
