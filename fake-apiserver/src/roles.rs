//! The roles of the servers behind the API server.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::authentication_config;

/// The rules of the ClusterRole `system:auth-delegator`.
pub fn auth_delegator() -> Vec<PolicyRule> {
    vec![
        rule("authentication.k8s.io", "tokenreviews", &["create"]),
        rule("authorization.k8s.io", "subjectaccessreviews", &["create"]),
    ]
}

/// The rule of the Role `extension-apiserver-authentication-reader`.
pub fn authentication_reader() -> PolicyRule {
    PolicyRule {
        resource_names: Some(vec![authentication_config::NAME.to_owned()]),
        ..rule("", "configmaps", &["get", "list", "watch"])
    }
}

/// A rule for one resource of one API group.
pub fn rule(group: &str, resource: &str, verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..PolicyRule::default()
    }
}
