//! Knows every path of a server: what it does not list is not found.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::{MethodRouter, any},
};
use http::{HeaderValue, Method, StatusCode, header};
use net::Clock;

use crate::{
    api_path::ApiPath,
    discovery::{self, Document},
    encode::json,
    group::ApiGroup,
    handlers,
    list_memory::ListMemory,
    negotiate, openapi,
    request_options::RequestOptions,
    response::raw_json,
    status::Failure,
};

/// All paths of a server, while they are added.
#[must_use]
pub struct PathMux {
    group: ApiGroup,
    clock: Clock,
    router: Router,
    listed: BTreeSet<String>,
}

struct Fallback {
    group: ApiGroup,
    /// All listed paths, as the answer to requests for others.
    listing: Vec<u8>,
    memory: ListMemory,
}

// === impl PathMux ===

impl PathMux {
    /// The paths of `group`: its objects, discovery and OpenAPI.
    pub fn new(group: ApiGroup, clock: Clock) -> Self {
        let (name, description) = (group.name, group.openapi);
        let versions: Vec<_> = group.versions.iter().map(|version| version.version).collect();
        let mut mux = Self { group, clock, router: Router::new(), listed: BTreeSet::new() }
            .list("/apis")
            .list(&format!("/apis/{name}"));
        for version in versions {
            mux = mux.list(&format!("/apis/{name}/{version}"));
        }
        openapi::add_to(mux, description)
    }

    /// Adds a path that is listed at `/`.
    pub fn route(self, path: &str, methods: MethodRouter) -> Self {
        self.unlisted(path, methods).list(path)
    }

    /// Adds a path that is not listed.
    pub fn unlisted(mut self, path: &str, methods: MethodRouter) -> Self {
        self.router = self.router.route(path, methods);
        self
    }

    /// Lists a path that is routed as a part of another.
    pub fn list(mut self, path: &str) -> Self {
        self.listed.insert(path.to_owned());
        self
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// What requests are handed to.
    pub fn into_router(self) -> Router {
        let mut listing = b"{\"paths\":[".to_vec();
        for (at, path) in self.listed.iter().enumerate() {
            listing.extend_from_slice(if at == 0 { b"" } else { b"," });
            json::string(&mut listing, path);
        }
        listing.extend_from_slice(b"]}");
        let fallback =
            Arc::new(Fallback { group: self.group, listing, memory: ListMemory::default() });
        let index = any(async |State(fallback): State<Arc<Fallback>>, request: Request| {
            raw_json(&RequestOptions::of(&request), StatusCode::OK, &fallback.listing)
        });
        let own = Router::new()
            .route("/", index.clone())
            .route("/index.html", index)
            .fallback(serve)
            .with_state(fallback);
        own.merge(self.router)
            .method_not_allowed_fallback(async |request: Request| {
                Failure::MethodNotAllowed.respond(&RequestOptions::of(&request))
            })
            .layer(axum::middleware::map_response(forbid_caching))
    }
}

/// Everything under `/apis`, and 404 for other paths. The router does not do this, because paths
/// are compared decoded here, and a 404 within the group has another message.
async fn serve(State(fallback): State<Arc<Fallback>>, request: Request) -> Response {
    let asked = RequestOptions::of(&request);
    let Some(path) = ApiPath::of(request.uri().path(), &fallback.group) else {
        return raw_json(&asked, StatusCode::NOT_FOUND, &fallback.listing);
    };
    let method = request.method().clone();
    let answer = answer(&fallback, &asked, &method, &path).await;
    answer.unwrap_or_else(|failure| failure.respond(&asked))
}

async fn answer(
    Fallback { group, memory, .. }: &Fallback,
    asked: &RequestOptions,
    method: &Method,
    path: &ApiPath,
) -> Result<Response, Failure> {
    if matches!(path, ApiPath::Unknown) {
        return Err(Failure::UnknownPath);
    }
    if method != Method::GET {
        return Err(Failure::MethodNotAllowed);
    }
    match path {
        ApiPath::Groups => match negotiate::aggregated(asked) {
            Some(choice) => Ok(discovery::aggregated(asked, choice, group)),
            None => discovery::plain(asked, Document::Groups(group)),
        },
        ApiPath::Group => discovery::plain(asked, Document::Group(group)),
        ApiPath::Resources(version) => {
            discovery::plain(asked, Document::Resources(group, *version))
        }
        ApiPath::List { version, resource, namespace } => {
            let namespace = namespace.as_deref();
            handlers::list(group, memory, asked, *version, &**resource, namespace).await
        }
        ApiPath::Object { version, resource, namespace, name } => {
            handlers::get(group, asked, *version, &**resource, namespace.as_deref(), name).await
        }
        ApiPath::Unknown => Err(Failure::UnknownPath),
    }
}

async fn forbid_caching(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, private"));
    response
}
