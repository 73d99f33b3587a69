//! The users of a scenario's API server: their tokens and rules.

use fake_apiserver::{FakeApiServer, Faults, User, auth_delegator, authentication_reader};
use http::StatusCode;

use super::objects;
use crate::file::format;

/// The administrator: may do everything.
pub(super) const ADMIN_TOKEN: &str = "token-of-the-admin";

/// The metrics server's service account.
pub(super) const SERVER_TOKEN: &str = "token-of-the-metrics-server";

/// All kubelets: they may create TokenReviews and SubjectAccessReviews.
pub(super) const KUBELETS_TOKEN: &str = "token-of-the-kubelets";

fn server() -> User {
    User::service_account("kube-system", "metrics-server")
}

/// Whether that is the name of the metrics server's service account.
pub(crate) fn is_metrics_server(user: &str) -> bool {
    user == server().name
}

/// Adds all users to the API server.
pub(super) fn add(api_server: &FakeApiServer, role: Option<&[format::Rule]>) {
    let kubelets = User::new("system:nodes", &["system:nodes"]);
    api_server.set_rules(&kubelets.name, auth_delegator());
    api_server.add_token(KUBELETS_TOKEN, kubelets);
    api_server.add_token(ADMIN_TOKEN, User::new("admin", &["system:masters"]));
    add_server_token(api_server, SERVER_TOKEN);
    set_role(api_server, role);
}

/// Adds a token of the metrics server's service account.
pub(super) fn add_server_token(api_server: &FakeApiServer, token: &str) {
    api_server.add_token(token, server());
}

/// Gives the metrics server a role beside those of every aggregated API server, which it needs for
/// authentication and authorization.
pub(super) fn set_role(api_server: &FakeApiServer, role: Option<&[format::Rule]>) {
    let mut rules = objects::role(role);
    rules.extend(auth_delegator());
    rules.push(authentication_reader());
    api_server.set_rules(&server().name, rules);
}

/// Sets the rules of users and groups.
pub(super) fn grant(api_server: &FakeApiServer, access: &format::Grants) {
    for (user, rules) in &access.users {
        api_server.set_rules(user, objects::rules(rules));
    }
    for (group, rules) in &access.groups {
        api_server.set_group_rules(group, objects::rules(rules));
    }
}

/// The faults of the metrics server's requests to the API server, in place of those before.
pub(super) fn set_faults(api_server: &FakeApiServer, faults: format::ApiServerFaults) {
    let format::ApiServerFaults { status, answers_after, stalls_after, watches_last, gone } =
        faults;
    let faults = Faults {
        status: status.and_then(|status| StatusCode::from_u16(status).ok()),
        delay: answers_after.map(|time| time.0).unwrap_or_default(),
        stalls_after,
        watches_last: watches_last.map(|time| time.0),
        gone,
    };
    api_server.set_faults(&server().name, faults);
}
