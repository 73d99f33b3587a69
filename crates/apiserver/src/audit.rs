//! Audit events: user, request, time and response, one line of JSON for each request, in the format
//! that every Kubernetes API server writes.

mod event;
mod id;
mod log;
mod policy;

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use net::{Clock, Doors};
use tower::ServiceExt;

pub(crate) use self::id::identified;
use self::{
    event::{AuditedRequest, Event},
    log::Log,
    policy::Policy,
};
pub use self::{
    log::{AuditLogError, Rotation},
    policy::PolicyError,
};
use crate::{
    Status,
    access::{RequestInfo, RequestOutcome},
    serving::until_sent,
};

/// Writes down requests.
#[derive(Clone)]
pub struct Audit(Arc<Parts>);

struct Parts {
    policy: Policy,
    log: Log,
    clock: Clock,
}

/// What is written down of requests, and where.
#[derive(Clone, Debug, Default)]
pub struct AuditOptions {
    /// `--audit-log-path`; none, nothing is written down.
    pub log_path: Option<PathBuf>,
    /// `--audit-policy-file`; none, all requests are written down.
    pub policy_file: Option<PathBuf>,
    /// `--audit-log-maxage`, `-maxbackup` and `-maxsize`.
    pub rotation: Rotation,
}

/// Why requests cannot be written down.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The policy cannot be used.
    #[error("failed to read {} for --audit-policy-file: {source}; name a readable audit.k8s.io/v1 Policy", file.display())]
    Policy {
        /// Its file.
        file: PathBuf,
        /// What is wrong.
        source: PolicyError,
    },
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] AuditLogError),
}

/// A request on its way. It is written down when it is dropped, whatever became of it.
struct UnderWay {
    audit: Audit,
    event: Event,
}

// === impl Audit ===

impl Audit {
    /// Configured by `options`; none when there is no log.
    pub fn new(options: &AuditOptions, doors: &Doors) -> Result<Option<Self>, AuditError> {
        let policy = match &options.policy_file {
            Some(file) => Policy::read(file)
                .map_err(|source| AuditError::Policy { file: file.clone(), source })?,
            None => Policy::everything(),
        };
        let Some(path) = &options.log_path else { return Ok(None) };
        let log = Log::open(path, options.rotation, doors.clock.clone())?;
        let clock = doors.clock.clone();
        Ok(Some(Self(Arc::new(Parts { policy, log, clock }))))
    }

    /// Records the requests to `router`.
    pub fn before(self, router: Router) -> Router {
        Router::new().fallback(move |request: Request| {
            let (audit, router) = (self.clone(), router.clone());
            async move { audit.answer(router, request).await }
        })
    }

    async fn answer(self, router: Router, request: Request) -> Response {
        let clock = &self.0.clock;
        let asked = AuditedRequest::of(&request);
        let info = RequestInfo::of(request.method(), request.uri());
        let event = Event::new(clock.now(), &id::of(request.headers()), asked, info);
        let mut under_way = UnderWay { audit: self, event };
        let mut response = router.oneshot(request).await.into_response();
        let outcome = response.extensions_mut().remove::<RequestOutcome>();
        let said = response.extensions_mut().remove::<Status>();
        under_way.event.answered(outcome, response.status(), said.as_ref());
        response.map(|body| until_sent(body, under_way))
    }
}

// === impl UnderWay ===

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Parts { policy, log, clock, .. } = &*self.audit.0;
        let recorded = policy.recorded(self.event.user(), self.event.info());
        for line in self.event.lines(clock.now(), recorded) {
            log.write(&line);
        }
    }
}
