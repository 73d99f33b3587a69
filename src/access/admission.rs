use super::{Refusal, User};

/// What was found out of a request, and decided: an extension of its answer, for those who keep
/// accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who asked; nobody, when they are not who they say they are.
    pub user: Option<User>,
    /// `allow` or `forbid`; nothing, when it did not come to that.
    pub decision: Option<&'static str>,
    /// What the API server said of it; often empty.
    pub reason: String,
}

// === impl Admission ===

impl Admission {
    pub(super) fn allowed(user: &User, reason: String) -> Self {
        Self { user: Some(user.clone()), decision: Some("allow"), reason }
    }
}

impl From<&Refusal> for Admission {
    fn from(refusal: &Refusal) -> Self {
        let (user, decision, reason) = match refusal {
            Refusal::Unauthorized => (None, None, ""),
            Refusal::Forbidden { user, reason, .. } => {
                (Some(user), Some("forbid"), reason.as_str())
            }
            Refusal::TooMany { user } | Refusal::Undecided { user, .. } => (Some(user), None, ""),
        };
        Self { user: user.map(|user| User::clone(user)), decision, reason: reason.to_owned() }
    }
}
