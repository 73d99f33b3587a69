//! A kubelet's TLS configurations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use cluster_format::CertificateFault;
use net::Clock;
use rustls::{
    Error, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, UnixTime},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::SingleCertAndKey,
    time_provider::TimeProvider,
};
use tls::{AnyClient, key_pair::certified, provider};

use crate::certificates::Identity;

/// The TLS of a kubelet by what is wrong with its certificate and whether it demands one of the
/// client.
pub(crate) type ConfigSet = BTreeMap<(BTreeSet<CertificateFault>, bool), Arc<ServerConfig>>;

/// Whether a kubelet requests a client certificate, as Go's `tls.ClientAuthType`.
#[derive(Clone, Debug)]
pub(crate) enum ClientAuth {
    /// None is requested.
    None,
    /// One is requested, with the names of these CAs, and any is accepted: the real kubelet too
    /// verifies it later.
    Request(Arc<dyn ClientCertVerifier>),
    /// One that these CAs have signed is required.
    RequireAndVerify(Arc<dyn ClientCertVerifier>),
}

/// Validity of client certificates is checked by the kubelet's own clock.
#[derive(Debug)]
struct KubeletClock(Clock);

/// Accepts client certificates that one of `authorities` has signed.
pub(crate) fn verifier(
    authorities: &[CertificateDer<'static>],
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| Error::General(error.to_string()))
}

/// TLS that serves `identity`. Without session resumption: its store would be the largest part of an
/// idle kubelet, and every handshake has to show the certificate.
pub(crate) fn config(
    identity: &Identity,
    client_auth: ClientAuth,
    clock: &Clock,
) -> Result<Arc<ServerConfig>, Error> {
    let verifier = match client_auth {
        ClientAuth::None => WebPkiClientVerifier::no_client_auth(),
        ClientAuth::Request(verifier) => Arc::new(AnyClient::naming(verifier.root_hint_subjects())),
        ClientAuth::RequireAndVerify(verifier) => verifier,
    };
    let pair = certified(identity.chain(), identity.key())
        .map_err(|error| Error::General(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.time_provider = Arc::new(KubeletClock(clock.clone()));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

// === impl KubeletClock ===

impl TimeProvider for KubeletClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
