//! How connections are secured: certificates, names, versions and suites, as flags say.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use net::Clock;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::ResolvesServerCert,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tls::{
    AnyClient,
    key_pair::{FlagNames, KeyPair, KeyPairError},
    provider,
    self_signed::{SelfSigned, SelfSignedError},
};
use tokio::{sync::watch, time::sleep};

use super::{
    Limits, SecureOptions, TlsVersion,
    certificate_resolver::{CertificateResolver, NamedCertificates},
};

/// The Go server is told of changes by the system. A look at a few small files costs next to
/// nothing, and works on volumes that tell of no changes.
const LOOK_EVERY: Duration = Duration::from_secs(10);

const GIVEN: FlagNames =
    FlagNames { certificate: "--tls-cert-file", key: "--tls-private-key-file" };
const KEPT: FlagNames = FlagNames { certificate: "--cert-dir", key: "--cert-dir" };
const NAMED: FlagNames = FlagNames { certificate: "--tls-sni-cert-key", key: "--tls-sni-cert-key" };

/// Why connections cannot be secured.
#[derive(Debug, thiserror::Error)]
pub enum SecureError {
    /// Files that flags name are no good.
    #[error(transparent)]
    Pair(#[from] KeyPairError),
    /// There is no certificate of one's own.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// TLS cannot do what flags ask for.
    #[error("set up TLS for serving: {0}")]
    Tls(#[from] rustls::Error),
}

/// How connections are secured, and what keeps that up to date.
pub struct Secure {
    /// For the handshakes. It stays the same when certificates change.
    pub tls: Arc<ServerConfig>,
    /// What connections may cost.
    pub limits: Limits,
    certificates: Certificates,
    clock: Clock,
}

struct Certificates {
    /// What is shown to those who ask for no name that is known.
    default: Fallback,
    named: Vec<KeyPair>,
    shown: watch::Sender<Arc<NamedCertificates>>,
    /// The self-signed one, if it is new: said once.
    made: Option<PathBuf>,
}

enum Fallback {
    Files(Box<KeyPair>),
    Memory(Arc<CertifiedKey>),
}

// === impl Secure ===

impl Secure {
    /// As `options` say, for a server at the address `bound`.
    pub fn new(options: &SecureOptions, bound: IpAddr, clock: &Clock) -> Result<Self, SecureError> {
        let certificates = Certificates::read(options, bound, clock)?;
        let resolver = Arc::new(CertificateResolver(certificates.shown.subscribe()));
        let mut limits = Limits { unauthenticated_requests: 8, ..Limits::default() };
        if let Ok(streams @ 1..) = u32::try_from(options.http2_max_streams_per_connection) {
            limits.streams = streams;
        }
        Ok(Self { tls: config(options, resolver)?, limits, certificates, clock: clock.clone() })
    }

    /// Keeps up with the files, for good.
    pub async fn follow(&mut self) {
        if let Some(certificate) = self.certificates.made.take() {
            tracing::info!(certificate = %certificate.display(), "Generated a self-signed certificate");
        }
        self.certificates.warn_of_expiry(&self.clock);
        if !self.certificates.have_files() {
            return std::future::pending().await;
        }
        loop {
            sleep(LOOK_EVERY).await;
            // The files are small and mounted from memory: reading them does not block for long.
            if self.certificates.look_again() {
                self.certificates.warn_of_expiry(&self.clock);
            }
        }
    }
}

fn config(
    options: &SecureOptions,
    resolver: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut spoken = (*provider()).clone();
    let wanted = &options.tls_cipher_suites;
    if !wanted.is_empty() {
        // As in Go, the suites of TLS 1.3 are not a matter of choice.
        spoken
            .cipher_suites
            .retain(|suite| suite.tls13().is_some() || wanted.contains(&suite.suite()));
    }
    let speaks_12 = options.tls_min_version == TlsVersion::Tls12
        && spoken.cipher_suites.iter().any(|suite| suite.tls13().is_none());
    let versions = if speaks_12 { &[&TLS12, &TLS13][..] } else { &[&TLS13] };
    let mut config = ServerConfig::builder_with_provider(Arc::new(spoken))
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(Arc::new(AnyClient::default()))
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if !options.disable_http2_serving {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    Ok(Arc::new(config))
}

// === impl Certificates ===

impl Certificates {
    fn read(options: &SecureOptions, bound: IpAddr, clock: &Clock) -> Result<Self, SecureError> {
        let files = |flags, certificate, key| KeyPair::read(flags, certificate, key, Vec::new());
        let mut made = None;
        let default = match (&options.tls_cert_file, &options.tls_private_key_file) {
            (Some(certificate), Some(key)) => {
                Fallback::Files(Box::new(files(GIVEN, certificate, key)?))
            }
            _ if options.cert_dir.as_os_str().is_empty() => Fallback::Memory(memory(bound, clock)?),
            _ => {
                let kept = SelfSigned::in_folder(&options.cert_dir, bound, clock)?;
                let pair = files(KEPT, &kept.certificate, &kept.key)?;
                made = kept.is_new.then_some(kept.certificate);
                Fallback::Files(Box::new(pair))
            }
        };
        let named = options
            .tls_sni_cert_key
            .iter()
            .map(|given| KeyPair::read(NAMED, &given.certificate, &given.key, given.names.clone()));
        let named: Vec<_> = named.collect::<Result<_, _>>()?;
        let shown =
            watch::Sender::new(Arc::new(NamedCertificates::by_name(default.shown(), &named)));
        Ok(Self { default, named, shown, made })
    }

    fn pairs(&mut self) -> impl Iterator<Item = &mut KeyPair> {
        let default = match &mut self.default {
            Fallback::Files(pair) => Some(&mut **pair),
            Fallback::Memory(_) => None,
        };
        default.into_iter().chain(&mut self.named)
    }

    fn have_files(&mut self) -> bool {
        self.pairs().next().is_some()
    }

    fn look_again(&mut self) -> bool {
        let mut changed = false;
        for pair in self.pairs() {
            changed |= pair.look_again();
        }
        if changed {
            let shown = NamedCertificates::by_name(self.default.shown(), &self.named);
            self.shown.send_replace(Arc::new(shown));
        }
        changed
    }

    fn warn_of_expiry(&mut self, clock: &Clock) {
        self.pairs().for_each(|pair| pair.warn_of_expiry(clock));
    }
}

// === impl Fallback ===

impl Fallback {
    fn shown(&self) -> Arc<CertifiedKey> {
        match self {
            Self::Files(pair) => pair.shown(),
            Self::Memory(shown) => shown.clone(),
        }
    }
}

fn memory(bound: IpAddr, clock: &Clock) -> Result<Arc<CertifiedKey>, SecureError> {
    let made = SelfSigned::make(bound, clock)?;
    let read = |error: pem::Error| rustls::Error::General(error.to_string());
    let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).map_err(read)?;
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).map_err(read)?;
    Ok(Arc::new(CertifiedKey::from_der(vec![certificate], key, &provider())?))
}
