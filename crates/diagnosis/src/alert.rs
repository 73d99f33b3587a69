//! TLS alerts, in Go's words.

use crate::Cause;

/// Why a kubelet ended a handshake with the alert `words`.
pub fn cause_of_alert(words: &str) -> Cause {
    match words {
        "certificate required" => Cause::ClientCertificateRequired,
        "bad certificate"
        | "unsupported certificate"
        | "revoked certificate"
        | "expired certificate"
        | "unknown certificate"
        | "unknown certificate authority"
        | "access denied" => Cause::ClientCertificateRefused,
        // What Go's servers say that have no certificate for the handshake.
        "internal error" => Cause::TlsAlert,
        _ => Cause::Tls,
    }
}
