//! What happens to every request, whatever it asks for, before anybody is asked who sends it.

use std::time::Duration;

use axum::{Router, response::Response};
use http::{HeaderValue, header};
use net::Random;

use super::{cors, deadline};
use crate::{
    audit::{Audit, identified},
    flags::{GenericFlags, Origin},
};

/// The filters that flags ask for.
#[derive(Clone)]
pub struct Filters {
    audit: Option<Audit>,
    request_timeout: Duration,
    origins: Vec<Origin>,
    strict_transport: Option<HeaderValue>,
    random: Random,
}

// === impl Filters ===

impl Filters {
    /// As `flags` say; requests are written down by `audit`, and get an ID out of `random`.
    pub fn new(flags: &GenericFlags, audit: Option<Audit>, random: &Random) -> Self {
        let directives = flags.strict_transport_security_directives.concat().join("; ");
        Self {
            audit,
            request_timeout: flags.request_timeout,
            origins: flags.cors_allowed_origins.concat(),
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
