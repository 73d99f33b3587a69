//! An aggregated API of one's own, for the cluster of the current kubeconfig:
//! `kubectl get --raw /apis/example.dev/v1/widgets` once an APIService leads here.

use apiserver::{
    ApiGroup, GenericServer, GroupVersion, JsonObject, JsonResource, PathMux, ResourceNames,
    ServerOptions, access::ApiServer, json_resource, openapi::Description,
};
use net::{
    Clock, Doors,
    dns::{ConfigFiles, Resolver},
};

struct Widgets;

impl JsonResource for Widgets {
    fn names(&self) -> ResourceNames {
        let (kind, list_kind) = ("Widget", "WidgetList");
        ResourceNames { plural: "widgets", kind, list_kind, namespaced: false, columns: "[]" }
    }

    fn objects(&self, _namespace: Option<&str>) -> Vec<JsonObject> {
        vec![JsonObject { name: "gear".to_owned(), ..JsonObject::default() }]
    }
}

/// Discovery, GET, LIST and `Status` errors of `example.dev/v1`.
#[allow(unreachable_pub, reason = "a test takes it")]
pub fn paths(clock: Clock) -> PathMux {
    let group = ApiGroup {
        name: "example.dev",
        versions: vec![GroupVersion { version: "v1", group_version: "example.dev/v1" }],
        resources: vec![json_resource("example.dev", Widgets)],
        server_address: String::new(),
        openapi: || Description::new("widgets", "v1.0.0", "example.dev"),
    };
    PathMux::new(group, clock)
}

/// Serves them behind front proxy authentication and authorization by the cluster.
#[allow(dead_code, reason = "a test takes the paths alone")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (doors, config) = (Doors::host(), kube::Config::infer().await?);
    let resolver = Resolver::from_files(doors.clone(), ConfigFiles::default());
    let client = kube_dial::api_client(&config, &doors, resolver.clone(), "widgets")?;
    let own = ApiServer { client, url: config.cluster_url.clone() };
    let (options, configs) = (ServerOptions::new(([0, 0, 0, 0], 8443).into()), config.into());
    let clock = doors.clock.clone();
    let server = GenericServer::new(options, &configs, &own, doors, &resolver, "widgets")?;
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    Ok(server.run(paths(clock).into_router(), stopped).await?)
}
