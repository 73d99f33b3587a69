//! Authentication and authorization of every request, in this order: the user (`authn`), the user
//! to act as (`filters::impersonation`), what is requested (`request_info`), and the user's
//! permission (`authz`).
//!
//! Tokens and permissions are reviewed by an API server (`review`), and its responses are cached
//! for seconds (`review_cache`). The CAs of clients and front proxies (`authn::client_ca`) come
//! from the ConfigMap `kube-system/extension-apiserver-authentication`
//! (`authn::extension_config_map`), or from files that flags name. Both can change while the server
//! runs, so certificates are verified here and not in the TLS handshake, which only proves that the
//! client has the key (`tls::AnyClient`).
//!
//! A request that cannot be authenticated or authorized because of an error is refused.

mod authn;
mod authz;
mod filters;
mod percent;
mod refusal;
mod request_info;
mod request_outcome;
mod review;
mod review_cache;
mod review_queue;
mod review_servers;
mod settings;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Uri, Version, header, request::Parts};
use kube_dial::ApiClient;
use net::{Doors, FileError, FileKind, FileSource};
use tls::ca_bundle::Bundle;
use tokio::sync::watch;
use tower::ServiceExt;

use self::{
    authn::{
        Authenticator,
        client_ca::{CaSource, ClientCaConfig},
        extension_config_map::ExtensionConfigMap,
        failure_log::FailureLog,
        request_header::RequestHeaderConfig,
    },
    authz::Authorizer,
    filters::{
        impersonation::{self, Impersonation, Requester},
        max_in_flight::{MaxInFlight, Permit, is_probe},
    },
    review::Reviewer,
    review_cache::Hasher,
};
pub use self::{
    authn::{
        extension_config_map::LookupError,
        user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User},
        x509::VerifiedCertificates,
    },
    refusal::Refusal,
    request_info::{RequestInfo, ResourceInfo},
    request_outcome::RequestOutcome,
    review_servers::ApiConfigs,
    settings::{RequestHeaderOptions, Settings, SettingsError},
};
use crate::{
    RequestOptions,
    serving::{ConnectionHandle, Exchange, LastOfConnection, Peer, until_sent},
};

const CLIENT_CA: FileKind =
    FileKind { name: "client CA", cure: "put the CAs of clients there in PEM" };
const REQUEST_HEADER_CA: FileKind =
    FileKind { name: "request header CA", cure: "put the CAs of front proxies there in PEM" };

/// An API server that reviews tokens or permissions.
#[derive(Clone)]
pub struct ApiServer {
    /// Its client.
    pub client: ApiClient,
    /// Its address, for messages.
    pub url: Uri,
}

/// The API servers that review: the same one, unless flags name others.
#[derive(Clone)]
pub struct ApiServers {
    /// Reviews tokens and has the client CA configuration (`--authentication-kubeconfig`).
    pub authentication: ApiServer,
    /// Reviews permissions (`--authorization-kubeconfig`).
    pub authorization: ApiServer,
}

/// Authenticates and authorizes requests.
pub struct Access {
    config: watch::Sender<Arc<ClientCaConfig>>,
    authenticator: Authenticator,
    authorizer: Authorizer,
    failure_log: FailureLog,
    in_flight: MaxInFlight,
    config_map: Option<ExtensionConfigMap>,
}

/// An authorized request.
struct Authorized {
    user: User,
    /// Counts it as in flight.
    permit: Permit,
    /// The API server's reason; often empty.
    reason: String,
}

/// Why requests cannot be authenticated or authorized at all.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The settings are invalid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file that a flag names cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

// === impl Access ===

impl Access {
    /// Opens the CA files. The API server gets no request before [`Access::follow`].
    pub fn new(
        settings: &Settings,
        servers: ApiServers,
        doors: &Doors,
    ) -> Result<Arc<Self>, AccessError> {
        settings.request_header.validate()?;
        let mut config = ClientCaConfig::default();
        let open = |kind, flag, file| Bundle::open(&doors.files, kind, FileSource::new(flag, file));
        if let Some(file) = &settings.client_ca_file {
            config.client_ca = CaSource::File(open(CLIENT_CA, "--client-ca-file", file)?);
        }
        if let Some(file) = &settings.request_header.client_ca_file {
            let bundle = open(REQUEST_HEADER_CA, "--requestheader-client-ca-file", file)?;
            config.request_header_ca = CaSource::File(bundle);
            config.request_header = RequestHeaderConfig::from(&settings.request_header);
        }
        let lookup = !settings.skip_lookup
            && (config.client_ca.is_cluster() || config.request_header_ca.is_cluster());
        let config = watch::Sender::new(Arc::new(config));
        let config_map = lookup.then(|| {
            let client = servers.authentication.client.clone();
            ExtensionConfigMap::new(client, config.clone(), doors.random.clone())
        });
        let reviewer =
            |ApiServer { client, url }| Arc::new(Reviewer::new(client, url, doors.random.clone()));
        let hasher = || Hasher::new().map_err(|_| AccessError::NoRandomness);
        let tokens = reviewer(servers.authentication);
        let permissions = reviewer(servers.authorization);
        Ok(Arc::new(Self {
            authenticator: Authenticator::new(
                tokens,
                hasher()?,
                settings.token_ttl,
                doors.clock.clone(),
            ),
            authorizer: Authorizer::new(settings, permissions, hasher()?)?,
            failure_log: FailureLog::default(),
            in_flight: MaxInFlight::new(settings),
            config,
            config_map,
        }))
    }

    /// Follows changes of the ConfigMap. It never ends.
    pub async fn follow(&self) {
        match &self.config_map {
            Some(config_map) => config_map.follow().await,
            None => std::future::pending().await,
        }
    }

    /// Reads the front proxy's CA once, where it is looked up in the cluster.
    pub async fn look_up(&self) -> Result<(), LookupError> {
        match &self.config_map {
            Some(config_map) => config_map.look_up().await,
            None if self.config.borrow().request_header_ca.is_missing() => {
                Err(LookupError::NoFrontProxy)
            }
            None => Ok(()),
        }
    }

    /// Whether [`Access::look_up`] sends a request.
    pub fn looks_up(&self) -> bool {
        self.config_map.is_some()
    }

    /// Passes authorized requests on to `router`: with the extension [`User`], without a body, and
    /// without tokens and front proxy headers.
    pub fn guard(self: &Arc<Self>, router: Router) -> Router {
        let access = self.clone();
        Router::new().fallback(move |request: Request| {
            let (access, router) = (access.clone(), router.clone());
            async move { access.answer(request, router).await }
        })
    }

    async fn answer(&self, request: Request, router: Router) -> Response {
        let asked = RequestOptions::of(&request);
        let (mut head, _) = request.into_parts();
        let version = head.version;
        let authorized = self.authorize(&mut head).await;
        let requester = head.extensions.remove::<Requester>();
        let (mut response, known) = match authorized {
            Ok(Authorized { user, permit, reason }) => {
                let known = !user.is_anonymous();
                let outcome = RequestOutcome::allowed(&user, reason).by(requester);
                head.extensions.insert(user);
                // No handler takes a body.
                let answered = router.oneshot(Request::from_parts(head, Body::empty())).await;
                let mut response = answered.into_response();
                response.extensions_mut().insert(outcome);
                (response.map(|body| until_sent(body, permit)), known)
            }
            Err(refusal) => {
                let outcome = RequestOutcome::from(&refusal).by(requester);
                let known = outcome.user.as_ref().is_some_and(|user| !user.is_anonymous());
                let mut response = refusal.respond(&asked);
                response.extensions_mut().insert(outcome);
                (response, known)
            }
        };
        if version == Version::HTTP_2 && !known {
            // One HTTP/2 connection can carry very many requests: not for unknown users.
            response.extensions_mut().insert(LastOfConnection);
        }
        response
    }

    async fn authorize(&self, head: &mut Parts) -> Result<Authorized, Refusal> {
        let config = self.config.borrow().clone();
        let peer = head.extensions.get::<Peer>();
        let connection = head.extensions.get::<ConnectionHandle>();
        let headers = &head.headers;
        let authenticated =
            self.authenticator.authenticate(&config, peer, connection, headers).await;
        let user = authenticated.map_err(|error| {
            let certificate = peer.and_then(|peer| peer.certificates.first());
            self.failure_log.authentication(&error, certificate);
            if error.is_overload() {
                Refusal::TooManyRequests { user: None }
            } else {
                Refusal::Unauthorized
            }
        })?;
        if let Some(connection) = connection
            && !user.is_anonymous()
        {
            connection.set_authenticated();
        }
        let has_no_proxy = config.request_header_ca.is_missing();
        if has_no_proxy && user.is_anonymous() && RequestHeaderConfig::names_user(headers) {
            self.failure_log.no_front_proxy();
        }
        head.headers.remove(header::AUTHORIZATION);
        config.request_header.strip(&mut head.headers);
        let info = RequestInfo::of(&head.method, &head.uri);
        let is_probe = is_probe(&info) && self.authorizer.always_allows(&info);
        let user = self.impersonate(user, head).await?;
        let reason = self.permit(&user, &info, head).await?;
        // Only authorized requests are in flight: others must not take their place while they wait
        // for a review. Other requests must not make a kubelet restart this server either.
        let exchange = head.extensions.get::<Exchange>();
        let permit =
            if is_probe { None } else { self.in_flight.acquire(&user, &info, exchange)? };
        Ok(Authorized { user, permit, reason })
    }

    /// The user to act as: `user`, or the one in the impersonation headers if `user` may
    /// impersonate it.
    async fn impersonate(&self, user: User, head: &mut Parts) -> Result<User, Refusal> {
        let impersonation = match Impersonation::requested(&head.headers) {
            Ok(Some(impersonation)) => impersonation,
            Ok(None) => return Ok(user),
            Err(error) => {
                let message = error.to_string();
                return Err(Refusal::Impersonation { user: Box::new(user), message });
            }
        };
        for permission in impersonation.permissions() {
            self.permit(&user, permission, head).await?;
        }
        impersonation::strip(&mut head.headers);
        head.extensions.insert(Requester(user));
        Ok(impersonation.into_user())
    }

    /// The API server's reason why the user may do it.
    async fn permit(
        &self,
        user: &User,
        info: &RequestInfo,
        head: &Parts,
    ) -> Result<String, Refusal> {
        match self.authorizer.decide(user, info, head.extensions.get::<Peer>()).await {
            Ok(decision) if decision.allowed => Ok(decision.reason),
            Ok(decision) => {
                tracing::debug!(uri = %head.uri, user = user.name, reason = decision.reason, "Forbidden");
                let (user, info) = (Box::new(user.clone()), Box::new(info.clone()));
                Err(Refusal::Forbidden { user, info, reason: decision.reason })
            }
            Err(error) => {
                self.failure_log.authorization(&error);
                if error.is_overload {
                    return Err(Refusal::TooManyRequests { user: Some(Box::new(user.clone())) });
                }
                let uri = head.uri.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
                Err(Refusal::InternalError {
                    user: Box::new(user.clone()),
                    uri,
                    reason: error.reason,
                })
            }
        }
    }
}
