use super::{Refusal, User, impersonation::Requester};

/// What was found out of a request, and decided: an extension of its answer, for those who keep
/// accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who asked; nobody, when they are not who they say they are.
    pub user: Option<User>,
    /// Whom they acted as, where that is somebody else.
    pub acting_as: Option<User>,
    /// `allow` or `forbid`; nothing, when it did not come to that.
    pub decision: Option<&'static str>,
    /// What the API server said of it; often empty.
    pub reason: String,
}

// === impl Admission ===

impl Admission {
    pub(super) fn allowed(user: &User, reason: String) -> Self {
        Self { user: Some(user.clone()), acting_as: None, decision: Some("allow"), reason }
    }

    /// The same, as asked by somebody who acted as that user.
    pub(super) fn of(mut self, requester: Option<Requester>) -> Self {
        if let Some(Requester(user)) = requester {
            self.acting_as = self.user.replace(user);
        }
        self
    }
}

impl From<&Refusal> for Admission {
    fn from(refusal: &Refusal) -> Self {
        let (user, decision, reason) = match refusal {
            Refusal::Unauthorized => (None, None, ""),
            Refusal::Forbidden { user, reason, .. } => {
                (Some(user), Some("forbid"), reason.as_str())
            }
            Refusal::TooMany { user }
            | Refusal::Impersonation { user, .. }
            | Refusal::Undecided { user, .. } => (Some(user), None, ""),
        };
        let user = user.map(|user| User::clone(user));
        Self { user, acting_as: None, decision, reason: reason.to_owned() }
    }
}
