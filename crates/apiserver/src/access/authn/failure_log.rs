//! Logs failed authentication and authorization without a line for each request. An API server with
//! an invalid certificate sends many requests a minute, and any client that reaches the port can
//! send any number.

use std::borrow::Cow;

use aws_lc_rs::digest;
use diagnosis::Cause;
use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, time::ASN1Time, x509::X509Name};

use super::{AuthenticationError, extension_config_map::NO_FRONT_PROXY};
use crate::{access::review::ReviewError, log_limit::LogLimit};

/// The longest name of a certificate that is logged, in characters.
const NAME_LENGTH: usize = 200;

/// Logs each failure once, and while it continues every five minutes with a count.
#[derive(Default)]
pub(in crate::access) struct FailureLog(LogLimit<Key>);

/// The kinds of causes, and the digest of the certificate.
type Key = (Vec<Cow<'static, str>>, Option<Vec<u8>>);

/// The fields of a certificate that are logged.
#[derive(Default)]
struct CertificateFields {
    subject: Option<String>,
    issuer: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
}

// === impl FailureLog ===

impl FailureLog {
    /// Authentication of a request failed; its client certificate, if it had one.
    pub(in crate::access) fn authentication(
        &self,
        error: &AuthenticationError,
        certificate: Option<&CertificateDer<'_>>,
    ) {
        let digest =
            |der: &CertificateDer<'_>| digest::digest(&digest::SHA256, der).as_ref().to_vec();
        let due = self.0.due((error.kinds(), certificate.map(digest)));
        let CertificateFields { subject, issuer, not_before, not_after } =
            certificate.map(CertificateFields::of).unwrap_or_default();
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

    /// A request names a user as front proxies do, and there is no front proxy: it is anonymous.
    pub(in crate::access) fn no_front_proxy(&self) {
        let Some(requests) = self.0.due((vec!["no front proxy".into()], None)) else { return };
        tracing::error!(
            err = NO_FRONT_PROXY,
            cure = Cause::NoFrontProxy.cure(),
            requests = (requests > 1).then_some(requests),
            "Ignored the user that a request names: it is anonymous"
        );
    }

    /// A permission could not be reviewed.
    pub(in crate::access) fn authorization(&self, error: &ReviewError) {
        let Some(requests) =
            self.0.due((vec!["authorization".into(), error.reason.clone().into()], None))
        else {
            tracing::debug!(err = %error, "Failed to make webhook authorizer request");
            return;
        };
        tracing::error!(
            err = %error,
            cure = error.cure,
            requests = (requests > 1).then_some(requests),
            "Failed to make webhook authorizer request"
        );
    }
}

// === impl CertificateFields ===

impl CertificateFields {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return Self::default();
        };
        let name = |name: &X509Name<'_>| Some(name.to_string().chars().take(NAME_LENGTH).collect());
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
