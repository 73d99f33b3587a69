//! The API server of the simulated and the sandboxed world, and of a fleet of fake kubelets that
//! runs without a cluster: nodes and pods to list and watch, tokens and access to review, and the
//! metrics server behind it as an aggregated API.
//!
//! It behaves like a real API server where metrics servers, `kubectl` and client libraries can see
//! a difference: paths, parameters, forms of responses, messages of errors, and the order of a
//! watch's events. The cluster changes through the methods of [`FakeApiServer`], as scenarios need,
//! and over HTTP as far as a kubelet writes: nodes, pods and leases. Objects are not validated
//! beyond their types.
//!
//! A request passes through `handler`: authentication (`authn`), request info, authorization
//! (`rbac`), and then the part that answers: `list`, `watch`, `write`, `reviews`, `discovery` or
//! `aggregation`. All time is from [`Clock`] and tokio, so that a simulated world gets the same
//! responses in every run.

mod aggregation;
mod apply;
pub mod authentication_config;
mod authn;
mod client_tls;
mod discovery;
mod faults;
mod handler;
mod kubeconfig;
mod list;
mod list_options;
mod negotiation;
mod node_proxy;
mod object;
mod pod_log;
pub mod protobuf;
mod proxy;
mod rbac;
mod request_info;
mod resources;
mod response;
mod reviews;
mod roles;
mod selection;
mod serve;
mod status;
mod store;
mod table;
mod watch;
mod write;

use std::{collections::BTreeMap, sync::Arc};

use axum::Router;
use k8s_openapi::{
    api::{
        core::v1::{ConfigMap, Namespace, NamespaceStatus, Node, Pod},
        rbac::v1::PolicyRule,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use net::Clock;
use parking_lot::Mutex;

pub use self::{
    aggregation::Backend,
    authn::User,
    client_tls::{ClientCertificate, TlsError},
    faults::Faults,
    kubeconfig::{Credential, kubeconfig},
    node_proxy::KubeletAccess,
    pod_log::PodLog,
    resources::serves,
    roles::{auth_delegator, authentication_reader, rule},
    serve::{Endpoint, Peer, Serving, StartError},
};
use self::{
    aggregation::{AggregatedApi, local_api_service},
    authn::Tokens,
    discovery::DiscoveredGroup,
    node_proxy::Kubelets,
    object::Key,
    rbac::Rules,
    store::Store,
};

/// How many changes it remembers.
const WATCH_CACHE: usize = 10_000;

/// Gets every request when its response begins.
pub trait Observer: Send + Sync + 'static {
    /// `user` is empty for a request whose credentials were wrong.
    fn request(&self, user: &str, method: &str, path_and_query: &str, status: u16);
}

/// An API server with its cluster's state.
pub struct FakeApiServer {
    clock: Clock,
    store: Arc<Store>,
    tokens: Mutex<Tokens>,
    rules: Mutex<Rules>,
    /// By user.
    faults: Mutex<BTreeMap<String, Faults>>,
    /// By group.
    aggregates: Mutex<BTreeMap<String, Arc<AggregatedApi>>>,
    /// None until [`Self::reach_kubelets`].
    kubelets: Mutex<Option<Arc<Kubelets>>>,
    /// By namespace and pod.
    logs: Mutex<BTreeMap<Key, PodLog>>,
    observer: Mutex<Option<Arc<dyn Observer>>>,
    close_watches: tokio::sync::broadcast::Sender<()>,
}

// === impl FakeApiServer ===

impl FakeApiServer {
    /// An API server of a cluster without nodes. Only `system:masters` may do anything yet.
    pub fn new(clock: Clock) -> Arc<Self> {
        Self::with_watch_cache(clock, WATCH_CACHE)
    }

    /// The same with another number of changes in the watch history: watches from an older version
    /// end with 410 Gone.
    pub fn with_watch_cache(clock: Clock, changes: usize) -> Arc<Self> {
        let store = Store::new(changes);
        let now = clock.now();
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            store.upsert(namespace(name), now);
        }
        let groups = std::iter::once("").chain(resources::GROUPS);
        for group in groups {
            store.upsert(local_api_service(group, "v1", now), now);
        }
        Arc::new(Self {
            clock,
            store: Arc::new(store),
            tokens: Mutex::default(),
            rules: Mutex::default(),
            faults: Mutex::default(),
            aggregates: Mutex::default(),
            kubelets: Mutex::default(),
            logs: Mutex::default(),
            observer: Mutex::default(),
            close_watches: tokio::sync::broadcast::Sender::new(1),
        })
    }

    /// Answers requests within this process; [`Self::start`] serves them over the network.
    pub fn router(self: &Arc<Self>) -> Router {
        let api_server = self.clone();
        Router::new().fallback(move |request: axum::extract::Request| {
            let api_server = api_server.clone();
            async move { api_server.handle(request).await }
        })
    }

    /// Shows all requests from now on to an observer.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        *self.observer.lock() = Some(observer);
    }

    /// Adds a node or changes the one of that name. What was given as its creation time is kept;
    /// its uid and resource version are set here.
    pub fn upsert_node(&self, node: Node) {
        self.store.upsert(node, self.clock.now());
    }

    /// Removes a node; returns whether there was one.
    pub fn remove_node(&self, name: &str) -> bool {
        self.store.remove(&resources::NODES, &key("", name))
    }

    /// Adds a pod or changes the one of that name. Its namespace comes into being with it.
    pub fn upsert_pod(&self, pod: Pod) {
        if let Some(name) = &pod.metadata.namespace {
            self.add_namespace(name);
        }
        self.store.upsert(pod, self.clock.now());
    }

    /// Removes a pod; returns whether there was one. Its namespace stays.
    pub fn remove_pod(&self, namespace: &str, name: &str) -> bool {
        self.store.remove(&resources::PODS, &key(namespace, name))
    }

    /// Adds a namespace, unless it is there.
    pub fn add_namespace(&self, name: &str) {
        if self.store.get(&resources::NAMESPACES, &key("", name)).is_none() {
            self.store.upsert(namespace(name), self.clock.now());
        }
    }

    /// Adds or changes a `ConfigMap`, such as `kube-system/extension-apiserver-authentication`.
    pub fn upsert_config_map(&self, map: ConfigMap) {
        self.store.upsert(map, self.clock.now());
    }

    /// Removes a `ConfigMap`; returns whether there was one.
    pub fn remove_config_map(&self, namespace: &str, name: &str) -> bool {
        self.store.remove(&resources::CONFIG_MAPS, &key(namespace, name))
    }

    /// From now on `token` is `user`'s, who is in `system:authenticated` as well.
    pub fn add_token(&self, token: &str, user: User) {
        self.tokens.lock().add(token, user);
    }

    /// From now on `token` has expired.
    pub fn add_expired_token(&self, token: &str) {
        self.tokens.lock().add_expired(token);
    }

    /// From now on `token` is invalid.
    pub fn remove_token(&self, token: &str) {
        self.tokens.lock().remove(token);
    }

    /// The rules of the user of that name, in place of those before.
    pub fn set_rules(&self, user: &str, rules: Vec<PolicyRule>) {
        self.rules.lock().set_user(user, rules);
    }

    /// The rules of a group, in place of those before.
    pub fn set_group_rules(&self, group: &str, rules: Vec<PolicyRule>) {
        self.rules.lock().set_group(group, rules);
    }

    /// The faults of requests of the user of that name from now on, in place of those before.
    pub fn set_faults(&self, user: &str, faults: Faults) {
        self.faults.lock().insert(user.to_owned(), faults);
    }

    /// Passes requests for the backend's group on to it, in place of the backend before it.
    pub fn add_backend(&self, backend: Backend) -> Result<(), TlsError> {
        let aggregate = Arc::new(AggregatedApi::new(backend)?);
        self.remove_backend(aggregate.group());
        let now = self.clock.now();
        for service in aggregate.api_services(now) {
            self.store.upsert(service, now);
        }
        self.aggregates.lock().insert(aggregate.group().to_owned(), aggregate);
        Ok(())
    }

    /// Removes the backend of a group; returns whether there was one.
    pub fn remove_backend(&self, group: &str) -> bool {
        let Some(aggregate) = self.aggregates.lock().remove(group) else { return false };
        for service in aggregate.api_services(self.clock.now()) {
            let name = service.metadata.name.unwrap_or_default();
            self.store.remove(&resources::API_SERVICES, &key("", &name));
        }
        true
    }

    /// From now on passes requests for `nodes/NAME/proxy` on to that node's kubelet.
    pub fn reach_kubelets(&self, access: KubeletAccess) -> Result<(), TlsError> {
        *self.kubelets.lock() = Some(Arc::new(Kubelets::new(access)?));
        Ok(())
    }

    /// Updates the `Available` condition of a backend's `APIServices`.
    fn update_availability(&self, aggregate: &AggregatedApi, found: &DiscoveredGroup) {
        let now = self.clock.now();
        for service in aggregate.changed(found, now) {
            self.store.upsert(service, now);
        }
    }

    /// Ends all watches that are open, as an API server that restarts does.
    pub fn close_watches(&self) {
        // An error means that there is no watch.
        let _ = self.close_watches.send(());
    }

    /// Drops the history until now: watches from an older version end with 410 Gone.
    pub fn compact(&self) {
        self.store.compact();
    }

    /// The version of the last change.
    pub fn resource_version(&self) -> u64 {
        self.store.version()
    }
}

fn key(namespace: &str, name: &str) -> Key {
    Key { namespace: namespace.to_owned(), name: name.to_owned() }
}

fn namespace(name: &str) -> Namespace {
    Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(
                "kubernetes.io/metadata.name".to_owned(),
                name.to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        status: Some(NamespaceStatus {
            phase: Some("Active".to_owned()),
            ..NamespaceStatus::default()
        }),
        ..Namespace::default()
    }
}
