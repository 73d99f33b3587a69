use jiff::Timestamp;

use super::SignatureError;

/// Why a certificate is rejected, in the words of Go's crypto/x509.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// Its time is over, or has not come.
    #[error(
        "x509: certificate has expired or is not yet valid: current time {now} is {side} {limit}"
    )]
    OutOfTime {
        /// The time at which it was verified.
        now: Timestamp,
        /// `before` or `after`.
        side: &'static str,
        /// The limit it violates.
        limit: Timestamp,
    },
    /// Requested by IP address, and it has none.
    #[error(
        "x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
    )]
    NoIpSans {
        /// The requested address.
        wanted: String,
    },
    /// It has no name at all of the requested kind.
    #[error("x509: certificate is not valid for any names, but wanted to match {wanted}")]
    NoNames {
        /// The requested name.
        wanted: String,
    },
    /// It is for other names.
    #[error("x509: certificate is valid for {valid_for}, not {wanted}")]
    OtherName {
        /// The names it is valid for.
        valid_for: String,
        /// The requested name or address.
        wanted: String,
    },
    /// It has its name where names stood long ago.
    #[error("x509: certificate relies on legacy Common Name field, use SANs instead")]
    LegacyName,
    /// It is not signed by a trusted CA.
    #[error("x509: certificate signed by unknown authority")]
    UnknownAuthority,
    /// An authority that we know has the name of the one that has signed it, and has not signed
    /// it: it is the one before a rotation, or after.
    #[error(
        "x509: certificate signed by unknown authority (possibly because of {:?} while trying to verify candidate authority certificate {authority:?})",
        why.to_string()
    )]
    OtherKey {
        /// What is wrong with the signature.
        why: SignatureError,
        /// The authority's common name.
        authority: String,
    },
    /// It, or an authority on the way, is not for this.
    #[error("x509: certificate specifies an incompatible key usage")]
    Usage,
    /// Anything else.
    #[error("x509: {0}")]
    Other(String),
}

// === impl X509Error ===

impl X509Error {
    /// The same error found again at another time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        match self {
            Self::OutOfTime { side, limit, .. } => Self::OutOfTime { now, side, limit },
            other => other,
        }
    }
}
