//! A certificate with its private key, in files that may change while the program runs.

use net::{Clock, DynamicFile, FileError, FileKind, FileSource, Files, Malformed};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{
    handshake::{SMALLEST_RSA, small_rsa},
    pem::{self, Certificates},
    provider,
};

/// What to do where the key is another certificate's.
const MISMATCH: &str = "pass the private key of the certificate";

/// A private key that cannot be used with its certificate.
#[derive(Debug, thiserror::Error)]
pub enum KeyPairError {
    /// It is another certificate's: Go's words.
    #[error("tls: private key does not match public key")]
    Mismatch,
    /// There is no certificate, or one that cannot be read.
    #[error("failed to parse certificate: {0}")]
    Certificate(String),
    /// The key is of a kind that cannot be used, or is malformed.
    #[error("failed to parse private key: {0}")]
    Key(String),
}

/// Follows the files `certificate` and `key`; what they hold is what `then` makes of the pair.
pub fn open<T: Clone>(
    files: &Files,
    kind: FileKind,
    [certificate, key]: [FileSource; 2],
    clock: &Clock,
    then: impl Fn(CertifiedKey) -> T + Send + Sync + 'static,
) -> Result<DynamicFile<T>, FileError> {
    let (clock, file) = (clock.clone(), certificate.path.clone());
    files.open(kind, vec![certificate, key], move |content| {
        let pair = parse(&content[0], &content[1])?;
        warn_of_expiry(kind, &file.display(), &pair, &clock);
        Ok(then(pair))
    })
}

/// A certificate chain and its key in PEM; what is wrong is with the first or second of them.
pub fn parse(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, Malformed> {
    let chain = Certificates::parse(chain)?.readable;
    let of_key = |cause, cure| Malformed { index: 1, cause, cure };
    let key = pem::private_key(key).map_err(|cause| of_key(cause, None))?;
    certified(chain, key).map_err(|error| match error {
        KeyPairError::Certificate(_) => error.to_string().into(),
        KeyPairError::Mismatch => of_key(error.to_string(), Some(MISMATCH)),
        KeyPairError::Key(_) => of_key(error.to_string(), None),
    })
}

/// A certificate chain, leaf first, with the leaf's private key.
pub fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, KeyPairError> {
    let leaf = chain.first().ok_or_else(|| KeyPairError::Certificate("no certificate".into()))?;
    let (_, leaf) = X509Certificate::from_der(leaf)
        .map_err(|error| KeyPairError::Certificate(error.to_string()))?;
    let signing = provider().key_provider.load_private_key(key);
    // The library's own error has no reason.
    let signing = signing.map_err(|_| {
        KeyPairError::Key(match small_rsa(leaf.public_key()) {
            Some(bits) => {
                format!("an RSA key of {bits} bits, which must have {SMALLEST_RSA} or more")
            }
            None => {
                "it is none of RSA up to 8192 bits, ECDSA on P-256, P-384 and P-521, and Ed25519"
                    .to_owned()
            }
        })
    })?;
    // rustls would compare them too, but reads no certificate of version 1.
    if signing.public_key().is_some_and(|key| key.as_ref() != leaf.public_key().raw) {
        return Err(KeyPairError::Mismatch);
    }
    Ok(CertifiedKey::new(chain, signing))
}

fn warn_of_expiry(
    kind: FileKind,
    file: &dyn std::fmt::Display,
    pair: &CertifiedKey,
    clock: &Clock,
) {
    let Some(Ok((_, leaf))) = pair.cert.first().map(|leaf| X509Certificate::from_der(leaf)) else {
        return;
    };
    if leaf.validity().not_after.timestamp() < clock.now().as_second() {
        let cure = "renew it; no restart is needed";
        tracing::error!(certificate = %file, cure, "The {} has expired", kind.name);
    }
}
