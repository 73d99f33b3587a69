//! The API server of `--out`, for a fleet without a cluster: on a loopback port, with a kubeconfig.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use apiserver::serving;
use fake_apiserver::{
    BackendError, ClientCertificate, Credential, FakeApiServer, KubeletAccess, Settings, User,
    kubeconfig,
};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::Client;
use net::Doors;
use rustls::server::WebPkiClientVerifier;
use tokio::{sync::watch, task::JoinHandle};
use tower::ServiceExt;

use crate::{
    certificates::{CertificateError, Certificates, Subject, Validity},
    random::{RandomError, hex},
};

/// An API server until it is dropped.
pub(crate) struct LocalApiServer {
    api_server: Arc<FakeApiServer>,
    address: SocketAddr,
    authority: String,
    token: String,
    task: JoinHandle<()>,
    _stop: watch::Sender<bool>,
}

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalApiServerError {
    #[error(
        "let the API server listen on {address}: {source}; choose another port with --api-port"
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("use the API server's certificate: {0}")]
    Tls(#[from] rustls::Error),
    #[error("let the API server reach kubelets: {0}")]
    Kubelets(#[from] BackendError),
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
        let api_server = FakeApiServer::new(doors.clock.clone(), Settings::default());
        // Every process on this machine can connect: the token must not be guessable.
        let token = hex::<16>()?;
        api_server.add_token(&token, User::new("fake-kubelet", &["system:masters"]));
        let authority = certificates.cluster().pem();
        api_server.upsert_config_map(authentication_config_map(&authority));
        let subject = Subject {
            common_name: "kube-apiserver".to_owned(),
            names: vec!["kubernetes.default.svc".to_owned(), "localhost".to_owned()],
            addresses: vec![address.ip()],
            ..Subject::default()
        };
        let validity = Validity::year_from_an_hour_before(doors.clock.now());
        let identity = certificates.cluster().serving(&subject, validity)?;
        api_server.reach_kubelets(KubeletAccess {
            network: Arc::clone(&doors.network),
            certificate: Some(kubelet_client(certificates, validity)?),
        })?;
        let no_client_auth = WebPkiClientVerifier::no_client_auth();
        let tls = tls::server::config(identity.chain(), identity.key(), no_client_auth)?;
        let listening = doors.network.listen(address).await;
        let listener =
            listening.map_err(|source| LocalApiServerError::Listen { address, source })?;
        let address = listener.local();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serving::serve(listener, tls, api_server.router(), stopped));
        Ok(Self { api_server, address, authority, token, task, _stop: stop })
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

    pub(crate) fn add_namespace(&self, name: &str) {
        self.api_server.add_namespace(name);
    }

    /// Writes a kubeconfig that only this user may read.
    pub(crate) fn write_kubeconfig(&self, file: &Path) -> io::Result<()> {
        let url = format!("https://{}", self.address);
        let text = kubeconfig(&url, &self.authority, Credential::Token(&self.token));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for LocalApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The client certificate that the API server presents to kubelets.
fn kubelet_client(
    certificates: &Certificates,
    validity: Validity,
) -> Result<ClientCertificate, CertificateError> {
    let subject = Subject {
        common_name: "kube-apiserver-kubelet-client".to_owned(),
        organization: Some("system:masters".to_owned()),
        ..Subject::default()
    };
    let identity = certificates.cluster().client(&subject, validity)?;
    Ok(ClientCertificate { chain: identity.chain(), key: identity.key() })
}

/// The ConfigMap that aggregated API servers read at their start.
fn authentication_config_map(authority: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some("kube-system".to_owned()),
            name: Some("extension-apiserver-authentication".to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([("client-ca-file".to_owned(), authority.to_owned())])),
        ..ConfigMap::default()
    }
}
