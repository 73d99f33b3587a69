//! Who asks the API server of a scenario's cluster, and with which token.

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::objects;
use crate::{
    control_plane::{ControlPlane, User},
    file::format,
};

/// The person at the keyboard: may do everything.
pub(super) const ADMIN_TOKEN: &str = "admin";

/// The metrics server's service account.
pub(super) const SERVER_TOKEN: &str = "metrics-server";

/// All kubelets: they may ask who somebody is and what they may.
pub(super) const KUBELETS_TOKEN: &str = "kubelets";

fn server() -> User {
    User::service_account("kube-system", "metrics-server")
}

/// Makes everybody known to the API server.
pub(super) fn introduce(control_plane: &ControlPlane, role: Option<&[format::Rule]>) {
    let kubelets = User::new("system:nodes", &["system:nodes"]);
    let may_create = |group: &str, resource: &str| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: vec!["create".to_owned()],
        ..PolicyRule::default()
    };
    let reviews = vec![
        may_create("authentication.k8s.io", "tokenreviews"),
        may_create("authorization.k8s.io", "subjectaccessreviews"),
    ];
    control_plane.set_rules(&kubelets.name, reviews);
    control_plane.add_token(KUBELETS_TOKEN, kubelets);
    control_plane.add_token(ADMIN_TOKEN, User::new("admin", &["system:masters"]));
    control_plane.add_token(SERVER_TOKEN, server());
    set_role(control_plane, role);
}

/// Gives the metrics server a role.
pub(super) fn set_role(control_plane: &ControlPlane, role: Option<&[format::Rule]>) {
    control_plane.set_rules(&server().name, objects::role(role));
}
