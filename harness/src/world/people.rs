//! Who asks the API server of a scenario's cluster, and with which token.

use fake_apiserver::{FakeApiServer, Trouble, User};
use http::StatusCode;
use k8s_openapi::api::rbac::v1::PolicyRule;

use super::objects;
use crate::file::format;

/// The person at the keyboard: may do everything.
pub(super) const ADMIN_TOKEN: &str = "token-of-the-admin";

/// The metrics server's service account.
pub(super) const SERVER_TOKEN: &str = "token-of-the-metrics-server";

/// All kubelets: they may ask who somebody is and what they may.
pub(super) const KUBELETS_TOKEN: &str = "token-of-the-kubelets";

fn server() -> User {
    User::service_account("kube-system", "metrics-server")
}

/// Whether that is the name of the metrics server's service account.
pub(crate) fn is_metrics_server(user: &str) -> bool {
    user == server().name
}

/// Makes everybody known to the API server.
pub(super) fn introduce(api_server: &FakeApiServer, role: Option<&[format::Rule]>) {
    let kubelets = User::new("system:nodes", &["system:nodes"]);
    api_server.set_rules(&kubelets.name, auth_delegator());
    api_server.add_token(KUBELETS_TOKEN, kubelets);
    api_server.add_token(ADMIN_TOKEN, User::new("admin", &["system:masters"]));
    give_token(api_server, SERVER_TOKEN);
    set_role(api_server, role);
}

/// Gives the metrics server's service account a token beside those it has.
pub(super) fn give_token(api_server: &FakeApiServer, token: &str) {
    api_server.add_token(token, server());
}

/// Gives the metrics server a role, beside those that every API server behind the API server has:
/// without them it could not tell who may ask.
pub(super) fn set_role(api_server: &FakeApiServer, role: Option<&[format::Rule]>) {
    let mut rules = objects::role(role);
    rules.extend(auth_delegator());
    rules.push(authentication_reader());
    api_server.set_rules(&server().name, rules);
}

/// Says what users and groups may do.
pub(super) fn grant(api_server: &FakeApiServer, access: &format::Grants) {
    for (user, rules) in &access.users {
        api_server.set_rules(user, objects::rules(rules));
    }
    for (group, rules) in &access.groups {
        api_server.set_group_rules(group, objects::rules(rules));
    }
}

/// Gives the metrics server trouble with the API server, in place of what it had.
pub(super) fn set_trouble(api_server: &FakeApiServer, faults: format::ApiServerFaults) {
    let format::ApiServerFaults { status, answers_after, stalls_after, watches_last, gone } =
        faults;
    let trouble = Trouble {
        status: status.and_then(|status| StatusCode::from_u16(status).ok()),
        delay: answers_after.map(|time| time.0).unwrap_or_default(),
        stalls_after,
        watches_last: watches_last.map(|time| time.0),
        gone,
    };
    api_server.set_trouble(&server().name, trouble);
}

/// The rules of the ClusterRole `system:auth-delegator`.
fn auth_delegator() -> Vec<PolicyRule> {
    vec![
        rule("authentication.k8s.io", "tokenreviews", &["create"]),
        rule("authorization.k8s.io", "subjectaccessreviews", &["create"]),
    ]
}

/// The rule of the Role `extension-apiserver-authentication-reader`.
fn authentication_reader() -> PolicyRule {
    PolicyRule {
        resource_names: Some(vec!["extension-apiserver-authentication".to_owned()]),
        ..rule("", "configmaps", &["get", "list", "watch"])
    }
}

fn rule(group: &str, resource: &str, verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..PolicyRule::default()
    }
}
