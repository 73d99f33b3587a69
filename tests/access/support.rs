//! A cluster whose API server is called in process.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use apiserver::{
    access::{self, Access, ApiServer, ApiServers, Settings},
    serving::Limits,
};
use axum::{Router, extract::Request, response::IntoResponse};
pub(crate) use fake_apiserver::rule;
use fake_apiserver::{
    FakeApiServer, Observer, User, auth_delegator, authentication_config, authentication_reader,
};
use fake_kubelet::{Authority, Identity, Subject, Validity};
use http::StatusCode;
use http_body_util::BodyExt;
use k8s_openapi::api::{core::v1::ConfigMap, rbac::v1::PolicyRule};
use k8s_text::klog::Klog;
use kube::Client;
use net::{Clock, Doors, Files, HostNetwork, Programs, Random};
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use super::guarded::Guarded;

pub(crate) const NODES: &str = "/apis/metrics.k8s.io/v1beta1/nodes";
pub(crate) const START: &str = "2019-01-04T09:53:00Z";
pub(crate) const API_SERVER: &str = "https://10.96.0.1/";

/// The metrics server's own token.
const OWN_TOKEN: &str = "metrics-server-token";
const OWN_NAME: &str = "system:serviceaccount:kube-system:metrics-server";

/// A cluster, and the log and the requests of the metrics server in it.
pub(crate) struct Cluster {
    pub(crate) clock: Clock,
    pub(crate) api_server: Arc<FakeApiServer>,
    pub(crate) clients: Authority,
    pub(crate) proxies: Authority,
    pub(crate) away: Arc<AtomicBool>,
    /// How many of the next requests the API server answers with 500.
    pub(crate) failing: Arc<AtomicUsize>,
    /// Whether the API server accepts requests and never answers.
    pub(crate) silent: Arc<AtomicBool>,
    /// For how many milliseconds the API server holds each answer back.
    pub(crate) delay: Arc<AtomicU64>,
    log: Arc<Mutex<Vec<String>>>,
    asked: Arc<Asked>,
    _log: DefaultGuard,
}

/// The metrics server's requests to the API server.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

// === impl Cluster ===

impl Cluster {
    /// With the `ConfigMap` that API servers write, and all roles that the metrics server needs.
    pub(crate) fn new() -> Self {
        let start = START.parse().unwrap();
        let clock = Clock::starting_at(start);
        let api_server = FakeApiServer::new(clock.clone());
        api_server.add_token(OWN_TOKEN, User::service_account("kube-system", "metrics-server"));
        let (log, asked) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Asked::default()));
        api_server.observe(asked.clone());
        let lines = log.clone();
        let sink = Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
        let klog = Klog::new(clock.clone(), 1, 0, sink);
        let cluster = Self {
            api_server,
            clients: Authority::new("kubernetes", start).unwrap(),
            proxies: Authority::new("front-proxy-ca", start).unwrap(),
            clock,
            away: Arc::default(),
            failing: Arc::default(),
            silent: Arc::default(),
            delay: Arc::default(),
            log,
            asked,
            _log: tracing::subscriber::set_default(tracing_subscriber::registry().with(klog)),
        };
        cluster.bind(&["delegator", "reader"]);
        cluster.publish(&cluster.config_map());
        cluster
    }

    /// Gives the metrics server these roles in place of those before.
    pub(crate) fn bind(&self, roles: &[&str]) {
        let mut granted = Vec::new();
        if roles.contains(&"delegator") {
            granted.extend(auth_delegator());
        }
        if roles.contains(&"reader") {
            granted.push(authentication_reader());
        }
        self.api_server.set_rules(OWN_NAME, granted);
    }

    /// What API servers write for this cluster's CAs.
    pub(crate) fn config_map(&self) -> Value {
        let map = authentication_config::config_map(&self.clients.pem(), Some(&self.proxies.pem()));
        json!(map.data)
    }

    pub(crate) fn publish(&self, data: &Value) {
        self.api_server.upsert_config_map(ConfigMap {
            data: serde_json::from_value(data.clone()).unwrap(),
            ..authentication_config::config_map("", None)
        });
    }

    /// Sends a request to the API server as the metrics server, unless the API server is away.
    fn client(&self) -> Client {
        let (router, away) = (self.api_server.router(), self.away.clone());
        let (failing, silent) = (self.failing.clone(), self.silent.clone());
        let delay = self.delay.clone();
        let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
            let token = format!("Bearer {OWN_TOKEN}").parse().unwrap();
            request.headers_mut().insert("authorization", token);
            let (router, away) = (router.clone(), away.clone());
            let (failing, silent) = (failing.clone(), silent.clone());
            let delay = Duration::from_millis(delay.load(Ordering::Relaxed));
            async move {
                if away.load(Ordering::Relaxed) {
                    let refused = "dial tcp 10.96.0.1:443: connect: connection refused";
                    return Err(io::Error::new(io::ErrorKind::ConnectionRefused, refused));
                }
                if silent.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(delay).await;
                let less = |left: usize| left.checked_sub(1);
                if failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
                    let status = json!({
                        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500,
                        "reason": "InternalError", "message": "etcd is elsewhere",
                    });
                    return Ok(
                        (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(status)).into_response()
                    );
                }
                let Ok(response) = router.oneshot(request).await;
                Ok(response)
            }
        });
        Client::new(service, "default")
    }

    pub(crate) fn access(&self, settings: &Settings) -> Arc<Access> {
        self.try_access(settings).unwrap()
    }

    pub(crate) fn try_access(
        &self,
        settings: &Settings,
    ) -> Result<Arc<Access>, access::AccessError> {
        let asked = ApiServer { client: self.client(), url: API_SERVER.parse().unwrap() };
        let servers = ApiServers { authentication: asked.clone(), authorization: asked };
        let doors = Doors {
            clock: self.clock.clone(),
            network: Arc::new(HostNetwork),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        Access::new(settings, servers, &doors)
    }

    /// A server that has loaded the client CA and request header configuration.
    pub(crate) async fn serve(&self) -> Guarded {
        self.serve_with(&Settings::default()).await
    }

    pub(crate) async fn serve_with(&self, settings: &Settings) -> Guarded {
        let access = self.access(settings);
        let mut guarded = self.serve_router(Limits::default(), access.guard(echo()));
        guarded.keep(async move { access.follow().await });
        settle().await;
        guarded
    }

    /// The same with limits of one's own.
    pub(crate) async fn serve_within(&self, limits: Limits) -> Guarded {
        let access = self.access(&Settings::default());
        let mut guarded = self.serve_router(limits, access.guard(echo()));
        guarded.keep(async move { access.follow().await });
        settle().await;
        guarded
    }

    pub(crate) fn serve_router(&self, limits: Limits, router: Router) -> Guarded {
        Guarded::start(&self.clock, limits, router)
    }

    /// A client certificate of a CA, valid for a year.
    pub(crate) fn certificate(&self, by: &Authority, name: &str, group: Option<&str>) -> Identity {
        let subject = Subject {
            common_name: name.to_owned(),
            organization: group.map(str::to_owned),
            ..Subject::default()
        };
        by.client(&subject, Validity::year_from_an_hour_before(self.clock.now())).unwrap()
    }

    pub(crate) fn front_proxy(&self) -> Identity {
        self.certificate(&self.proxies, "front-proxy-client", None)
    }

    /// A user whose token is their name, with these permissions.
    pub(crate) fn introduce(&self, name: &'static str, rules: Vec<PolicyRule>) {
        self.api_server.add_token(name, User::new(name, &["dev"]));
        self.api_server.set_rules(name, rules);
    }

    /// The reviews that the metrics server has sent since the last call.
    pub(crate) fn take_reviews(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.0.lock().unwrap());
        asked.into_iter().filter(|asked| asked.starts_with("POST")).collect()
    }

    /// Whether a line with all these parts was logged.
    pub(crate) fn logged(&self, parts: &[&str]) -> bool {
        let lines = self.log.lock().unwrap();
        lines.iter().any(|line| parts.iter().all(|part| line.contains(part)))
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

/// May list nodes' metrics.
pub(crate) fn lister() -> Vec<PolicyRule> {
    vec![rule("metrics.k8s.io", "nodes", &["list"])]
}

/// Runs all tasks that can make progress now.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

impl Observer for Asked {
    fn request(&self, _user: &str, method: &str, path_and_query: &str, status: u16) {
        let path = path_and_query.rsplit('/').next().unwrap();
        self.0.lock().unwrap().push(format!("{method} {path} {status}"));
    }
}

/// Answers with the handler's input: the user, the headers, the length of the body.
fn echo() -> Router {
    Router::new().fallback(async |request: Request| {
        let (head, body) = request.into_parts();
        let user = head.extensions.get::<access::User>().cloned();
        let headers: Vec<_> = head.headers.keys().map(ToString::to_string).collect();
        let body = body.collect().await.unwrap().to_bytes().len();
        axum::Json(json!({ "user": user, "headers": headers, "body": body })).into_response()
    })
}
