//! A self-signed certificate, for servers without a configured one.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use net::{Clock, errno};
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use time::OffsetDateTime;

/// The name under which the pair is kept, as by the Go server.
const PAIR: &str = "apiserver";

/// Why there is no self-signed certificate.
#[derive(Debug, thiserror::Error)]
pub enum SelfSignedError {
    /// It could not be made.
    #[error("failed to make a self-signed certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// It cannot be kept.
    #[error(
        "failed to write a self-signed certificate to {}: {}; pass a writable directory with --cert-dir, use --cert-dir= to keep it in memory, or pass a certificate with --tls-cert-file and --tls-private-key-file",
        file.display(), errno::file(source)
    )]
    Keep {
        /// What cannot be written.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A certificate without its key, or the other way round.
    #[error(
        "failed to use the key pair in --cert-dir: there is {} but not {}; restore the missing file, or remove the other one to have a new pair made", there.display(), missing.display()
    )]
    Half {
        /// What is there.
        there: PathBuf,
        /// What is not.
        missing: PathBuf,
    },
}

/// A certificate and its key in PEM.
pub struct SelfSigned {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Where a certificate and its key are kept.
pub struct Kept {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
    /// They have just been made.
    pub is_new: bool,
}

// === impl SelfSigned ===

impl SelfSigned {
    /// One for `localhost`, the loopback address and `bound`, valid for a year.
    pub fn make(bound: IpAddr, clock: &Clock) -> Result<Self, SelfSignedError> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        for address in own_addresses(bound) {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
        let now = OffsetDateTime::from_unix_timestamp(clock.now().as_second())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        // As Go's: an hour back, for clocks that go wrong, and a year on.
        params.not_before = now - time::Duration::hours(1);
        params.not_after = now + time::Duration::days(365);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Where the pair in `folder` is: one that was there, or a new one.
    pub fn in_folder(folder: &Path, bound: IpAddr, clock: &Clock) -> Result<Kept, SelfSignedError> {
        let file = |ending| folder.join(format!("{PAIR}.{ending}"));
        let (certificate, key) = (file("crt"), file("key"));
        match (certificate.exists(), key.exists()) {
            (true, true) => return Ok(Kept { certificate, key, is_new: false }),
            (true, false) => {
                return Err(SelfSignedError::Half { there: certificate, missing: key });
            }
            (false, true) => {
                return Err(SelfSignedError::Half { there: key, missing: certificate });
            }
            (false, false) => {}
        }
        let made = Self::make(bound, clock)?;
        let keep = |file: &Path| {
            let file = file.to_owned();
            move |source| SelfSignedError::Keep { file, source }
        };
        fs::create_dir_all(folder).map_err(keep(folder))?;
        write(&key, 0o600, &made.key).map_err(keep(&key))?;
        write(&certificate, 0o644, &made.certificate).map_err(keep(&certificate))?;
        Ok(Kept { certificate, key, is_new: true })
    }
}

fn write(file: &Path, mode: u32, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file)?
        .write_all(text.as_bytes())
}

fn own_addresses(bound: IpAddr) -> Vec<IpAddr> {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    if bound.is_unspecified() || bound == loopback { vec![loopback] } else { vec![loopback, bound] }
}
