//! Groups that another server serves: requests are passed on to it, with the user's name in
//! headers that it believes because of the certificate shown with them.
//!
//! One connection a request: nothing is kept that a stopped backend could leave half open.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{APIResourceList, ObjectMeta, Time},
    kube_aggregator::pkg::apis::apiregistration::v1::{
        APIService, APIServiceCondition, APIServiceSpec, APIServiceStatus, ServiceReference,
    },
};
use net::Network;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::time::timeout;

use super::{
    authentication::User,
    discovery::{Aggregated, AggregatedVersion},
    forward::{ForwardError, Passed, Route, forward},
    status::{Status, text_response},
    tls,
};

/// How long a backend may take to say what it serves.
const DISCOVERY_LIMIT: Duration = Duration::from_secs(5);

/// A server that serves an API group behind the API server.
pub struct Backend {
    /// The group, such as `metrics.k8s.io`.
    pub group: String,
    /// Its versions, the preferred one first.
    pub versions: Vec<String>,
    /// The namespace of its Service, for show and for TLS's server name.
    pub namespace: String,
    /// The name of its Service.
    pub service: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The way there.
    pub network: Arc<dyn Network>,
    /// What is shown to it; without, it has no reason to believe who the user is.
    pub certificate: Option<ClientCertificate>,
}

/// A certificate, its issuers, and its key.
pub struct ClientCertificate {
    /// The certificate first, then who signed it.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first.
    pub key: PrivateKeyDer<'static>,
}

/// Why a backend cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// TLS cannot use the client certificate with its key.
    #[error("use the front proxy's certificate: {0}")]
    Certificate(#[from] rustls::Error),
    /// The Service cannot be a server name.
    #[error("use the service as a server name: {0}")]
    Name(#[from] rustls::pki_types::InvalidDnsNameError),
}

/// A backend with what is needed to reach it.
pub(super) struct Aggregate {
    backend: Backend,
    tls: Arc<ClientConfig>,
    name: rustls::pki_types::ServerName<'static>,
    /// Whether something listened when it was asked last.
    is_there: AtomicBool,
    /// What discovery found last.
    answered: Mutex<Option<Vec<Found>>>,
}

/// What comes of asking the backend what it serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Answer,
    /// Nothing listens: its pod is not ready, and the Service leads nowhere.
    Nobody,
    /// Something else than an answer.
    Failure,
}

// === impl Aggregate ===

impl Aggregate {
    pub(super) fn new(mut backend: Backend) -> Result<Self, BackendError> {
        let tls = tls::config(backend.certificate.take())?;
        let name = format!("{}.{}.svc", backend.service, backend.namespace);
        let name = rustls::pki_types::ServerName::try_from(name)?;
        Ok(Self {
            backend,
            tls: Arc::new(tls),
            name,
            answered: Mutex::default(),
            is_there: AtomicBool::new(true),
        })
    }

    pub(super) fn group(&self) -> &str {
        &self.backend.group
    }

    pub(super) fn serves(&self, version: &str) -> bool {
        self.backend.versions.iter().any(|served| served == version)
    }

    fn route(&self) -> Route<'_> {
        Route {
            network: &*self.backend.network,
            address: self.backend.address,
            tls: Arc::clone(&self.tls),
            name: self.name.clone(),
        }
    }

    /// The backend's answer, or that there is none.
    pub(super) async fn pass(&self, request: Passed<'_>) -> Response {
        match forward(self.route(), request).await {
            Ok(response) => response,
            Err(ForwardError::Late) => Status::backend_too_slow().into_response(),
            Err(error) => text_response(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("error trying to reach service: {error}\n"),
            ),
        }
    }

    /// What the backend is known to serve, without asking it.
    pub(super) fn known(&self) -> Aggregated {
        let versions = self.backend.versions.iter();
        let versions =
            versions.map(|version| AggregatedVersion { version: version.clone(), resources: None });
        Aggregated { group: self.backend.group.clone(), versions: versions.collect() }
    }

    /// What the backend says it serves now.
    pub(super) async fn discover(&self) -> Aggregated {
        let mut found = self.known();
        for version in &mut found.versions {
            let resources = timeout(DISCOVERY_LIMIT, self.resources(&version.version)).await;
            version.resources = resources.ok().flatten();
        }
        found
    }

    async fn resources(&self, version: &str) -> Option<APIResourceList> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, http::HeaderValue::from_static("application/json"));
        let request = Passed {
            method: &Method::GET,
            path_and_query: &format!("/apis/{}/{version}", self.backend.group),
            headers: &headers,
            body: Bytes::new(),
            user: Some(&User::new("system:kube-aggregator", &["system:masters"])),
            from: None,
        };
        let forwarded = forward(self.route(), request).await;
        let refused = matches!(
            &forwarded,
            Err(ForwardError::Dial { source, .. }) if source.kind() == io::ErrorKind::ConnectionRefused
        );
        self.is_there.store(!refused, Relaxed);
        let response = forwarded.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let body = response.into_body().collect().await.ok()?.to_bytes();
        serde_json::from_slice(&body).ok()
    }

    /// The objects that register the backend.
    pub(super) fn api_services(&self, now: jiff::Timestamp) -> Vec<APIService> {
        let versions = self.backend.versions.iter();
        versions.map(|version| self.api_service(version, None, now)).collect()
    }

    /// The same objects when what discovery found makes them say something new.
    pub(super) fn news(&self, found: &Aggregated, now: jiff::Timestamp) -> Vec<APIService> {
        let answer = |version: &AggregatedVersion| match version.resources {
            Some(_) => Found::Answer,
            None if self.is_there.load(Relaxed) => Found::Failure,
            None => Found::Nobody,
        };
        let answers: Vec<Found> = found.versions.iter().map(answer).collect();
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let news = found.versions.iter().enumerate().filter(|(index, _)| {
            let before = answered.as_ref().and_then(|answered| answered.get(*index));
            before != answers.get(*index)
        });
        let Backend { service, namespace, .. } = &self.backend;
        let nobody = format!("endpoints for service/{service} in {namespace:?} have no addresses");
        let condition = |found: Found| match found {
            Found::Answer => ("True", "Passed", "all checks passed"),
            Found::Nobody => ("False", "MissingEndpoints", nobody.as_str()),
            Found::Failure => {
                let message = "failing or missing response from the service";
                ("False", "FailedDiscoveryCheck", message)
            }
        };
        let news = news.map(|(index, version)| {
            self.api_service(&version.version, Some(condition(answers[index])), now)
        });
        let news = news.collect();
        *answered = Some(answers);
        news
    }

    fn api_service(
        &self,
        version: &str,
        condition: Option<(&str, &str, &str)>,
        now: jiff::Timestamp,
    ) -> APIService {
        let spec = APIServiceSpec {
            service: Some(ServiceReference {
                namespace: Some(self.backend.namespace.clone()),
                name: Some(self.backend.service.clone()),
                port: Some(443),
            }),
            insecure_skip_tls_verify: Some(true),
            ..spec(&self.backend.group, version)
        };
        api_service(&self.backend.group, version, spec, condition, now)
    }
}

/// The object that registers a group and version that the API server serves itself.
pub(super) fn local_api_service(group: &str, version: &str, now: jiff::Timestamp) -> APIService {
    let local = ("True", "Local", "Local APIServices are always available");
    api_service(group, version, spec(group, version), Some(local), now)
}

fn spec(group: &str, version: &str) -> APIServiceSpec {
    APIServiceSpec {
        group: Some(group.to_owned()).filter(|group| !group.is_empty()),
        version: Some(version.to_owned()),
        group_priority_minimum: if group.is_empty() { 18_000 } else { 100 },
        version_priority: 100,
        ..APIServiceSpec::default()
    }
}

fn api_service(
    group: &str,
    version: &str,
    spec: APIServiceSpec,
    condition: Option<(&str, &str, &str)>,
    now: jiff::Timestamp,
) -> APIService {
    let conditions = condition.map(|(status, reason, message)| {
        vec![APIServiceCondition {
            type_: "Available".to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_transition_time: Some(Time(now)),
        }]
    });
    APIService {
        metadata: ObjectMeta { name: Some(format!("{version}.{group}")), ..ObjectMeta::default() },
        spec: Some(spec),
        status: Some(APIServiceStatus { conditions }),
    }
}
