//! The certificate files that flags name. They are rotated while the server runs, so they are
//! looked at again every minute.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use net::{Clock, errno};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tls::client::{TlsError, TlsOptions, client_config};
use tls::provider;
use tokio::{sync::watch, time::sleep};

/// As the Go client: certificates are rotated days before they expire.
const LOOK_EVERY: Duration = Duration::from_mins(1);

const AUTHORITY: &str = "--kubelet-certificate-authority";
const CERTIFICATE: &str = "--kubelet-client-certificate";
const KEY: &str = "--kubelet-client-key";

/// The files that a client configuration is made from, and what it takes from elsewhere.
#[derive(Debug)]
pub struct TlsFiles {
    /// What holds where there is no file.
    base: TlsOptions,
    authority: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    clock: Clock,
}

/// A certificate file that is no good.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// One that a flag names.
    #[error("read {} for {flag}: {cause}", file.display())]
    File {
        /// The flag.
        flag: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The files cannot be used together.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What the files held.
#[derive(Debug, Default, PartialEq, Eq)]
struct Contents {
    authority: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Files that are looked at again and again.
pub struct FollowedFiles {
    files: TlsFiles,
    last: Contents,
    config: watch::Sender<Arc<ClientConfig>>,
}

// === impl TlsFiles ===

impl TlsFiles {
    /// Takes from `base` what no file gives.
    pub fn new(
        base: TlsOptions,
        authority: Option<PathBuf>,
        identity: Option<(PathBuf, PathBuf)>,
        clock: Clock,
    ) -> Self {
        Self { base, authority, identity, clock }
    }

    /// The configuration as the files are now, and what keeps it so.
    pub fn watch(self) -> Result<(watch::Receiver<Arc<ClientConfig>>, FollowedFiles), FileError> {
        let last = self.read()?;
        let (config, receiver) = watch::channel(self.config(&last)?);
        Ok((receiver, FollowedFiles { files: self, last, config }))
    }

    fn read(&self) -> Result<Contents, FileError> {
        let authority = self.authority.as_ref().map(|file| read(AUTHORITY, file)).transpose()?;
        let identity = self
            .identity
            .as_ref()
            .map(|(certificate, key)| Ok((read(CERTIFICATE, certificate)?, read(KEY, key)?)))
            .transpose()
            .map_err(|error: FileError| error)?;
        Ok(Contents { authority, identity })
    }

    fn config(&self, contents: &Contents) -> Result<Arc<ClientConfig>, FileError> {
        let mut options = self.base.clone();
        if let (Some(pem), Some(file)) = (&contents.authority, &self.authority) {
            options.authorities = certificates(AUTHORITY, file, pem)?;
        }
        if let (Some((chain, key)), Some(files)) = (&contents.identity, &self.identity) {
            options.identity = Some(Arc::new(identity(files, chain, key)?));
        }
        Ok(client_config(options, &self.clock)?)
    }
}

// === impl FollowedFiles ===

impl FollowedFiles {
    /// Keeps up with the files, for good; ends at once when there are none.
    pub async fn follow(&mut self) {
        if self.files.authority.is_none() && self.files.identity.is_none() {
            return;
        }
        loop {
            sleep(LOOK_EVERY).await;
            // The files are small and mounted from memory: reading them does not block for long.
            let changed = match self.files.read() {
                Ok(contents) if contents == self.last => continue,
                Ok(contents) => {
                    let config = self.files.config(&contents);
                    self.last = contents;
                    config
                }
                Err(error) => Err(error),
            };
            match changed {
                Ok(config) => {
                    tracing::info!("Certificate files for kubelets have changed, using them");
                    self.config.send_replace(config);
                }
                // A certificate and its key are not written in one step: soon they fit again.
                Err(error) => {
                    tracing::error!(err = %error, "Failed to use changed certificate files for kubelets, going on with what they held before");
                }
            }
        }
    }
}

fn read(flag: &'static str, file: &Path) -> Result<Vec<u8>, FileError> {
    let wrong = |error: io::Error| FileError::File {
        flag,
        file: file.to_owned(),
        cause: errno::file(&error),
    };
    std::fs::read(file).map_err(wrong)
}

fn certificates(
    flag: &'static str,
    file: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let wrong = |cause: String| FileError::File { flag, file: file.to_owned(), cause };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(pem_words(&error)))?;
    if certificates.is_empty() {
        Err(wrong("it holds no PEM certificate".to_owned()))
    } else {
        Ok(certificates)
    }
}

fn identity(
    (certificate_file, key_file): &(PathBuf, PathBuf),
    chain: &[u8],
    key: &[u8],
) -> Result<SingleCertAndKey, FileError> {
    let wrong = |cause: String| FileError::File { flag: KEY, file: key_file.clone(), cause };
    let chain = certificates(CERTIFICATE, certificate_file, chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| wrong(pem_words(&error)))?;
    let certified = CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| wrong(error.to_string()))?;
    Ok(SingleCertAndKey::from(certified))
}

fn pem_words(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it holds no PEM private key".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["client".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[tokio::test(start_paused = true)]
    async fn rotated_files_are_used_and_broken_ones_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) =
            (directory.path().join("tls.crt"), directory.path().join("tls.key"));
        let write = |(chain, secret): &(String, String)| {
            fs::write(&certificate, chain).unwrap();
            fs::write(&key, secret).unwrap();
        };
        write(&pair());
        let files = TlsFiles::new(
            TlsOptions::default(),
            Some(certificate.clone()),
            Some((certificate.clone(), key.clone())),
            Clock::system(),
        );
        let (mut config, mut followed) = files.watch().unwrap();
        let following = tokio::spawn(async move { followed.follow().await });
        config.mark_unchanged();

        fs::write(&key, "half a key").unwrap();
        sleep(LOOK_EVERY * 2).await;
        assert!(!config.has_changed().unwrap(), "a broken file changes nothing");

        write(&pair());
        sleep(LOOK_EVERY * 2).await;
        assert!(config.has_changed().unwrap(), "a new pair is used");
        config.mark_unchanged();

        fs::remove_file(&key).unwrap();
        sleep(LOOK_EVERY * 2).await;
        assert!(!config.has_changed().unwrap(), "a missing file changes nothing");
        following.abort();
    }

    #[test]
    fn says_which_flag_and_file_is_wrong() {
        let files = |authority: &str| {
            TlsFiles::new(TlsOptions::default(), Some(authority.into()), None, Clock::system())
        };
        let error = files("/nowhere/ca.crt").watch().err().unwrap();
        assert_eq!(
            error.to_string(),
            "read /nowhere/ca.crt for --kubelet-certificate-authority: no such file or directory"
        );
    }
}
