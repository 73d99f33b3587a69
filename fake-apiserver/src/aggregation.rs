//! Groups that another server serves: requests are forwarded to it, with the user's name in headers
//! that it accepts because of the client certificate.
//!
//! One connection for each request: no connection is kept that a stopped backend could leave half
//! open.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
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
use parking_lot::Mutex;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::time::timeout;

use super::{
    authn::User,
    client_tls::{self, ClientCertificate, TlsError},
    discovery::{DiscoveredGroup, DiscoveredVersion},
    proxy::{ForwardError, ProxyRequest, Route, forward},
    response::text_response,
    status::Status,
};

/// How long a backend's discovery may take.
const DISCOVERY_LIMIT: Duration = Duration::from_secs(5);

/// A server that serves an API group behind the API server.
pub struct Backend {
    /// The group, such as `metrics.k8s.io`.
    pub group: String,
    /// Its versions, the preferred one first.
    pub versions: Vec<String>,
    /// The namespace of its Service: part of the TLS server name.
    pub namespace: String,
    /// The name of its Service.
    pub service: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The network that reaches it.
    pub network: Arc<dyn Network>,
    /// `--proxy-client-cert-file`; without it the backend does not accept `X-Remote-*` headers.
    pub certificate: Option<ClientCertificate>,
}

/// A registered backend with its TLS configuration.
pub(super) struct AggregatedApi {
    backend: Backend,
    tls: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// Whether something listened at the last discovery.
    listens: AtomicBool,
    /// Why discovery failed last.
    failure: Mutex<String>,
    /// What discovery found last.
    last_found: Mutex<Option<Vec<Availability>>>,
}

/// The `Available` condition of an APIService.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Availability {
    Passed,
    /// Nothing listens: its pod is not ready, so the Service has no endpoint.
    MissingEndpoints,
    /// Something listens and does not answer discovery.
    FailedDiscoveryCheck,
}

// === impl AggregatedApi ===

impl AggregatedApi {
    pub(super) fn new(mut backend: Backend) -> Result<Self, TlsError> {
        let tls = client_tls::config(backend.certificate.take())?;
        let name = format!("{}.{}.svc", backend.service, backend.namespace);
        let name = ServerName::try_from(name)?;
        Ok(Self {
            backend,
            tls: Arc::new(tls),
            name,
            last_found: Mutex::default(),
            listens: AtomicBool::new(true),
            failure: Mutex::default(),
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
    pub(super) async fn pass(&self, request: ProxyRequest<'_>) -> Response {
        match forward(self.route(), request).await {
            Ok(response) => response,
            Err(ForwardError::Late) => Status::backend_too_slow().into_response(),
            Err(error) => text_response(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("error trying to reach service: {error}\n"),
            ),
        }
    }

    /// The group as registered, without asking the backend.
    pub(super) fn known(&self) -> DiscoveredGroup {
        let versions = self.backend.versions.iter();
        let versions =
            versions.map(|version| DiscoveredVersion { version: version.clone(), resources: None });
        DiscoveredGroup { group: self.backend.group.clone(), versions: versions.collect() }
    }

    /// The group as the backend's discovery describes it now.
    pub(super) async fn discover(&self) -> DiscoveredGroup {
        let mut found = self.known();
        for version in &mut found.versions {
            let path = format!("/apis/{}/{}", self.backend.group, version.version);
            let url = format!("https://{}{path}", self.backend.address);
            let late = || Err(format!("Get \"{url}\": context deadline exceeded"));
            let resources = timeout(DISCOVERY_LIMIT, self.resources(&path, &url)).await;
            match resources.unwrap_or_else(|_| late()) {
                Ok(resources) => version.resources = Some(resources),
                Err(failure) => {
                    *self.failure.lock() =
                        format!("failing or missing response from {url}: {failure}");
                }
            }
        }
        found
    }

    /// Discovery of a version at its path, or why it fails, in the words of the real API server.
    async fn resources(&self, path: &str, url: &str) -> Result<APIResourceList, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, http::HeaderValue::from_static("application/json"));
        let request = ProxyRequest {
            method: &Method::GET,
            path_and_query: path,
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
        self.listens.store(!refused, Relaxed);
        let failed = |error: &dyn std::fmt::Display| format!("Get \"{url}\": {error}");
        let response = forwarded.map_err(|error| failed(&error))?;
        if response.status() != StatusCode::OK {
            return Err(format!("bad status from {url}: {}", response.status().as_u16()));
        }
        let body = response.into_body().collect().await.map_err(|error| failed(&error))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| failed(&error))
    }

    /// The objects that register the backend.
    pub(super) fn api_services(&self, now: jiff::Timestamp) -> Vec<APIService> {
        let versions = self.backend.versions.iter();
        versions.map(|version| self.api_service(version, None, now)).collect()
    }

    /// The same objects where their `Available` condition changes with what discovery found.
    pub(super) fn changed(&self, found: &DiscoveredGroup, now: jiff::Timestamp) -> Vec<APIService> {
        let availability = |version: &DiscoveredVersion| match version.resources {
            Some(_) => Availability::Passed,
            None if self.listens.load(Relaxed) => Availability::FailedDiscoveryCheck,
            None => Availability::MissingEndpoints,
        };
        let availabilities: Vec<Availability> = found.versions.iter().map(availability).collect();
        let mut last = self.last_found.lock();
        let changed = found.versions.iter().enumerate().filter(|(index, _)| {
            let before = last.as_ref().and_then(|last| last.get(*index));
            before != availabilities.get(*index)
        });
        let Backend { service, namespace, .. } = &self.backend;
        let missing = format!("endpoints for service/{service} in {namespace:?} have no addresses");
        let failure = self.failure.lock().clone();
        let condition = |found: Availability| match found {
            Availability::Passed => ("True", "Passed", "all checks passed"),
            Availability::MissingEndpoints => ("False", "MissingEndpoints", missing.as_str()),
            Availability::FailedDiscoveryCheck => {
                ("False", "FailedDiscoveryCheck", failure.as_str())
            }
        };
        let changed = changed.map(|(index, version)| {
            self.api_service(&version.version, Some(condition(availabilities[index])), now)
        });
        let changed = changed.collect();
        *last = Some(availabilities);
        changed
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
