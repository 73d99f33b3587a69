//! The clients of the API server and of kubelets, as flags and kubeconfigs configure them.

use apiserver::{
    access::ApiServer,
    serving::{Limits, OpenFiles},
};
use kube::Config;
use kube_dial::{ApiClientError, Credentials, api_client_with, proxy, tls_options};
use net::{Doors, FileError, dns::Resolver};

use crate::{
    flags::KubeletFlags,
    kubelet::{AddressTypes, KubeletClient, KubeletMetrics, Settings, TlsFiles, Transport},
    names::USER_AGENT,
};

/// The clients of one metrics server.
pub(crate) struct Clients {
    /// That of the API server.
    pub(crate) api: ApiServer,
    /// What both show. As in the Go server, kubelets get the API server's credentials.
    pub(crate) credentials: Credentials,
    /// That of kubelets.
    pub(crate) kubelets: KubeletClient,
}

/// Why there are no clients.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// There is none for the API server.
    #[error(transparent)]
    Api(#[from] ApiClientError),
    /// A file that a flag names cannot be used.
    #[error(transparent)]
    Files(#[from] FileError),
}

// === impl Clients ===

impl Clients {
    /// Clients for the API server in `config`, and for kubelets as `flags` configure them, which
    /// are counted in `metrics`. Connections to kubelets are bounded by `open_files`.
    pub(crate) fn new(
        flags: &KubeletFlags,
        config: &Config,
        doors: &Doors,
        resolver: &Resolver,
        open_files: Option<OpenFiles>,
        metrics: KubeletMetrics,
    ) -> Result<Self, ClientsError> {
        let credentials =
            Credentials::new(&config.auth_info, doors).map_err(ApiClientError::from)?;
        let client =
            api_client_with(config, credentials.clone(), doors, resolver.clone(), USER_AGENT)?;
        let settings = Settings {
            address_types: address_types(flags),
            port: flags.kubelet_port,
            use_node_status_port: flags.kubelet_use_node_status_port,
            address_fallback: flags.kubelet_address_fallback,
            endpoint: flags.kubelet_endpoint,
            limits: flags.limits.limits(),
        };
        let transport = transport(flags, config, &credentials, doors)?;
        let mut kubelets =
            KubeletClient::new(doors.clone(), resolver.clone(), settings, transport, metrics)
                .through(proxy(config)?);
        if let Some(files) = open_files {
            kubelets = kubelets.with_connections(files.for_kubelets(Limits::default()));
        }
        let api = ApiServer { client, url: config.cluster_url.clone() };
        Ok(Self { api, credentials, kubelets })
    }
}

/// `--kubelet-preferred-address-types`.
pub(crate) fn address_types(flags: &KubeletFlags) -> AddressTypes {
    AddressTypes(flags.kubelet_preferred_address_types.concat())
}

/// The transport to kubelets, with the API server's credentials unless flags configure others.
fn transport(
    flags: &KubeletFlags,
    config: &Config,
    credentials: &Credentials,
    doors: &Doors,
) -> Result<Transport, ClientsError> {
    if flags.deprecated_kubelet_completely_insecure {
        return Ok(Transport::Plain);
    }
    let mut options = tls_options(config, credentials, doors).map_err(ApiClientError::from)?;
    options.insecure = flags.kubelet_insecure_tls
        || options.insecure && flags.kubelet_certificate_authority.is_none();
    let identity = flags.kubelet_client_certificate.clone().zip(flags.kubelet_client_key.clone());
    let authority = flags.kubelet_certificate_authority.clone();
    let files = TlsFiles { authority, identity };
    Ok(Transport::Tls(files.open(options, &doors.files, &doors.clock)?))
}
