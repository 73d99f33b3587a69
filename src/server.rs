//! Wires the parts together.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::Router;
use kube::{Config, client::ConfigExt};
use rustls::{
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use secrecy::ExposeSecret;
use tokio::sync::watch;

use crate::{
    api,
    cluster::{ApiClient, ApiClientError, Cluster, api_client, watch},
    dns::Resolver,
    doors::Doors,
    flags::Flags,
    kubelet::{
        AddressTypes, Credentials, KubeletClient, Settings, TlsError, TlsOptions, client_config,
    },
    scrape::{Scraper, Timing},
    serving::{self, tls},
    store::Store,
};

/// A metrics server that is ready to run.
pub struct Server {
    doors: Doors,
    address: SocketAddr,
    api: ApiClient,
    cluster: Arc<Cluster>,
    scraper: Scraper,
    router: Router,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The API server cannot be asked.
    #[error(transparent)]
    Api(#[from] ApiClientError),
    /// The kubelets cannot be asked.
    #[error(transparent)]
    Kubelets(#[from] TlsError),
    /// A file that a flag names is no good.
    #[error("read {} for {flag}: {cause}", file.display())]
    File {
        /// The flag.
        flag: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// It cannot serve.
    #[error(transparent)]
    Serving(#[from] tls::ServingCertificateError),
    /// It cannot listen.
    #[error(
        "listen on {address}: {}; choose another one with --secure-port or --bind-address",
        crate::errno::describe("bind", source)
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

// === impl Server ===

impl Server {
    /// A server as `flags` want it, for the API server in `config`. Its address is `address`
    /// instead of the flags' where given: in a simulated world a server has a pod's address.
    pub fn new(
        flags: &Flags,
        config: &Config,
        doors: Doors,
        resolver: Resolver,
        address: Option<SocketAddr>,
    ) -> Result<Self, StartError> {
        let api = api_client(config, &doors, resolver.clone())?;
        let cluster = Arc::new(Cluster::default());
        let store = Arc::new(Store::new(flags.metric_resolution));
        let settings = Settings {
            address_types: AddressTypes(flags.kubelet_preferred_address_types.clone()),
            port: flags.kubelet_port,
            use_node_status_port: flags.kubelet_use_node_status_port,
        };
        let tls = client_config(tls_options(flags, config)?, &doors.clock)?;
        let timing = Timing {
            resolution: flags.metric_resolution,
            request_timeout: flags.kubelet_request_timeout,
        };
        let scraper = Scraper::new(
            cluster.clone(),
            KubeletClient::new(doors.clone(), resolver, settings, tls),
            credentials(config),
            store.clone(),
            timing,
            doors.random.clone(),
        );
        let address =
            address.unwrap_or_else(|| SocketAddr::new(flags.bind_address, flags.secure_port));
        let router = api::router(api::Sources {
            cluster: cluster.clone(),
            store,
            clock: doors.clock.clone(),
            settings: api::Settings {
                address: format!(":{}", address.port()),
                ..api::Settings::default()
            },
        });
        Ok(Self { doors, address, api, cluster, scraper, router })
    }

    /// Says how many scrape cycles have ended.
    pub fn cycles(&self) -> watch::Receiver<u64> {
        self.scraper.cycles()
    }

    /// Watches, scrapes and serves until `stop` says true.
    pub async fn run(self, stop: watch::Receiver<bool>) -> Result<(), StartError> {
        let Self { doors, address, api, cluster, scraper, router } = self;
        let listener = doors
            .network
            .listen(address)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        let tls = tls::self_signed(&["localhost"], &[address.ip()], &doors.clock)?;
        tracing::info!(address = %listener.local(), "Serving securely");
        if address.ip().is_loopback() {
            tracing::warn!("Only this machine is served: requests are not authenticated yet");
        }
        tokio::select! {
            biased;
            () = serving::serve(listener, tls, router, stop) => {}
            () = watch(api, cluster, doors.random) => {}
            () = scraper.run() => {}
        }
        Ok(())
    }
}

/// As the Go server: what the API server is shown, kubelets are shown too, unless flags say
/// otherwise.
fn credentials(config: &Config) -> Credentials {
    if let Some(token) = &config.auth_info.token {
        Credentials::Token(token.expose_secret().into())
    } else if let Some(file) = &config.auth_info.token_file {
        Credentials::TokenFile(file.into())
    } else {
        Credentials::None
    }
}

fn tls_options(flags: &Flags, config: &Config) -> Result<TlsOptions, StartError> {
    let authorities = match &flags.kubelet_certificate_authority {
        Some(file) => certificates("--kubelet-certificate-authority", file)?,
        None => config.root_cert.iter().flatten().cloned().map(CertificateDer::from).collect(),
    };
    let files = flags.kubelet_client_certificate.as_ref().zip(flags.kubelet_client_key.as_ref());
    let identity: Option<Arc<dyn ResolvesClientCert>> = if let Some((certificate, key)) = files {
        Some(Arc::new(identity(certificate, key)?))
    } else {
        let tls = config.rustls_client_config().map_err(ApiClientError::from)?;
        Some(tls.client_auth_cert_resolver.clone()).filter(|resolver| resolver.has_certs())
    };
    Ok(TlsOptions { authorities, insecure: flags.kubelet_insecure_tls, identity })
}

fn identity(certificate: &Path, key: &Path) -> Result<SingleCertAndKey, StartError> {
    let chain = certificates("--kubelet-client-certificate", certificate)?;
    let flag = "--kubelet-client-key";
    let wrong = |cause: String| StartError::File { flag, file: key.to_owned(), cause };
    let key = PrivateKeyDer::from_pem_slice(&read(flag, key)?)
        .map_err(|error| wrong(pem_words(&error)))?;
    let certified = CertifiedKey::from_der(chain, key, &tls::provider())
        .map_err(|error| wrong(error.to_string()))?;
    Ok(SingleCertAndKey::from(certified))
}

fn certificates(
    flag: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let wrong = |cause: String| StartError::File { flag, file: file.to_owned(), cause };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(flag, file)?)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(pem_words(&error)))?;
    if certificates.is_empty() {
        Err(wrong("it holds no PEM certificate".to_owned()))
    } else {
        Ok(certificates)
    }
}

fn read(flag: &'static str, file: &Path) -> Result<Vec<u8>, StartError> {
    fs::read(file).map_err(|error| StartError::File {
        flag,
        file: file.to_owned(),
        cause: crate::errno::file(&error),
    })
}

fn pem_words(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it holds no PEM private key".to_owned(),
        other => other.to_string(),
    }
}
