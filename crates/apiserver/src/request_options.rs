use http::{HeaderMap, HeaderName, Method, header};
use k8s_text::go;

use crate::query::Query;
use crate::serving::Exchange;

/// What of a request decides the form of its answer.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    pub(crate) accept: String,
    pub(crate) query: Query,
    /// HEAD: only headers are sent.
    pub(crate) head: bool,
    /// A person reads the answer, most likely.
    pub(crate) pretty: bool,
    /// The answer may be compressed.
    pub(crate) gzip: bool,
    /// The entity tags that the client has.
    pub(crate) known_tags: String,
    /// Its exchange, where it came over a connection.
    pub(crate) exchange: Option<Exchange>,
}

// === impl RequestOptions ===

impl RequestOptions {
    /// The options in the headers and the query of `request`.
    pub fn of<B>(request: &http::Request<B>) -> Self {
        let headers = request.headers();
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let gzip = text(headers, &header::ACCEPT_ENCODING)
            .split(',')
            .any(|encoding| encoding.trim() == "gzip");
        Self {
            accept: text(headers, &header::ACCEPT),
            head: request.method() == Method::HEAD,
            pretty: is_pretty(&query, &text(headers, &header::USER_AGENT)),
            gzip,
            known_tags: text(headers, &header::IF_NONE_MATCH),
            exchange: request.extensions().get().cloned(),
            query,
        }
    }

    /// The first value of a parameter of the URL.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// Whether `If-None-Match` has `tag`.
    pub(crate) fn knows(&self, tag: &str) -> bool {
        let mut known = self.known_tags.split(',').map(str::trim);
        known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

fn is_pretty(query: &Query, agent: &str) -> bool {
    match query.get("pretty").filter(|value| !value.is_empty()) {
        Some(value) => go::parse_bool(value),
        None => ["curl", "Wget", "Mozilla/5.0"].iter().any(|human| agent.starts_with(human)),
    }
}
