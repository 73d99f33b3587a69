//! Questions to the API server: whose token is this, and may they do that?

use std::time::Duration;

use http::{Request, StatusCode, Uri, header};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{
        NonResourceAttributes, ResourceAttributes as ReviewedAttributes, SubjectAccessReview,
        SubjectAccessReviewSpec,
    },
};
use kube::Client;
use kube_dial::explain;
use net::Random;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{Attributes, User};

/// The Go server's limit for one question, retries included.
const PATIENCE: Duration = Duration::from_secs(10);

/// The Go server's retries: 0.5 s, 0.75 s, … with up to a fifth more.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const RETRIES: u32 = 4;

/// Each takes a connection to the API server: a flood of wrong tokens is not handed on to it.
const AT_ONCE: usize = 32;

/// Asks one API server.
pub(super) struct Reviewer {
    client: Client,
    server: Uri,
    random: Random,
    at_once: Semaphore,
}

/// What the API server says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) allowed: bool,
    /// Why not; often empty.
    pub(super) reason: String,
}

/// Why the API server did not say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(super) struct ReviewError {
    pub(super) reason: String,
    pub(super) cure: &'static str,
}

// === impl Reviewer ===

impl Reviewer {
    /// Asks through `client` the API server at `server`.
    pub(super) fn new(client: Client, server: Uri, random: Random) -> Self {
        Self { client, server, random, at_once: Semaphore::new(AT_ONCE) }
    }

    /// Whose token it is; nothing when it is nobody's.
    pub(super) async fn token(&self, token: String) -> Result<Option<User>, ReviewError> {
        const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
        let spec = TokenReviewSpec { token, ..TokenReviewSpec::default() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let status = self.ask::<TokenReview>(PATH, &review).await?.status.unwrap_or_default();
        if status.authenticated == Some(true) {
            return Ok(Some(status.user.unwrap_or_default().into()));
        }
        match status.error.filter(|error| !error.is_empty()) {
            Some(reason) => Err(ReviewError {
                reason,
                cure: "ask with a token that this cluster gave out and that has not expired",
            }),
            None => Ok(None),
        }
    }

    /// Whether somebody may do something.
    pub(super) async fn access(
        &self,
        spec: SubjectAccessReviewSpec,
    ) -> Result<Decision, ReviewError> {
        const PATH: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let reviewed: SubjectAccessReview = self.ask(PATH, &review).await?;
        let status = reviewed.status.unwrap_or_default();
        match (status.allowed, status.denied == Some(true)) {
            (true, true) => Err(ReviewError {
                reason: "webhook subject access review returned both allow and deny response"
                    .to_owned(),
                cure: "look at the API server's authorization webhooks",
            }),
            (allowed, _) => Ok(Decision { allowed, reason: status.reason.unwrap_or_default() }),
        }
    }

    async fn ask<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        review: &T,
    ) -> Result<T, ReviewError> {
        let asked = format!("{}{path}", self.server.to_string().trim_end_matches('/'));
        // A body of strings and lists of them always is JSON.
        let body = serde_json::to_vec(review).unwrap_or_default();
        let answered = timeout(PATIENCE, async {
            // It is never closed.
            let _permit = self.at_once.acquire().await;
            let mut wait = FIRST_WAIT;
            for _ in 0..RETRIES {
                match self.ask_once(path, body.clone()).await {
                    Err(error) if is_passing(&error) => {
                        sleep(wait + self.random.below(wait / 5)).await;
                        wait = wait * 3 / 2;
                    }
                    answer => return answer,
                }
            }
            self.ask_once(path, body).await
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(ReviewError::new(&asked, &error)),
            Err(_) => Err(ReviewError {
                reason: format!("Post \"{asked}\": context deadline exceeded"),
                cure: "check that the API server runs and can be reached from here",
            }),
        }
    }

    async fn ask_once<T: DeserializeOwned>(
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

/// Whether the same question may be answered a moment later.
fn is_passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            let code = StatusCode::from_u16(status.code).unwrap_or_default();
            let told_to_wait =
                status.details.as_ref().is_some_and(|details| details.retry_after_seconds > 0);
            told_to_wait
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
    fn new(asked: &str, error: &kube::Error) -> Self {
        const DELEGATE: &str =
            "bind the ClusterRole system:auth-delegator to the metrics server's service account";
        let (reason, cure) = explain(error, DELEGATE);
        match error {
            kube::Error::Api(_) => Self { reason, cure },
            // It would show the answer, which repeats the token.
            kube::Error::SerdeError(_) => Self {
                reason: format!("Post \"{asked}\": the answer is no review"),
                cure: "check what answers in the API server's place",
            },
            _ => Self { reason: format!("Post \"{asked}\": {reason}"), cure },
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

/// The question whether `user` may do that.
pub(super) fn question(user: &User, attributes: &Attributes) -> SubjectAccessReviewSpec {
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut spec = SubjectAccessReviewSpec {
        user: said(&user.name),
        uid: said(&user.uid),
        groups: Some(user.groups.clone()).filter(|groups| !groups.is_empty()),
        extra: Some(user.extra.clone()).filter(|extra| !extra.is_empty()),
        ..SubjectAccessReviewSpec::default()
    };
    match attributes {
        Attributes::Path { verb, path } => {
            spec.non_resource_attributes =
                Some(NonResourceAttributes { path: said(path), verb: said(verb) });
        }
        Attributes::Resource(of) => {
            spec.resource_attributes = Some(ReviewedAttributes {
                namespace: said(&of.namespace),
                verb: said(&of.verb),
                group: said(&of.group),
                version: said(&of.version),
                resource: said(&of.resource),
                subresource: said(&of.subresource),
                name: said(&of.name),
                ..ReviewedAttributes::default()
            });
        }
    }
    spec
}
