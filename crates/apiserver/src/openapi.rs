//! OpenAPI, versions 2 and 3: what `kubectl explain` and the API server's aggregator read.

mod description;
mod dialect;
mod meta;
mod operations;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use axum::{body::Body, extract::Request, response::Response, routing::any};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

pub use self::description::{DescribedResource, DescribedVersion, Description};
use self::{
    dialect::{Dialect, as_v2, referenced},
    operations::Operation,
};
use crate::{
    accept::clauses,
    discovery::entity_tag,
    path_mux::PathMux,
    request_options::RequestOptions,
    response::{self, whole},
};

/// Shorter documents are not compressed.
const GZIP_THRESHOLD: usize = 1500;

/// A document with its tag.
struct Document {
    body: Vec<u8>,
    tag: String,
}

/// The documents of both versions, and the index of those of version 3.
struct Documents {
    v2: Document,
    index: Document,
    v3: BTreeMap<String, Document>,
}

/// Adds the paths of both versions.
pub(crate) fn add_to(mux: PathMux, description: fn() -> Description) -> PathMux {
    let clock = mux.clock();
    // Written on the first request: few clients send one, the API server once after a start.
    let documents = Arc::new(LazyLock::new(move || Documents::of(&description())));
    let (v2, index) = (Arc::clone(&documents), Arc::clone(&documents));
    let document = any(async move |request: Request| documents.third(&request, clock.now()));
    mux.route(
        "/openapi/v2",
        any(async move |request: Request| v2.second(&RequestOptions::of(&request))),
    )
    .route(
        "/openapi/v3",
        any(async move |request: Request| index.index.respond(&RequestOptions::of(&request))),
    )
    .route("/openapi/v3/", document.clone())
    .unlisted("/openapi/v3/{*name}", document)
}

/// Those of `schemas` that `value` refers to, and those that these refer to.
fn needed_by(value: &Value, schemas: &Map<String, Value>) -> Map<String, Value> {
    let mut needed = Map::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(values) => open.extend(values),
            Value::String(text) => {
                if let Some(name) = referenced(text)
                    && let Some(schema) = schemas.get(name)
                    && needed.insert(name.to_owned(), schema.clone()).is_none()
                {
                    open.push(schema);
                }
            }
            _ => {}
        }
    }
    needed
}

/// Protobuf, the other notation of these documents, is for clients of the API server, which
/// translates: it reads JSON itself.
fn accepts_json(asked: &RequestOptions) -> bool {
    let fits = |part: &str, own: &str| part == own || part == "*";
    asked.accept.is_empty()
        || clauses(&asked.accept)
            .iter()
            .any(|clause| fits(clause.kind, "application") && fits(clause.subtype, "json"))
}

fn status(code: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = code;
    response
}

// === impl Documents ===

impl Documents {
    fn of(description: &Description) -> Self {
        let operations = operations::operations(description);
        let info = json!({"title": description.title, "version": description.release});
        let mut schemas = meta::schemas();
        schemas.extend(description.schemas());
        let names: BTreeSet<_> = operations.iter().map(|each| each.document.clone()).collect();
        let v3: BTreeMap<_, _> = names
            .into_iter()
            .map(|name| {
                let own = operations.iter().filter(|each| each.document == name);
                let paths = own.map(|each| (each.path.clone(), each.render(Dialect::V3)));
                let paths = Value::Object(paths.collect());
                let document = Document::new(&json!({
                    "openapi": "3.0.0",
                    "info": info,
                    "paths": paths,
                    "components": {"schemas": needed_by(&paths, &schemas)},
                }));
                (name, document)
            })
            .collect();
        let urls = v3.iter().map(|(name, document)| {
            (name.clone(), json!({"serverRelativeURL": document.url(name)}))
        });
        let index = Document::new(&json!({"paths": Value::Object(urls.collect())}));
        Self { v2: Self::v2(description, &operations, &info), index, v3 }
    }

    /// The one document of version 2. It refers to Kubernetes' own types and leaves their
    /// definitions out: the API server merges this document into its own and gives each definition
    /// that differs from its own in a single letter another name, such as `ObjectMeta_v2`. The
    /// text of these definitions changes with every release of Kubernetes, so only the API
    /// server's are equal to the API server's. Documents of version 3 are not merged, and are
    /// complete.
    fn v2(description: &Description, operations: &[Operation], info: &Value) -> Document {
        let paths = operations.iter().map(|each| (each.path.clone(), each.render(Dialect::V2)));
        let mut definitions = meta::missing_in_api_server();
        definitions.extend(description.schemas());
        Document::new(&json!({
            "swagger": "2.0",
            "info": info,
            "paths": Value::Object(paths.collect()),
            "definitions": as_v2(Value::Object(definitions)),
            "parameters": operations::shared_parameters(),
        }))
    }

    fn second(&self, asked: &RequestOptions) -> Response {
        let mut response = if accepts_json(asked) {
            self.v2.respond_compressed(asked)
        } else {
            status(StatusCode::NOT_ACCEPTABLE)
        };
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
        response
    }

    fn third(&self, request: &Request, now: Timestamp) -> Response {
        let asked = RequestOptions::of(request);
        let name = request.uri().path().strip_prefix("/openapi/v3/").unwrap_or_default();
        let mut response = if accepts_json(&asked) {
            // The Go server answers 200 without a body where there is no such document.
            self.v3.get(name).map_or_else(Response::default, |found| found.named(name, &asked, now))
        } else {
            status(StatusCode::NOT_ACCEPTABLE)
        };
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
        response
    }
}

// === impl Document ===

impl Document {
    fn new(value: &Value) -> Self {
        let body = value.to_string().into_bytes();
        Self { tag: entity_tag(&body), body }
    }

    fn hash(&self) -> &str {
        self.tag.trim_matches('"')
    }

    fn url(&self, name: &str) -> String {
        format!("/openapi/v3/{name}?hash={}", self.hash())
    }

    fn respond(&self, asked: &RequestOptions) -> Response {
        let mut response = if asked.knows(&self.tag) {
            status(StatusCode::NOT_MODIFIED)
        } else {
            // Never compressed here: that is for the one document that is worth it.
            let plain = RequestOptions { gzip: false, ..asked.clone() };
            whole(&plain, StatusCode::OK, "application/json", self.body.clone())
        };
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }

    fn respond_compressed(&self, asked: &RequestOptions) -> Response {
        let mut response = self.respond(asked);
        let wanted = asked.gzip && !asked.head && self.body.len() > GZIP_THRESHOLD;
        if wanted && response.status() == StatusCode::OK {
            *response.body_mut() = Body::from(response::compress(&self.body));
            response::mark_compressed(&mut response);
        }
        response
    }

    /// Answers a request that may name the version it knows.
    fn named(&self, name: &str, asked: &RequestOptions, now: Timestamp) -> Response {
        let hash = asked.query.get("hash").unwrap_or_default();
        if !hash.is_empty() && hash != self.hash() {
            let mut response = status(StatusCode::MOVED_PERMANENTLY);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let (Ok(url), Ok(tag)) =
                (HeaderValue::from_str(&self.url(name)), HeaderValue::from_str(&self.tag))
            {
                headers.insert(header::LOCATION, url);
                headers.insert(header::ETAG, tag);
            }
            return response;
        }
        let mut response = self.respond(asked);
        if !hash.is_empty() {
            // A document with this name never changes. A year is the longest useful max-age.
            let expires = now.saturating_add(SignedDuration::from_hours(365 * 24));
            let expires = expires.unwrap_or(now).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
            if let Ok(expires) = HeaderValue::from_str(&expires) {
                headers.insert(header::EXPIRES, expires);
            }
        }
        response
    }
}
