use async_trait::async_trait;
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};

use super::{Attempt, User};

/// Knows who people are and what they may do.
#[async_trait]
pub trait Reviewer: Send + Sync + 'static {
    /// Whose token this is; `None` if nobody's.
    async fn user(&self, token: &str) -> Result<Option<User>, ReviewError>;

    /// Whether somebody may do that.
    async fn allowed(&self, user: &User, attempt: &Attempt) -> Result<bool, ReviewError>;
}

/// The API server, asked by TokenReview and SubjectAccessReview.
#[derive(Clone)]
pub struct ApiServer(Client);

/// Knows nobody: for fleets whose kubelets are all open.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyKnown;

/// Why a review came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The API server could not be asked.
    #[error("ask the API server for a review: {0}")]
    Ask(#[from] Box<kube::Error>),
    /// It could not tell.
    #[error("the API server could not tell: {0}")]
    Undecided(String),
}

// === impl ApiServer ===

impl ApiServer {
    /// Asks through `client`.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Reviewer for ApiServer {
    async fn user(&self, token: &str) -> Result<Option<User>, ReviewError> {
        let spec = TokenReviewSpec { token: token.to_owned(), ..TokenReviewSpec::default() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let reviewed = Api::<TokenReview>::all(self.0.clone())
            .create(&PostParams::default(), &review)
            .await
            .map_err(Box::new)?;
        let status = reviewed.status.unwrap_or_default();
        if !status.authenticated.unwrap_or_default() {
            return match status.error.filter(|error| !error.is_empty()) {
                Some(error) => Err(ReviewError::Undecided(error)),
                None => Ok(None),
            };
        }
        let user = status.user.unwrap_or_default();
        Ok(Some(User {
            name: user.username.unwrap_or_default(),
            uid: user.uid,
            groups: user.groups.unwrap_or_default(),
            extra: user.extra.unwrap_or_default(),
        }))
    }

    async fn allowed(&self, user: &User, attempt: &Attempt) -> Result<bool, ReviewError> {
        let attributes = ResourceAttributes {
            verb: Some(attempt.verb.to_owned()),
            version: Some("v1".to_owned()),
            resource: Some("nodes".to_owned()),
            subresource: Some(attempt.subresource.to_owned()),
            name: Some(attempt.node.clone()),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            user: Some(user.name.clone()),
            uid: user.uid.clone(),
            groups: Some(user.groups.clone()),
            extra: Some(user.extra.clone()),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let reviewed = Api::<SubjectAccessReview>::all(self.0.clone())
            .create(&PostParams::default(), &review)
            .await
            .map_err(Box::new)?;
        Ok(reviewed.status.unwrap_or_default().allowed)
    }
}

// === impl NobodyKnown ===

#[async_trait]
impl Reviewer for NobodyKnown {
    async fn user(&self, _token: &str) -> Result<Option<User>, ReviewError> {
        Ok(None)
    }

    async fn allowed(&self, _user: &User, _attempt: &Attempt) -> Result<bool, ReviewError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
