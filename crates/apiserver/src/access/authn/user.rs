//! The user of a request.

use std::collections::BTreeMap;

use serde::Serialize;

/// The name of the user of a request without credentials.
pub const ANONYMOUS: &str = "system:anonymous";

/// The group of users without credentials.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The group of users with valid credentials.
pub const AUTHENTICATED: &str = "system:authenticated";

/// The group that needs no authorization.
pub const MASTERS: &str = "system:masters";

/// The user of a request: an extension of every authorized request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct User {
    /// Such as `system:serviceaccount:kube-system:horizontal-pod-autoscaler`.
    pub name: String,
    /// Distinguishes two users with the same name at different times; often empty.
    pub uid: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// Further attributes.
    pub extra: BTreeMap<String, Vec<String>>,
}

// === impl User ===

impl User {
    pub(in crate::access) fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            groups: vec![UNAUTHENTICATED.to_owned()],
            ..Self::default()
        }
    }

    /// Whether the user is anonymous.
    pub fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS || self.is_in(UNAUTHENTICATED)
    }

    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|has| has == group)
    }

    /// Adds the group of users with valid credentials.
    pub(in crate::access) fn authenticated(mut self) -> Self {
        if !self.is_anonymous() && !self.is_in(AUTHENTICATED) {
            self.groups.push(AUTHENTICATED.to_owned());
        }
        self
    }
}
