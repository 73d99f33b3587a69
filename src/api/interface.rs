//! The one place that knows every path: what it does not list is not there.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::{MethodRouter, any},
};
use http::{HeaderValue, Method, StatusCode, header};
use net::Clock;

use super::{
    Sources,
    answer::raw_json,
    asked::Asked,
    discovery::{self, Document},
    encode::json,
    list_memory::ListMemory,
    negotiate, read,
    status::Failure,
    target::Target,
};

/// The server's HTTP interface while it is put together.
#[must_use]
pub struct Interface {
    sources: Sources,
    router: Router,
    listed: BTreeSet<String>,
}

struct Fallback {
    sources: Sources,
    /// All listed paths, as the answer to requests for others.
    listing: Vec<u8>,
    memory: ListMemory,
}

// === impl Interface ===

impl Interface {
    /// An interface with nothing but the API in it.
    pub(super) fn new(sources: Sources) -> Self {
        Self { sources, router: Router::new(), listed: BTreeSet::new() }
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

    pub(super) fn clock(&self) -> Clock {
        self.sources.clock.clone()
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
            Arc::new(Fallback { sources: self.sources, listing, memory: ListMemory::default() });
        let index = any(async |State(fallback): State<Arc<Fallback>>, request: Request| {
            raw_json(&Asked::of(&request), StatusCode::OK, &fallback.listing)
        });
        let own = Router::new()
            .route("/", index.clone())
            .route("/index.html", index)
            .fallback(serve)
            .with_state(fallback);
        own.merge(self.router)
            .method_not_allowed_fallback(async |request: Request| {
                Failure::MethodNotAllowed.respond(&Asked::of(&request))
            })
            .layer(axum::middleware::map_response(forbid_caching))
    }
}

/// Everything under `/apis`, and what is nowhere. This is not left to the router, since paths are
/// compared decoded here, and what is missing within the group is said differently.
async fn serve(State(fallback): State<Arc<Fallback>>, request: Request) -> Response {
    let asked = Asked::of(&request);
    let Some(target) = Target::of(request.uri().path()) else {
        return raw_json(&asked, StatusCode::NOT_FOUND, &fallback.listing);
    };
    let method = request.method().clone();
    let answer = answer(&fallback, &asked, &method, &target).await;
    answer.unwrap_or_else(|failure| failure.respond(&asked))
}

async fn answer(
    Fallback { sources, memory, .. }: &Fallback,
    asked: &Asked,
    method: &Method,
    target: &Target,
) -> Result<Response, Failure> {
    if *target == Target::Nothing {
        return Err(Failure::UnknownPath);
    }
    if method != Method::GET {
        return Err(Failure::MethodNotAllowed);
    }
    let settings = &sources.settings;
    match target {
        Target::Groups => match negotiate::aggregated(asked) {
            Some(choice) => Ok(discovery::aggregated(asked, choice, settings)),
            None => discovery::plain(asked, Document::Groups(settings)),
        },
        Target::Group => discovery::plain(asked, Document::Group(settings)),
        Target::Resources(version) => discovery::plain(asked, Document::Resources(*version)),
        Target::List { version, resource, namespace } => {
            read::list(sources, memory, asked, *version, *resource, namespace.as_deref()).await
        }
        Target::Object { version, resource, namespace, name } => {
            read::object(sources, asked, *version, *resource, namespace.as_deref(), name).await
        }
        Target::Nothing => Err(Failure::UnknownPath),
    }
}

async fn forbid_caching(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache, private"));
    response
}
