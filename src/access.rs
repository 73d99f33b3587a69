//! Who may ask. Every request passes here before anything else looks at it: who asks
//! (`authentication`), as whom (`impersonation`), for what (`attributes`), may they
//! (`authorization`).
//!
//! The API server is asked about tokens and permissions (`reviews`), and its answers are remembered
//! for a moment (`cache`). Whose certificates are believed (`trust`) is what
//! `kube-system/extension-apiserver-authentication` says (`cluster_word`), or files that flags name
//! (`files`). It may change at any time, so certificates are judged for each request by what holds
//! then; TLS has only made sure that the peer has the key (`serving::AnyClient`).
//!
//! What cannot be found out lets nobody in.

mod admission;
mod attributes;
mod authentication;
mod authorization;
mod cache;
mod cluster_word;
mod files;
mod front_proxy;
mod impersonation;
mod in_flight;
mod open_paths;
mod percent;
mod refusal;
mod reviews;
mod servers;
mod settings;
mod strangers;
mod trust;
mod user;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Uri, Version, header, request::Parts};
use kube_dial::ApiClient;
use net::Doors;
use tokio::sync::watch;
use tower::ServiceExt;

pub use self::{
    admission::Admission,
    attributes::{Attributes, ResourceAttributes},
    files::FileError,
    refusal::Refusal,
    servers::ApiConfigs,
    settings::{RequestHeader, Settings, SettingsError},
    user::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User},
};
use self::{
    authentication::Authenticator,
    authorization::Authorizer,
    cache::Hasher,
    cluster_word::ClusterWord,
    files::Files,
    front_proxy::ProxyRules,
    impersonation::{Impersonation, Requester},
    in_flight::{InFlight, Place},
    reviews::Reviewer,
    strangers::Strangers,
    trust::{Trust, Wanted},
};
use crate::{
    api::Asked,
    serving::{LastOfConnection, Peer, until_sent},
};

/// An API server to ask.
#[derive(Clone)]
pub struct ApiServer {
    /// The way to ask it.
    pub client: ApiClient,
    /// Its address, for messages.
    pub url: Uri,
}

/// Whom to ask: the same API server, unless flags say otherwise.
#[derive(Clone)]
pub struct ApiServers {
    /// Whose tokens are whose, and whom to believe (`--authentication-kubeconfig`).
    pub authentication: ApiServer,
    /// Who may do what (`--authorization-kubeconfig`).
    pub authorization: ApiServer,
}

/// Decides who may ask.
pub struct Access {
    trust: watch::Sender<Arc<Trust>>,
    authenticator: Authenticator,
    authorizer: Authorizer,
    strangers: Strangers,
    in_flight: InFlight,
    files: Files,
    cluster: Option<ClusterWord>,
}

/// A request that is let in.
struct Admitted {
    user: User,
    /// Its place among those that are answered.
    place: Place,
    /// Why it is, as the API server says; often empty.
    reason: String,
}

/// Why it cannot be decided who may ask.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The settings make no sense.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file that a flag names is no good.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

// === impl Access ===

impl Access {
    /// Reads what files say; the cluster has not been asked yet.
    pub fn new(
        settings: &Settings,
        servers: ApiServers,
        doors: &Doors,
    ) -> Result<Arc<Self>, AccessError> {
        settings.request_header.validate()?;
        let files = Files::new(settings);
        let mut trust = Trust::default();
        files.load(&mut trust)?;
        let wanted = Wanted {
            clients: settings.client_ca_file.is_none(),
            proxies: settings.request_header.client_ca_file.is_none(),
        };
        if !wanted.proxies {
            trust.rules = ProxyRules::from(&settings.request_header);
        }
        let trust = watch::Sender::new(Arc::new(trust));
        let cluster = (!settings.skip_lookup && (wanted.clients || wanted.proxies)).then(|| {
            let client = servers.authentication.client.clone();
            ClusterWord::new(client, wanted, trust.clone(), doors.random.clone())
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
            strangers: Strangers::default(),
            in_flight: InFlight::new(settings),
            trust,
            files,
            cluster,
        }))
    }

    /// Keeps up with whom to believe, for good.
    pub async fn follow(&self) {
        let cluster = async {
            match &self.cluster {
                Some(cluster) => cluster.follow().await,
                None => std::future::pending().await,
            }
        };
        futures::future::join(cluster, self.files.follow(&self.trust)).await;
    }

    /// Lets through to `router` who may pass. What it sees of a request is without body and
    /// without anything that says who asks but the extension [`User`]: no token, no header of a
    /// proxy.
    pub fn guard(self: &Arc<Self>, router: Router) -> Router {
        let access = self.clone();
        Router::new().fallback(move |request: Request| {
            let (access, router) = (access.clone(), router.clone());
            async move { access.answer(request, router).await }
        })
    }

    async fn answer(&self, request: Request, router: Router) -> Response {
        let asked = Asked::of(&request);
        let (mut head, _) = request.into_parts();
        let version = head.version;
        let admitted = self.admit(&mut head).await;
        let requester = head.extensions.remove::<Requester>();
        let (mut response, known) = match admitted {
            Ok(Admitted { user, place, reason }) => {
                let known = !user.is_anonymous();
                let admission = Admission::allowed(&user, reason).of(requester);
                head.extensions.insert(user);
                // No handler takes a body.
                let answered = router.oneshot(Request::from_parts(head, Body::empty())).await;
                let mut response = answered.into_response();
                response.extensions_mut().insert(admission);
                (response.map(|body| until_sent(body, place)), known)
            }
            Err(refusal) => {
                let admission = Admission::from(&refusal).of(requester);
                let known = admission.user.as_ref().is_some_and(|user| !user.is_anonymous());
                let mut response = refusal.respond(&asked);
                response.extensions_mut().insert(admission);
                (response, known)
            }
        };
        if version == Version::HTTP_2 && !known {
            // HTTP/2 lets a peer ask a lot at little cost: not one that nobody knows.
            response.extensions_mut().insert(LastOfConnection);
        }
        response
    }

    /// Who asks, if they may.
    async fn admit(&self, head: &mut Parts) -> Result<Admitted, Refusal> {
        let trust = self.trust.borrow().clone();
        let peer = head.extensions.get::<Peer>();
        let user = self.authenticator.user(&trust, peer, &head.headers).await.map_err(|error| {
            self.strangers.note(&error, peer.and_then(|peer| peer.certificates.first()));
            Refusal::Unauthorized
        })?;
        head.headers.remove(header::AUTHORIZATION);
        trust.rules.strip(&mut head.headers);
        let attributes = Attributes::of(&head.method, &head.uri);
        let place = self.in_flight.enter(&user, &attributes)?;
        let user = self.acting(user, head).await?;
        let reason = self.permit(&user, attributes, head).await?;
        Ok(Admitted { user, place, reason })
    }

    /// Whom it is asked as: whoever asks, or whom they wish to be and may.
    async fn acting(&self, user: User, head: &mut Parts) -> Result<User, Refusal> {
        let wish = match Impersonation::asked(&head.headers) {
            Ok(Some(wish)) => wish,
            Ok(None) => return Ok(user),
            Err(error) => {
                let said = error.to_string();
                return Err(Refusal::Impersonation { user: Box::new(user), said });
            }
        };
        for need in wish.needs() {
            self.permit(&user, need.clone(), head).await?;
        }
        impersonation::strip(&mut head.headers);
        head.extensions.insert(Requester(user));
        Ok(wish.into_user())
    }

    /// Why somebody may do something, as the API server says.
    async fn permit(
        &self,
        user: &User,
        attributes: Attributes,
        head: &Parts,
    ) -> Result<String, Refusal> {
        match self.authorizer.decide(user, &attributes).await {
            Ok(decision) if decision.allowed => Ok(decision.reason),
            Ok(decision) => {
                tracing::debug!(uri = %head.uri, user = user.name, reason = decision.reason, "Forbidden");
                let (user, attributes) = (Box::new(user.clone()), Box::new(attributes));
                Err(Refusal::Forbidden { user, attributes, reason: decision.reason })
            }
            Err(error) => {
                tracing::error!(err = %error, cure = error.cure, "Failed to make webhook authorizer request");
                let uri = head.uri.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
                Err(Refusal::Undecided { user: Box::new(user.clone()), uri, reason: error.reason })
            }
        }
    }
}
