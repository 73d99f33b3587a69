use std::collections::BTreeMap;

use serde::Serialize;

/// The name of those who do not say who they are.
pub const ANONYMOUS: &str = "system:anonymous";

/// The group of those who do not say who they are.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The group of those who do.
pub const AUTHENTICATED: &str = "system:authenticated";

/// The group of those who may do everything.
pub const MASTERS: &str = "system:masters";

/// Who asks: an extension of every request that is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct User {
    /// Such as `system:serviceaccount:kube-system:horizontal-pod-autoscaler`.
    pub name: String,
    /// What stays the same when a name is given to somebody else; often empty.
    pub uid: String,
    /// The groups they belong to.
    pub groups: Vec<String>,
    /// What else is known of them.
    pub extra: BTreeMap<String, Vec<String>>,
}

// === impl User ===

impl User {
    pub(super) fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            groups: vec![UNAUTHENTICATED.to_owned()],
            ..Self::default()
        }
    }

    /// Whether nobody knows who it is.
    pub fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS || self.is_in(UNAUTHENTICATED)
    }

    /// Whether they belong to a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|has| has == group)
    }

    /// Puts those who said who they are into the group of all who did.
    pub(super) fn authenticated(mut self) -> Self {
        if !self.is_anonymous() && !self.is_in(AUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }
}
