//! What was decided about a request, for the audit log.

use super::{Refusal, User, filters::impersonation::Requester};

/// What was decided about a request: an extension of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOutcome {
    /// The authenticated user; none when authentication failed or was not tried.
    pub user: Option<User>,
    /// The impersonated user.
    pub impersonated: Option<User>,
    /// `allow` or `forbid`; none when authorization was not reached or failed.
    pub decision: Option<&'static str>,
    /// The API server's reason; often empty.
    pub reason: String,
}

// === impl RequestOutcome ===

impl RequestOutcome {
    pub(super) fn allowed(user: &User, reason: String) -> Self {
        Self { user: Some(user.clone()), impersonated: None, decision: Some("allow"), reason }
    }

    /// With the user who impersonated, if one did.
    pub(super) fn by(mut self, requester: Option<Requester>) -> Self {
        if let Some(Requester(user)) = requester {
            self.impersonated = self.user.replace(user);
        }
        self
    }
}

impl From<&Refusal> for RequestOutcome {
    fn from(refusal: &Refusal) -> Self {
        let (user, decision, reason) = match refusal {
            Refusal::Unauthorized => (None, None, ""),
            Refusal::Forbidden { user, reason, .. } => {
                (Some(user), Some("forbid"), reason.as_str())
            }
            Refusal::TooManyRequests { user } => (user.as_ref(), None, ""),
            Refusal::Impersonation { user, .. } | Refusal::InternalError { user, .. } => {
                (Some(user), None, "")
            }
        };
        let user = user.map(|user| User::clone(user));
        Self { user, impersonated: None, decision, reason: reason.to_owned() }
    }
}
