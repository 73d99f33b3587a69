//! TokenReviews and SubjectAccessReviews, sent to an API server.

use std::time::Duration;

use diagnosis::Cause;
use http::{Request, StatusCode, Uri, header};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{
        NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
    },
};
use kube::Client;
use kube_dial::explain;
use net::Random;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    RequestInfo, User,
    review_queue::{Caller, ReviewQueue},
};

/// The Go server's timeout of a review, retries included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The Go server's retries: 0.5 s, 0.75 s, … with up to a fifth of jitter.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const RETRIES: u32 = 4;

/// Sends reviews to one API server.
pub(super) struct Reviewer {
    client: Client,
    server: Uri,
    random: Random,
    queue: ReviewQueue,
}

/// The result of a SubjectAccessReview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) allowed: bool,
    /// The API server's reason; often empty.
    pub(super) reason: String,
}

/// A review failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct ReviewError {
    pub(super) reason: String,
    pub(super) cure: &'static str,
    /// It was not sent, because too many others wait.
    pub(super) is_overload: bool,
}

// === impl Reviewer ===

impl Reviewer {
    /// Sends reviews through `client` to the API server at `server`.
    pub(super) fn new(client: Client, server: Uri, random: Random) -> Self {
        Self { client, server, random, queue: ReviewQueue::new() }
    }

    /// The user of a token; none when the token is invalid.
    pub(super) async fn token(
        &self,
        token: String,
        caller: Caller,
    ) -> Result<Option<User>, ReviewError> {
        const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
        let spec = TokenReviewSpec { token, ..TokenReviewSpec::default() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let status =
            self.post::<TokenReview>(PATH, &review, caller).await?.status.unwrap_or_default();
        if status.authenticated == Some(true) {
            return Ok(Some(status.user.unwrap_or_default().into()));
        }
        match status.error.filter(|error| !error.is_empty()) {
            Some(reason) => {
                Err(ReviewError { reason, cure: Cause::TokenRejected.cure(), is_overload: false })
            }
            None => Ok(None),
        }
    }

    /// Whether a user may do something.
    pub(super) async fn access(
        &self,
        spec: SubjectAccessReviewSpec,
        caller: Caller,
    ) -> Result<Decision, ReviewError> {
        const PATH: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let reviewed: SubjectAccessReview = self.post(PATH, &review, caller).await?;
        let status = reviewed.status.unwrap_or_default();
        match (status.allowed, status.denied == Some(true)) {
            (true, true) => Err(ReviewError {
                reason: "webhook subject access review returned both allow and deny response"
                    .to_owned(),
                cure: "check the API server's authorization webhooks",
                is_overload: false,
            }),
            (allowed, _) => Ok(Decision { allowed, reason: status.reason.unwrap_or_default() }),
        }
    }

    async fn post<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        review: &T,
        caller: Caller,
    ) -> Result<T, ReviewError> {
        let url = format!("{}{path}", self.server.to_string().trim_end_matches('/'));
        // Strings and lists of strings always serialize.
        let body = serde_json::to_vec(review).unwrap_or_default();
        let end = Instant::now() + TIMEOUT;
        let turn = timeout_at(end, self.queue.turn(caller)).await;
        let Ok(Ok(_turn)) = turn else { return Err(ReviewError::overload()) };
        let response = timeout_at(end, async {
            let mut wait = FIRST_BACKOFF;
            for _ in 0..RETRIES {
                match self.post_once(path, body.clone()).await {
                    Err(error) if is_retriable(&error) => {
                        sleep(wait + self.random.below(wait / 5)).await;
                        wait = wait * 3 / 2;
                    }
                    result => return result,
                }
            }
            self.post_once(path, body).await
        });
        match response.await {
            Ok(Ok(review)) => Ok(review),
            Ok(Err(error)) => Err(ReviewError::new(&url, &error)),
            Err(_) => Err(ReviewError {
                reason: format!("Post \"{url}\": context deadline exceeded"),
                cure: Cause::ApiServerUnreachable.cure(),
                is_overload: false,
            }),
        }
    }

    async fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, kube::Error> {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}

/// Whether the same review may succeed a moment later.
fn is_retriable(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            let code = StatusCode::from_u16(status.code).unwrap_or_default();
            let has_retry_after =
                status.details.as_ref().is_some_and(|details| details.retry_after_seconds > 0);
            has_retry_after
                || [
                    StatusCode::INTERNAL_SERVER_ERROR,
                    StatusCode::GATEWAY_TIMEOUT,
                    StatusCode::TOO_MANY_REQUESTS,
                ]
                .contains(&code)
        }
        error => is_reset(error),
    }
}

fn is_reset(error: &(dyn std::error::Error + 'static)) -> bool {
    let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
    error.downcast_ref().is_some_and(reset) || error.source().is_some_and(is_reset)
}

// === impl ReviewError ===

impl ReviewError {
    fn overload() -> Self {
        Self {
            reason: "too many requests wait for a review".to_owned(),
            cure: "find the clients that send many requests with different tokens or paths (--audit-log-path), and keep them out with a NetworkPolicy; where there are none, see why the API server answers slowly",
            is_overload: true,
        }
    }

    fn new(url: &str, error: &kube::Error) -> Self {
        let (reason, cause) = explain(error, Cause::RoleLacksReviews);
        let cure = cause.cure();
        match error {
            kube::Error::Api(_) => Self { reason, cure, is_overload: false },
            // The error quotes the response, and the response repeats the token.
            kube::Error::SerdeError(_) => Self {
                reason: format!("Post \"{url}\": the response is not a review"),
                cure: "check that the address is that of an API server",
                is_overload: false,
            },
            _ => Self { reason: format!("Post \"{url}\": {reason}"), cure, is_overload: false },
        }
    }
}

impl From<UserInfo> for User {
    fn from(info: UserInfo) -> Self {
        Self {
            name: info.username.unwrap_or_default(),
            uid: info.uid.unwrap_or_default(),
            groups: info.groups.unwrap_or_default(),
            extra: info.extra.unwrap_or_default(),
        }
    }
}

/// The review of whether `user` may do that.
pub(super) fn subject_access_review(user: &User, info: &RequestInfo) -> SubjectAccessReviewSpec {
    let set = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut spec = SubjectAccessReviewSpec {
        user: set(&user.name),
        uid: set(&user.uid),
        groups: Some(user.groups.clone()).filter(|groups| !groups.is_empty()),
        extra: Some(user.extra.clone()).filter(|extra| !extra.is_empty()),
        ..SubjectAccessReviewSpec::default()
    };
    match info {
        RequestInfo::NonResource { verb, path } => {
            spec.non_resource_attributes =
                Some(NonResourceAttributes { path: set(path), verb: set(verb) });
        }
        RequestInfo::Resource(of) => {
            spec.resource_attributes = Some(ResourceAttributes {
                namespace: set(&of.namespace),
                verb: set(&of.verb),
                group: set(&of.group),
                version: set(&of.version),
                resource: set(&of.resource),
                subresource: set(&of.subresource),
                name: set(&of.name),
                ..ResourceAttributes::default()
            });
        }
    }
    spec
}
