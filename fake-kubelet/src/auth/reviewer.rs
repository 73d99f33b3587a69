//! Where kubelets send reviews.

use async_trait::async_trait;
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};

use super::{NodeAttributes, User};

/// Authenticates tokens and authorizes users.
#[async_trait]
pub trait Reviewer: Send + Sync + 'static {
    /// The user of a token; `None` if it is not valid.
    async fn user(&self, token: &str) -> Result<Option<User>, ReviewError>;

    /// Whether the user is allowed to do that.
    async fn allowed(&self, user: &User, attributes: &NodeAttributes) -> Result<bool, ReviewError>;
}

/// Sends TokenReviews and SubjectAccessReviews to the API server.
#[derive(Clone)]
pub struct ApiServerReviewer(Client);

/// Denies everything: for fleets whose kubelets all have `access: Open`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DenyAll;

/// Why a review failed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The API server could not be reached, or answered with an error.
    #[error("ask the API server for a review: {0}")]
    Ask(#[from] Box<kube::Error>),
    /// It did not decide.
    #[error("the API server could not decide: {0}")]
    Undecided(String),
}

// === impl ApiServerReviewer ===

impl ApiServerReviewer {
    /// Sends reviews through `client`.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Reviewer for ApiServerReviewer {
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

    async fn allowed(&self, user: &User, attributes: &NodeAttributes) -> Result<bool, ReviewError> {
        let attributes = ResourceAttributes {
            verb: Some(attributes.verb.to_owned()),
            version: Some("v1".to_owned()),
            resource: Some("nodes".to_owned()),
            subresource: Some(attributes.subresource.to_owned()),
            name: Some(attributes.node.clone()),
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

// === impl DenyAll ===

#[async_trait]
impl Reviewer for DenyAll {
    async fn user(&self, _token: &str) -> Result<Option<User>, ReviewError> {
        Ok(None)
    }

    async fn allowed(
        &self,
        _user: &User,
        _attributes: &NodeAttributes,
    ) -> Result<bool, ReviewError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
