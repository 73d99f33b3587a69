//! A serving certificate and its key, in files that may change while the server runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use net::{Clock, errno};
use rustls::{
    Error as TlsError, InconsistentKeys,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::provider;

/// The flags that name a certificate and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagNames {
    /// Names the certificate's file, such as `--tls-cert-file`.
    pub certificate: &'static str,
    /// Names the key's file.
    pub key: &'static str,
}

/// Files that cannot be used to serve with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyPairError {
    /// One of them cannot be used.
    #[error("failed to read {} for {flag}: {cause}; pass a PEM file that this process may read", file.display())]
    File {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// They do not go together.
    #[error(
        "failed to use {} with {} for {flag}: {cause}; pass the private key of the certificate", certificate.display(), key.display()
    )]
    Mismatch {
        /// The flag that names the key.
        flag: &'static str,
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

/// A certificate and its key, and what the files held when they were last good.
#[derive(Debug)]
pub struct KeyPair {
    flags: FlagNames,
    certificate: PathBuf,
    key: PathBuf,
    /// What clients may call the server for this certificate; empty for the names in it.
    names: Vec<String>,
    held: Contents,
    shown: Arc<CertifiedKey>,
    /// What is wrong with the files now: said once.
    trouble: Option<KeyPairError>,
}

#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

// === impl KeyPair ===

impl KeyPair {
    /// Reads both files.
    pub fn read(
        flags: FlagNames,
        certificate: &Path,
        key: &Path,
        names: Vec<String>,
    ) -> Result<Self, KeyPairError> {
        let held = contents(flags, certificate, key)?;
        let shown = Arc::new(certified(flags, certificate, key, &held)?);
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self { flags, certificate, key, names, held, shown, trouble: None })
    }

    /// The certificate with its key.
    pub fn shown(&self) -> Arc<CertifiedKey> {
        self.shown.clone()
    }

    /// The names given for it.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads the files again, and tells whether there is something new to show. What cannot be
    /// used is said once, and changes nothing: a certificate and its key are not written in one
    /// step.
    pub fn look_again(&mut self) -> bool {
        let Self { flags, certificate, key, held, .. } = self;
        let read = contents(*flags, certificate, key).and_then(|now| {
            let changed = now != *held;
            let shown = changed.then(|| certified(*flags, certificate, key, &now)).transpose()?;
            Ok(shown.map(|shown| (now, shown)))
        });
        match read {
            Ok(changed) => {
                self.trouble = None;
                let Some((held, shown)) = changed else { return false };
                (self.held, self.shown) = (held, Arc::new(shown));
                tracing::info!(certificate = %self.certificate.display(), "Reloaded the serving certificate");
                true
            }
            Err(error) => {
                if self.trouble.as_ref() != Some(&error) {
                    tracing::error!(err = %error, "Failed to reload the serving certificate, continuing with the previous one");
                    self.trouble = Some(error);
                }
                false
            }
        }
    }

    /// Says when the certificate is of no use to those who verify it.
    pub fn warn_of_expiry(&self, clock: &Clock) {
        let Some(leaf) = self.shown.cert.first() else { return };
        let Ok((_, parsed)) = X509Certificate::from_der(leaf) else { return };
        if parsed.validity().not_after.timestamp() < clock.now().as_second() {
            let cure = "renew it; no restart is needed";
            tracing::error!(certificate = %self.certificate.display(), cure, "The serving certificate has expired");
        }
    }
}

fn contents(flags: FlagNames, certificate: &Path, key: &Path) -> Result<Contents, KeyPairError> {
    let read = |flag, file: &Path| {
        std::fs::read(file).map_err(|error| KeyPairError::File {
            flag,
            file: file.to_owned(),
            cause: errno::file(&error),
        })
    };
    Ok(Contents { certificate: read(flags.certificate, certificate)?, key: read(flags.key, key)? })
}

fn certified(
    flags: FlagNames,
    certificate: &Path,
    key: &Path,
    held: &Contents,
) -> Result<CertifiedKey, KeyPairError> {
    let wrong = |flag, file: &Path, cause: String| KeyPairError::File {
        flag,
        file: file.to_owned(),
        cause,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&held.certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(flags.certificate, certificate, error.to_string()))?;
    if chain.is_empty() {
        let cause = "it holds no PEM certificate".to_owned();
        return Err(wrong(flags.certificate, certificate, cause));
    }
    let private = PrivateKeyDer::from_pem_slice(&held.key).map_err(|error| {
        let cause = match error {
            pem::Error::NoItemsFound => "it holds no PEM private key".to_owned(),
            other => other.to_string(),
        };
        wrong(flags.key, key, cause)
    })?;
    CertifiedKey::from_der(chain, private, &provider()).map_err(|error| KeyPairError::Mismatch {
        flag: flags.key,
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        cause: match error {
            // Go's words.
            TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "tls: private key does not match public key".to_owned()
            }
            other => other.to_string(),
        },
    })
}
