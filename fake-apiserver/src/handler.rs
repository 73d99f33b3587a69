//! One request from its arrival to its answer.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{
    FakeApiServer,
    aggregation::AggregatedApi,
    authn::User,
    discovery::{self, DiscoveredGroup},
    key, list,
    negotiation::{self, ResponseKind, negotiate},
    node_proxy::{NodeRef, below_proxy},
    proxy::ProxyRequest,
    rbac,
    request_info::{Parameters, RequestInfo, ResourceInfo},
    resources::{API_SERVICES, NODES, PODS, ResourceType},
    response::json_response,
    reviews,
    selection::Selection,
    serve::Peer,
    status::Status,
    table::Table,
    watch, write,
};

/// The largest body that is read of a request: the real API server's limit.
const BODY_LIMIT: usize = 3 << 20;

/// A request with what is known of it after authentication.
struct Incoming {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
    parameters: Parameters,
    user: User,
    from: Option<SocketAddr>,
}

// === impl FakeApiServer ===

impl FakeApiServer {
    /// Answers one request and notifies the observer.
    pub(super) async fn handle(&self, request: Request) -> Response {
        let method = request.method().clone();
        let uri = request.uri().clone();
        let peer = request.extensions().get::<Peer>();
        let user = self.tokens.lock().authenticate(peer, request.headers());
        let name = user.as_ref().map_or(String::new(), |user| user.name.clone());
        let faults = self.faults.lock().get(&name).copied().unwrap_or_default();
        let response = match (faults.before().await, user) {
            (Some(status), _) => Err(status),
            (None, Ok(user)) => match Incoming::of(request, user) {
                Ok(incoming) if faults.gone && incoming.parameters.watch() => {
                    let asked = incoming.parameters.resource_version().ok().flatten();
                    Ok(watch::gone(asked.unwrap_or_default(), self.store.version()))
                }
                Ok(incoming) => self.authorized(incoming).await,
                Err(status) => Err(status),
            },
            (None, Err(_)) => Err(Status::unauthorized()),
        };
        let response = response.unwrap_or_else(IntoResponse::into_response);
        let watch = Parameters::of(&uri).is_ok_and(|parameters| parameters.watch());
        let response = faults.apply(response, watch);
        let observer = self.observer.lock().clone();
        if let Some(observer) = observer {
            let asked = uri.path_and_query().map_or("/", |asked| asked.as_str());
            observer.request(&name, method.as_str(), asked, response.status().as_u16());
        }
        response
    }

    async fn authorized(&self, incoming: Incoming) -> Result<Response, Status> {
        let info = RequestInfo::of(&incoming.method, &incoming.uri, &incoming.parameters);
        if !self.rules.lock().decide(&incoming.user, &info).allowed {
            return Err(rbac::forbidden(&incoming.user, &info));
        }
        if let Some(aggregate) = self.aggregate_of(incoming.uri.path()) {
            return incoming.pass_to(&aggregate).await;
        }
        match info {
            RequestInfo::NonResource { path, .. } => self.non_resource(incoming, &path).await,
            RequestInfo::Resource(request) => self.objects(incoming, &request).await,
        }
    }

    /// Who serves the group and version that a path is in, if it is not this server.
    fn aggregate_of(&self, path: &str) -> Option<Arc<AggregatedApi>> {
        let mut segments = path.strip_prefix("/apis/")?.split('/');
        let aggregate = self.aggregates.lock().get(segments.next()?)?.clone();
        segments.next().is_some_and(|version| aggregate.serves(version)).then_some(aggregate)
    }

    async fn non_resource(&self, incoming: Incoming, path: &str) -> Result<Response, Status> {
        if path.starts_with("/openapi/v3") {
            // There are no documents of its own to merge with those of a backend.
            let backend = self.aggregates.lock().values().next().cloned();
            let backend = backend.ok_or_else(Status::unknown_resource)?;
            return incoming.pass_to(&backend).await;
        }
        let Incoming { method, headers, .. } = incoming;
        if !path.starts_with("/api") {
            return Ok(discovery::non_resource(path));
        }
        if !matches!(method, Method::GET | Method::HEAD) {
            return Err(Status::method_not_allowed());
        }
        let roots = matches!(path.trim_end_matches('/'), "/api" | "/apis");
        if let Some(version) = negotiation::aggregated_discovery(&headers).filter(|_| roots) {
            let others =
                if path.starts_with("/apis") { self.discovered().await } else { Vec::new() };
            return Ok(discovery::aggregated_document(path, version, &others));
        }
        let others: Vec<_> = self.aggregates.lock().values().map(|it| it.known()).collect();
        negotiate(&headers, ResponseKind::One)?;
        Ok(match discovery::document(path, &others) {
            Some(document) => json_response(document.to_string()),
            None => discovery::non_resource(path),
        })
    }

    /// The discovery of all backends, whose results go into the status of their `APIServices`.
    async fn discovered(&self) -> Vec<DiscoveredGroup> {
        let aggregates: Vec<_> = self.aggregates.lock().values().cloned().collect();
        let mut discovered = Vec::new();
        for aggregate in aggregates {
            let found = aggregate.discover().await;
            self.update_availability(&aggregate, &found);
            discovered.push(found);
        }
        discovered
    }

    async fn objects(
        &self,
        incoming: Incoming,
        request: &ResourceInfo,
    ) -> Result<Response, Status> {
        let ResourceInfo { verb, group, version, namespace, resource, .. } = request;
        let resource =
            ResourceType::find(group, version, resource).ok_or_else(Status::unknown_resource)?;
        let of_status = request.subresource == "status" && resource.has_status();
        if resource == &NODES && request.subresource == "proxy" {
            return self.node_proxy(incoming, &request.name).await;
        }
        if resource == &PODS && request.subresource == "log" && verb == "get" {
            return self.log(namespace, &request.name, &incoming.parameters);
        }
        if !request.subresource.is_empty() && !of_status {
            return Err(Status::unknown_resource());
        }
        let named = !incoming.uri.path().trim_end_matches('/').ends_with(resource.plural);
        if !resource.verbs.contains(&verb.as_str()) || resource.verbs == ["create"] && named {
            return Err(Status::method_not_allowed());
        }
        // Only namespaces are below themselves, and only what has a namespace is below one.
        let below = !namespace.is_empty() && resource.plural != "namespaces";
        if below && !resource.namespaced || verb == "get" && resource.namespaced && !below {
            return Err(Status::unknown_resource());
        }
        if resource.verbs == ["create"] {
            return self.review(incoming, resource).await;
        }
        if matches!(verb.as_str(), "create" | "update" | "patch" | "delete") {
            if resource.namespaced != below || (verb == "create") == named || of_status && !named {
                return Err(Status::method_not_allowed());
            }
            let Incoming { headers, body, parameters, .. } = incoming;
            if !parameters.text("dryRun").is_empty() {
                return Err(Status::bad_request("dry runs are not served here"));
            }
            let body = bounded(body).await?;
            let write_request = write::WriteRequest {
                key: key(if below { namespace.as_str() } else { "" }, &request.name),
                of_status,
                headers: &headers,
                parameters: &parameters,
                body: &body,
            };
            return write::write(&self.store, resource, verb, &write_request, self.clock.now());
        }
        if resource == &API_SERVICES {
            self.discovered().await;
        }
        let namespace = if below { namespace.as_str() } else { "" };
        let parameters = &incoming.parameters;
        let table = Table::new(resource, parameters.text("includeObject"), &self.clock);
        if verb == "get" {
            let form = negotiate(&incoming.headers, ResponseKind::One)?;
            let key = key(namespace, &request.name);
            return list::get(&self.store, resource, &key, form, &table);
        }
        let selection = Selection::of(resource, namespace, parameters)?;
        if verb == "watch" {
            let form = negotiate(&incoming.headers, ResponseKind::Watch)?;
            let subject = watch::Subject { resource, selection, form, table };
            return watch::open(&self.store, subject, parameters, self.close_watches.subscribe());
        }
        let form = negotiate(&incoming.headers, ResponseKind::List)?;
        list::list(&self.store, resource, &selection, parameters, form, &table)
    }

    /// Passes a request on to a node's kubelet.
    async fn node_proxy(&self, incoming: Incoming, node: &str) -> Result<Response, Status> {
        let kubelets = self.kubelets.lock().clone().ok_or_else(Status::unknown_resource)?;
        let node = NodeRef::parse(node);
        let found = self.store.get(&NODES, &key("", node.name));
        let found = found.ok_or_else(|| Status::not_found("", NODES.plural, node.name))?;
        let passed = ProxyRequest {
            method: &incoming.method,
            path_and_query: &below_proxy(&incoming.uri),
            headers: &incoming.headers,
            body: bounded(incoming.body).await?,
            user: None,
            from: incoming.from,
        };
        kubelets.pass(&node, &found.alone(), passed).await
    }

    async fn review(
        &self,
        incoming: Incoming,
        resource: &'static ResourceType,
    ) -> Result<Response, Status> {
        negotiate(&incoming.headers, ResponseKind::One)?;
        let Incoming { headers, body, user, .. } = incoming;
        let body = bounded(body).await?;
        match resource.plural {
            "tokenreviews" => reviews::token(&self.tokens.lock(), &headers, &body),
            "subjectaccessreviews" => reviews::access(&self.rules.lock(), &headers, &body),
            _ => reviews::own_access(&self.rules.lock(), &user, &headers, &body),
        }
    }
}

// === impl Incoming ===

impl Incoming {
    fn of(request: Request, user: User) -> Result<Self, Status> {
        let (head, body) = request.into_parts();
        let from = head.extensions.get::<Peer>().map(|peer| peer.address);
        let parameters = Parameters::of(&head.uri)?;
        let (method, uri, headers) = (head.method, head.uri, head.headers);
        Ok(Self { method, uri, headers, body, parameters, user, from })
    }

    async fn pass_to(self, aggregate: &AggregatedApi) -> Result<Response, Status> {
        let body = bounded(self.body).await?;
        let passed = ProxyRequest {
            method: &self.method,
            path_and_query: self.uri.path_and_query().map_or("/", |asked| asked.as_str()),
            headers: &self.headers,
            body,
            user: Some(&self.user),
            from: self.from,
        };
        Ok(aggregate.pass(passed).await)
    }
}

async fn bounded(body: Body) -> Result<Bytes, Status> {
    let read = Limited::new(body, BODY_LIMIT).collect().await;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            Status::body_too_large(BODY_LIMIT)
        } else {
            Status::bad_request(error.to_string())
        }
    })
}
