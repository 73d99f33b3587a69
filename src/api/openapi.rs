//! OpenAPI, versions 2 and 3: what `kubectl explain` and the API server's aggregator read.

mod meta;
mod operations;
mod schema;
mod types;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use axum::{body::Body, extract::Request, response::Response, routing::any};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use self::schema::{Dialect, Schema};
use super::{
    Version,
    accept::clauses,
    answer::{self, whole},
    asked::Asked,
    discovery::entity_tag,
    interface::Interface,
};

/// Shorter documents are not compressed.
const GZIP_THRESHOLD: usize = 1500;

/// A document with its tag.
struct Document {
    body: Vec<u8>,
    tag: String,
}

/// All documents of version 3, and the index of them.
struct Documents {
    index: Document,
    by_name: BTreeMap<String, Document>,
}

static V2: LazyLock<Document> = LazyLock::new(|| {
    let operations = operations::operations();
    let paths = operations.iter().map(|each| (each.path.clone(), each.render(Dialect::V2)));
    let definitions = schemas().map(|each| (each.name.to_owned(), each.render(Dialect::V2)));
    Document::new(&json!({
        "swagger": "2.0",
        "info": information(),
        "paths": Value::Object(paths.collect()),
        "definitions": Value::Object(definitions.collect()),
        "parameters": operations::shared_parameters(),
    }))
});

static V3: LazyLock<Documents> = LazyLock::new(|| {
    let operations = operations::operations();
    let names: BTreeSet<_> = operations.iter().map(|each| each.document.clone()).collect();
    let by_name: BTreeMap<_, _> = names
        .into_iter()
        .map(|name| {
            let own = operations.iter().filter(|each| each.document == name);
            let paths = own.map(|each| (each.path.clone(), each.render(Dialect::V3)));
            let paths = Value::Object(paths.collect());
            let document = Document::new(&json!({
                "openapi": "3.0.0",
                "info": information(),
                "paths": paths,
                "components": {"schemas": needed_by(&paths)},
            }));
            (name, document)
        })
        .collect();
    let paths = by_name
        .iter()
        .map(|(name, document)| (name.clone(), json!({"serverRelativeURL": document.url(name)})));
    let index = json!({"paths": Value::Object(paths.collect())});
    Documents { index: Document::new(&index), by_name }
});

/// Adds the paths of both versions.
pub(super) fn add_to(interface: Interface) -> Interface {
    let clock = interface.clock();
    let document = any(async move |request: Request| third(&request, clock.now()));
    interface
        .route("/openapi/v2", any(async |request: Request| second(&Asked::of(&request))))
        .route("/openapi/v3", any(async |request: Request| V3.index.respond(&Asked::of(&request))))
        .route("/openapi/v3/", document.clone())
        .unlisted("/openapi/v3/{*name}", document)
}

fn information() -> Value {
    json!({"title": "Kubernetes metrics-server", "version": env!("CARGO_PKG_VERSION")})
}

fn schemas() -> impl Iterator<Item = Schema> {
    let kubernetes = meta::SCHEMAS.iter().map(|schema| Schema { ..*schema });
    kubernetes.chain(Version::ALL.into_iter().flat_map(types::schemas))
}

/// The types that `value` refers to, and those that these refer to.
fn needed_by(value: &Value) -> Map<String, Value> {
    let all: BTreeMap<_, _> = schemas().map(|each| (each.name, each.render(Dialect::V3))).collect();
    let mut needed = Map::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(values) => open.extend(values),
            Value::String(text) => {
                let name = text.strip_prefix("#/components/schemas/").unwrap_or_default();
                if let Some(schema) = all.get(name)
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

fn second(asked: &Asked) -> Response {
    let mut response = if accepts_json(asked) {
        V2.respond_compressed(asked)
    } else {
        status(StatusCode::NOT_ACCEPTABLE)
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn third(request: &Request, now: Timestamp) -> Response {
    let asked = Asked::of(request);
    let name = request.uri().path().strip_prefix("/openapi/v3/").unwrap_or_default();
    let mut response = if accepts_json(&asked) {
        // The Go server says nothing, rather than that there is nothing.
        V3.by_name.get(name).map_or_else(Response::default, |found| found.named(name, &asked, now))
    } else {
        status(StatusCode::NOT_ACCEPTABLE)
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// Protobuf, the other notation of these documents, is for clients of the API server, which
/// translates: it reads JSON itself.
fn accepts_json(asked: &Asked) -> bool {
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

    fn respond(&self, asked: &Asked) -> Response {
        let mut response = if asked.knows(&self.tag) {
            status(StatusCode::NOT_MODIFIED)
        } else {
            // Never compressed here: that is for the one document that is worth it.
            let plain = Asked { gzip: false, ..asked.clone() };
            whole(&plain, StatusCode::OK, "application/json", self.body.clone())
        };
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }

    fn respond_compressed(&self, asked: &Asked) -> Response {
        let mut response = self.respond(asked);
        let wanted = asked.gzip && !asked.head && self.body.len() > GZIP_THRESHOLD;
        if wanted && response.status() == StatusCode::OK {
            *response.body_mut() = Body::from(answer::compress(&self.body));
            answer::mark_compressed(&mut response);
        }
        response
    }

    /// Answers a request that may name the version it knows.
    fn named(&self, name: &str, asked: &Asked, now: Timestamp) -> Response {
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
            // What has this name never changes. A year is the most that one may say.
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
