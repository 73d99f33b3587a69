//! The API server of `--out`, for a fleet without a cluster: on a loopback port, with a kubeconfig.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use cluster_format::Pod;
use fake_apiserver::{
    ClientCertificate, Credential, Endpoint, FakeApiServer, KubeletAccess, Serving, StartError,
    TlsError, User, authentication_config, kubeconfig,
};
use jiff::Timestamp;
use kube::Client;
use net::{Doors, Network};
use tower::ServiceExt;

use crate::{
    certificates::{CertificateError, Certificates, Subject, Validity},
    random::{RandomError, hex},
};

/// An API server until it is dropped.
pub(crate) struct LocalApiServer {
    api_server: Arc<FakeApiServer>,
    serving: Serving,
    authority: String,
    token: String,
}

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalApiServerError {
    #[error("{0}; choose another port with --api-port")]
    Listen(StartError),
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("failed to let the API server reach kubelets: {0}")]
    Kubelets(#[from] TlsError),
    #[error(transparent)]
    Random(#[from] RandomError),
}

// === impl LocalApiServer ===

impl LocalApiServer {
    /// Starts it; port 0 is any free port.
    pub(crate) async fn start(
        port: u16,
        doors: &Doors,
        certificates: &Certificates,
    ) -> Result<Self, LocalApiServerError> {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let api_server = FakeApiServer::new(doors.clock.clone());
        // Every process on this machine can connect: the token must not be guessable.
        let token = hex::<16>()?;
        api_server.add_token(&token, User::new("fake-kubelet", &["system:masters"]));
        let authority = certificates.cluster().pem();
        api_server.upsert_config_map(authentication_config::config_map(&authority, None));
        api_server.reach_kubelets(KubeletAccess {
            network: Arc::clone(&doors.network),
            certificate: Some(kubelet_client(certificates, doors.clock.now())?),
        })?;
        let network = Arc::clone(&doors.network);
        let endpoint = api_server_endpoint(network, address, certificates, doors.clock.now())?;
        let serving = api_server.start(endpoint).await.map_err(|error| match error {
            StartError::Listen { .. } => LocalApiServerError::Listen(error),
            error => LocalApiServerError::Start(error),
        })?;
        Ok(Self { api_server, serving, authority, token })
    }

    /// A client of it within this process.
    pub(crate) fn client(&self) -> Client {
        let router = self.api_server.router();
        let authorization = format!("Bearer {}", self.token);
        let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
            if let Ok(value) = http::HeaderValue::from_str(&authorization) {
                request.headers_mut().insert(http::header::AUTHORIZATION, value);
            }
            router.clone().oneshot(request)
        });
        Client::new(service, "default")
    }

    /// Creates the namespaces of these pods.
    pub(crate) fn add_namespaces(&self, pods: &[Pod]) {
        for pod in pods {
            self.api_server.add_namespace(pod.namespace());
        }
    }

    /// Writes a kubeconfig that only this user may read.
    pub(crate) fn write_kubeconfig(&self, file: &Path) -> io::Result<()> {
        let url = format!("https://{}", self.serving.address());
        let text = kubeconfig(&url, &self.authority, Credential::Token(&self.token));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
        file.write_all(text.as_bytes())
    }
}

/// An address for an API server, with a certificate of the cluster's CA. It requests no client
/// certificates.
pub fn api_server_endpoint(
    network: Arc<dyn Network>,
    address: SocketAddr,
    certificates: &Certificates,
    now: Timestamp,
) -> Result<Endpoint, CertificateError> {
    let subject = Subject {
        common_name: "kube-apiserver".to_owned(),
        names: vec!["kubernetes.default.svc".to_owned(), "localhost".to_owned()],
        addresses: vec![address.ip()],
        ..Subject::default()
    };
    let validity = Validity::year_from_an_hour_before(now);
    let identity = certificates.cluster().serving(&subject, validity)?;
    Ok(Endpoint { network, address, chain: identity.chain(), key: identity.key(), client_ca: None })
}

/// `--kubelet-client-certificate` of the API server.
fn kubelet_client(
    certificates: &Certificates,
    now: Timestamp,
) -> Result<ClientCertificate, CertificateError> {
    let subject = Subject {
        common_name: "kube-apiserver-kubelet-client".to_owned(),
        organization: Some("system:masters".to_owned()),
        ..Subject::default()
    };
    let validity = Validity::year_from_an_hour_before(now);
    let identity = certificates.cluster().client(&subject, validity)?;
    Ok(ClientCertificate { chain: identity.chain(), key: identity.key() })
}
