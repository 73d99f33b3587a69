//! TLS as a kubelet speaks it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use net::Clock;
use rustls::{
    Error, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, UnixTime},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    time_provider::TimeProvider,
};
use tls::{AnyClient, provider};

use crate::{certificates::Identity, faults::CertificateFault};

/// The TLS of a kubelet by what is wrong with its certificate and whether it demands one of the
/// client.
pub(crate) type Choices = BTreeMap<(BTreeSet<CertificateFault>, bool), Arc<ServerConfig>>;

/// What a kubelet makes of clients' certificates.
#[derive(Clone, Debug)]
pub(crate) enum Clients {
    /// It does not ask for them.
    Ignored,
    /// It takes any and names these CAs: who they are is found out later, as the real kubelet does.
    Asked(Arc<dyn ClientCertVerifier>),
    /// Who shows none that the cluster's CA has signed is turned away.
    Demanded(Arc<dyn ClientCertVerifier>),
}

/// Certificates of clients are valid or not by the kubelet's own clock.
#[derive(Debug)]
struct DoorClock(Clock);

/// Believes clients whose certificates one of `authorities` has signed.
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

/// TLS that shows `identity`. Without sessions to resume: their store would be the largest part of
/// an idle kubelet, and every handshake shall show the certificate.
pub(crate) fn config(
    identity: &Identity,
    clients: Clients,
    clock: &Clock,
) -> Result<Arc<ServerConfig>, Error> {
    let verifier = match clients {
        Clients::Ignored => WebPkiClientVerifier::no_client_auth(),
        Clients::Asked(verifier) => Arc::new(AnyClient::naming(verifier.root_hint_subjects())),
        Clients::Demanded(verifier) => verifier,
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain(), identity.key())?;
    config.time_provider = Arc::new(DoorClock(clock.clone()));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

// === impl DoorClock ===

impl TimeProvider for DoorClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
