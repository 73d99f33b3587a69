//! Authorization: the rules of roles, bound to users and groups.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::{
    authn::User,
    request_info::{RequestInfo, ResourceInfo},
    status::{Status, qualified},
};

/// The group that may do everything.
const MASTERS: &str = "system:masters";

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Rules {
    users: BTreeMap<String, Vec<PolicyRule>>,
    groups: BTreeMap<String, Vec<PolicyRule>>,
}

/// The decision of the rules, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) allowed: bool,
    /// Empty where the real API server gives none.
    pub(super) reason: String,
}

// === impl Rules ===

impl Rules {
    pub(super) fn set_user(&mut self, user: &str, rules: Vec<PolicyRule>) {
        self.users.insert(user.to_owned(), rules);
    }

    pub(super) fn set_group(&mut self, group: &str, rules: Vec<PolicyRule>) {
        self.groups.insert(group.to_owned(), rules);
    }

    pub(super) fn decide(&self, user: &User, info: &RequestInfo) -> Decision {
        if user.groups.iter().any(|group| group == MASTERS) {
            return Decision { allowed: true, reason: String::new() };
        }
        let allow = |role: &str, subject: &str| Decision {
            allowed: true,
            reason: format!(
                "RBAC: allowed by ClusterRoleBinding {role:?} of ClusterRole {role:?} to {subject}"
            ),
        };
        let any = |rules: &[PolicyRule]| rules.iter().any(|rule| allows(rule, info));
        if self.users.get(&user.name).is_some_and(|rules| any(rules)) {
            return allow(&user.name, &subject_of(&user.name));
        }
        for group in &user.groups {
            if self.groups.get(group).is_some_and(|rules| any(rules)) {
                return allow(group, &format!("Group {group:?}"));
            }
        }
        for (role, groups, rule) in every_cluster() {
            if let Some(group) = user.groups.iter().find(|group| groups.contains(&group.as_str()))
                && allows(&rule, info)
            {
                return allow(role, &format!("Group {group:?}"));
            }
        }
        Decision { allowed: false, reason: String::new() }
    }
}

fn subject_of(user: &str) -> String {
    let account = user.strip_prefix("system:serviceaccount:");
    match account.and_then(|account| account.split_once(':')) {
        Some((namespace, name)) => format!("ServiceAccount \"{name}/{namespace}\""),
        None => format!("User {user:?}"),
    }
}

/// The roles that every cluster comes with and that matter here.
fn every_cluster() -> [(&'static str, &'static [&'static str], PolicyRule); 3] {
    const ANYBODY: &[&str] = &["system:authenticated", "system:unauthenticated"];
    const AUTHENTICATED: &[&str] = &["system:authenticated"];
    let paths = |paths: &[&str]| PolicyRule {
        non_resource_urls: Some(paths.iter().map(ToString::to_string).collect()),
        verbs: vec!["get".to_owned()],
        ..PolicyRule::default()
    };
    [
        (
            "system:public-info-viewer",
            ANYBODY,
            paths(&["/healthz", "/livez", "/readyz", "/version", "/version/"]),
        ),
        (
            "system:discovery",
            AUTHENTICATED,
            paths(&["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]),
        ),
        (
            "system:basic-user",
            AUTHENTICATED,
            PolicyRule {
                api_groups: Some(vec!["authorization.k8s.io".to_owned()]),
                resources: Some(vec!["selfsubjectaccessreviews".to_owned()]),
                verbs: vec!["create".to_owned()],
                ..PolicyRule::default()
            },
        ),
    ]
}

/// The refusal of what no rule allows.
pub(super) fn forbidden(user: &User, info: &RequestInfo) -> Status {
    let user = &user.name;
    let ResourceInfo { verb, group, namespace, resource, subresource, name, .. } = match info {
        RequestInfo::Resource(resource) => resource,
        RequestInfo::NonResource { verb, path } => {
            let message = format!("forbidden: User {user:?} cannot {verb} path {path:?}");
            return Status::forbidden(message, "", "", "");
        }
    };
    let object = match qualified(group, resource) {
        resource if name.is_empty() => resource,
        resource => format!("{resource} {name:?}"),
    };
    let full =
        if subresource.is_empty() { resource.clone() } else { format!("{resource}/{subresource}") };
    let scope = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {namespace:?}")
    };
    let message = format!(
        "{object} is forbidden: User {user:?} cannot {verb} resource {full:?} in API group \
         {group:?} {scope}"
    );
    Status::forbidden(message, group, resource, name)
}

fn allows(rule: &PolicyRule, info: &RequestInfo) -> bool {
    match info {
        RequestInfo::NonResource { verb, path } => {
            has(&rule.verbs, verb)
                && rule.non_resource_urls.iter().flatten().any(|allowed| covers(allowed, path))
        }
        RequestInfo::Resource(request) => {
            let ResourceInfo { verb, group, resource, subresource, name, .. } = request;
            let names = rule.resource_names.as_deref().unwrap_or_default();
            has(&rule.verbs, verb)
                && has(rule.api_groups.as_deref().unwrap_or_default(), group)
                && rule
                    .resources
                    .iter()
                    .flatten()
                    .any(|allowed| matches_resource(allowed, resource, subresource))
                && (names.is_empty() || names.contains(name))
        }
    }
}

fn has(allowed: &[String], asked: &str) -> bool {
    allowed.iter().any(|allowed| allowed == "*" || allowed == asked)
}

fn covers(allowed: &str, path: &str) -> bool {
    match allowed.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => allowed == path,
    }
}

fn matches_resource(allowed: &str, resource: &str, subresource: &str) -> bool {
    match allowed.split_once('/') {
        _ if allowed == "*" => true,
        Some(("*", allowed)) => !subresource.is_empty() && allowed == subresource,
        Some((of, allowed)) => of == resource && allowed == subresource,
        None => allowed == resource && subresource.is_empty(),
    }
}
