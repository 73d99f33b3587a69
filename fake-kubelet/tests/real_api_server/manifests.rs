//! What `kind-config/base` installs, but for the Deployment: there is nothing to run pods.

use std::{fs, path::Path};

use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::{Value, json};

const FILES: [&str; 4] =
    ["base/rbac.yaml", "base/service.yaml", "base/apiservice.yaml", "v1/apiservice.yaml"];

/// Applies it as kubectl does on the server's side, unknown fields refused. The Service leads to
/// a port of this machine.
pub(crate) async fn apply(client: &Client, port: u16) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kind-config");
    for file in FILES {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let objects: Vec<Value> = serde_yaml::from_multiple(&text).unwrap();
        for mut object in objects {
            match object["kind"].as_str().unwrap() {
                "Service" => {
                    object["spec"] = json!({"type": "ExternalName", "externalName": "localhost"});
                }
                "APIService" => object["spec"]["service"]["port"] = json!(port),
                _ => {}
            }
            applied(client, object).await;
        }
    }
}

/// Gives a user permission to read metrics, by the role in the manifests.
pub(crate) async fn let_read(client: &Client, user: &str) {
    let api_group = "rbac.authorization.k8s.io";
    applied(
        client,
        json!({
            "apiVersion": format!("{api_group}/v1"),
            "kind": "ClusterRoleBinding",
            "metadata": {"name": format!("{user}-reads")},
            "roleRef": {
                "apiGroup": api_group,
                "kind": "ClusterRole",
                "name": "system:aggregated-metrics-reader",
            },
            "subjects": [{"apiGroup": api_group, "kind": "User", "name": user}],
        }),
    )
    .await;
}

async fn applied(client: &Client, object: Value) {
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    let types = object.types.clone().unwrap();
    let kind = ApiResource::from_gvk(&GroupVersionKind::try_from(&types).unwrap());
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), &namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    };
    let params = PatchParams::apply("test").validation_strict();
    let name = object.name_any();
    let patched = api.patch(&name, &params, &Patch::Apply(&object)).await;
    patched.unwrap_or_else(|error| panic!("{} {name}: {error}", types.kind));
}
