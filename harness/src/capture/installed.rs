//! The metrics server as it is installed: what commands that change it name.

use super::{
    objects::{Objects, items, name_of, texts},
    server::{ServerObjects, cluster_roles},
};

/// The annotation with the Helm release that an object belongs to.
const RELEASE: &str = "meta.helm.sh/release-name";

/// The Deployment of the metrics server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which of its containers has the flags.
    pub container: usize,
    /// The `args` of that container.
    pub args: Vec<String>,
    /// A ClusterRole of its service account, the one for kubelets if it is known.
    pub cluster_role: Option<String>,
    /// The Helm release that it belongs to.
    pub release: Option<String>,
}

// === impl Installed ===

impl Installed {
    /// Finds it; none where it is no Deployment.
    pub(super) fn find(objects: &Objects, server: &ServerObjects<'_>) -> Option<Self> {
        let owner = server.owner.filter(|owner| owner["kind"] == "Deployment")?;
        let container = server.container()?;
        let mut containers = items(&server.pod_spec?["containers"]);
        let roles = cluster_roles(objects, server);
        let is_for_kubelets = |name: &&&str| {
            let role = objects.get("ClusterRole", "", name);
            let mut granted = role.into_iter().flat_map(|role| items(&role["rules"]));
            granted.any(|rule| texts(&rule["resources"]).any(|it| it.starts_with("nodes/")))
        };
        let role = roles.iter().find(is_for_kubelets).or_else(|| roles.first());
        Some(Self {
            namespace: server.namespace().to_owned(),
            name: name_of(owner).to_owned(),
            container: containers.position(|it| it == container).unwrap_or_default(),
            args: texts(&container["args"]).map(str::to_owned).collect(),
            cluster_role: role.map(|&name| name.to_owned()),
            release: owner["metadata"]["annotations"][RELEASE].as_str().map(str::to_owned),
        })
    }
}
