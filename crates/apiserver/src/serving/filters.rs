//! Filters for every request, which run before authentication.

use std::time::Duration;

use axum::{Router, response::Response};
use http::{HeaderValue, header};
use net::Random;

use super::{Origin, cors, deadline};
use crate::audit::{Audit, identified};

/// Which filters there are.
#[derive(Clone, Debug)]
pub struct FilterOptions {
    /// `--request-timeout`: how long a request may take.
    pub request_timeout: Duration,
    /// `--cors-allowed-origins`; none, CORS is off.
    pub allowed_origins: Vec<Origin>,
    /// `--strict-transport-security-directives`; none, no header.
    pub strict_transport_security: Vec<String>,
}

/// The filters before all requests.
#[derive(Clone)]
pub struct Filters {
    audit: Option<Audit>,
    request_timeout: Duration,
    origins: Vec<Origin>,
    strict_transport: Option<HeaderValue>,
    random: Random,
}

// === impl FilterOptions ===

impl Default for FilterOptions {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_mins(1),
            allowed_origins: Vec::new(),
            strict_transport_security: Vec::new(),
        }
    }
}

// === impl Filters ===

impl Filters {
    /// Configured by `options`; requests are recorded by `audit`, and get an audit ID from
    /// `random`.
    pub fn new(options: FilterOptions, audit: Option<Audit>, random: &Random) -> Self {
        let directives = options.strict_transport_security.join("; ");
        Self {
            audit,
            request_timeout: options.request_timeout,
            origins: options.allowed_origins,
            // The rules of the flag allow nothing that a header cannot hold.
            strict_transport: Some(directives)
                .filter(|directives| !directives.is_empty())
                .and_then(|directives| HeaderValue::try_from(directives).ok()),
            random: random.clone(),
        }
    }

    /// Puts the filters before `router`.
    pub fn before(&self, router: Router) -> Router {
        let router = deadline::within(self.request_timeout, router);
        let router = match self.audit.clone() {
            Some(audit) => audit.before(router),
            None => router,
        };
        let router = cors::allowing(&self.origins, router);
        let router = match self.strict_transport.clone() {
            None => router,
            Some(directives) => {
                router.layer(axum::middleware::map_response(move |response: Response| {
                    let directives = directives.clone();
                    async move { with_strict_transport(response, directives) }
                }))
            }
        };
        identified(router, &self.random)
    }
}

fn with_strict_transport(mut response: Response, directives: HeaderValue) -> Response {
    response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(directives);
    response
}
