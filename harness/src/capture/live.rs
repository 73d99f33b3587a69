//! A cluster from its API server, with requests that read and nothing else.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
};

use http::Request;
use kube::{Client, Config};
use kube_dial::{api_client, read_context};
use net::{
    Doors,
    dns::{ConfigFiles, Resolver},
};
use serde_json::Value;

use super::{
    CaptureError,
    objects::{Log, Objects, Unread, items, name_of, namespace_of},
    server::{NAME, ServerObjects},
};

/// How many objects come at once.
const CHUNK: u32 = 500;

/// The most chunks of a list.
const MOST_CHUNKS: usize = 1_000;

/// Of a longer log, the last lines are read.
const LOG_LINES: u32 = 100_000;

/// The most bytes of a log.
const LOG_BYTES: u32 = 64 << 20;

/// How the API server is found.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The kubeconfig; else that of `KUBECONFIG`, or the user's.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; else its current one.
    pub context: Option<String>,
    /// Where the metrics server is, where no APIService says so.
    pub namespace: String,
}

/// A cluster that is being read.
struct Reading<'c> {
    client: &'c Client,
    /// The API server's URL.
    server: &'c str,
    objects: Objects,
    has_answered: bool,
}

// === impl Cluster ===

impl Cluster {
    /// A client of the API server, and its URL.
    pub(super) fn client(&self) -> Result<(Client, String), CaptureError> {
        let file = match &self.kubeconfig {
            Some(file) => file.clone(),
            None => default_kubeconfig().ok_or(CaptureError::NoKubeconfig)?,
        };
        let failed = |error: &dyn Error| CaptureError::Kubeconfig {
            path: file.clone(),
            error: chain(error),
        };
        let config =
            read_context(&file, self.context.as_deref()).map_err(|error| failed(&error))?;
        let config: Config = config.ok_or_else(|| CaptureError::Kubeconfig {
            path: file.clone(),
            error: "it names no cluster".to_owned(),
        })?;
        let doors = Doors::host();
        let resolver = Resolver::from_files(doors.clone(), ConfigFiles::default());
        let client = api_client(&config, &doors, resolver, "scenario");
        Ok((client.map_err(|error| failed(&error))?, config.cluster_url.to_string()))
    }
}

/// The usage of nodes.
pub(super) const NODE_METRICS: &str = "/apis/metrics.k8s.io/v1beta1/nodes";

/// The first file that `KUBECONFIG` names, or that of the user.
fn default_kubeconfig() -> Option<PathBuf> {
    let named = env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    if let Some(named) = named {
        let mut files = env::split_paths(&named);
        return files.find(|file| file.exists()).or_else(|| env::split_paths(&named).next());
    }
    let file = Path::new(&env::var_os("HOME")?).join(".kube/config");
    file.exists().then_some(file)
}

/// Reads what matters of a cluster.
pub(super) async fn read(
    client: &Client,
    server: &str,
    namespace: &str,
) -> Result<Objects, CaptureError> {
    let mut reading = Reading { client, server, objects: Objects::default(), has_answered: false };
    reading.list("/api/v1/nodes", "").await?;
    let services = "/apis/apiregistration.k8s.io/v1/apiservices";
    reading.get(&format!("{services}/v1beta1.metrics.k8s.io")).await?;
    let (namespace, name) =
        backing(&reading.objects).unwrap_or_else(|| (namespace.to_owned(), NAME.to_owned()));
    reading.get(&format!("/api/v1/namespaces/{namespace}/services/{name}")).await?;
    reading.list("/api/v1/pods", "").await?;
    reading.list(&format!("/apis/apps/v1/namespaces/{namespace}/deployments"), "").await?;
    let slices = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
    reading.list(&slices, &format!("labelSelector=kubernetes.io%2Fservice-name%3D{name}")).await?;
    reading.rbac().await?;
    let system = "/api/v1/namespaces/kube-system";
    for path in
        ["configmaps/extension-apiserver-authentication", "configmaps/coredns", "services/kube-dns"]
    {
        reading.get(&format!("{system}/{path}")).await?;
    }
    let requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let signer = "fieldSelector=spec.signerName%3Dkubernetes.io%2Fkubelet-serving";
    reading.list(requests, signer).await?;
    for path in [NODE_METRICS, "/apis/metrics.k8s.io/v1beta1/pods"] {
        reading.list(path, "").await?;
    }
    reading.logs().await?;
    reading.objects.is_live = true;
    Ok(reading.objects)
}

/// The namespace and name of the Service behind the APIService.
fn backing(objects: &Objects) -> Option<(String, String)> {
    let service = objects.of("APIService").first().map(|it| &it["spec"]["service"])?;
    let text = |name: &str| service[name].as_str().map(str::to_owned);
    Some((text("namespace")?, text("name")?))
}

// === impl Reading ===

impl Reading<'_> {
    /// Reads one object.
    async fn get(&mut self, path: &str) -> Result<(), CaptureError> {
        let response = self.request(path, path).await?;
        if let Some(object) = response.and_then(|text| serde_json::from_str(&text).ok()) {
            self.objects.add(object);
        }
        Ok(())
    }

    /// Reads a list in chunks.
    async fn list(&mut self, path: &str, selector: &str) -> Result<(), CaptureError> {
        let mut token = String::new();
        for _ in 0..MOST_CHUNKS {
            let full = format!("{path}?limit={CHUNK}&{selector}{token}");
            let Some(text) = self.request(&full, path).await? else { return Ok(()) };
            let Ok(list) = serde_json::from_str::<Value>(&text) else { return Ok(()) };
            let next = list["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            self.objects.add(list);
            if next.is_empty() {
                return Ok(());
            }
            token = format!("&continue={next}");
        }
        Ok(())
    }

    /// What the metrics server's service account may do.
    async fn rbac(&mut self) -> Result<(), CaptureError> {
        let group = "/apis/rbac.authorization.k8s.io/v1";
        self.list(&format!("{group}/clusterrolebindings"), "").await?;
        let server = ServerObjects::find(&self.objects);
        let (account, namespace) = (server.service_account(), server.namespace());
        let is_bound = |binding: &&Value| {
            items(&binding["subjects"])
                .any(|it| it["name"] == account && it["namespace"] == namespace)
        };
        let bindings = self.objects.of("ClusterRoleBinding").into_iter().filter(is_bound);
        let roles: Vec<_> = bindings
            .filter_map(|binding| binding["roleRef"]["name"].as_str())
            .filter(|role| *role != "system:auth-delegator")
            .map(str::to_owned)
            .collect();
        for role in roles {
            self.get(&format!("{group}/clusterroles/{role}")).await?;
        }
        Ok(())
    }

    /// The logs of the metrics server's pods, of the containers before too.
    async fn logs(&mut self) -> Result<(), CaptureError> {
        let server = ServerObjects::find(&self.objects);
        let container = server.container().and_then(|it| it["name"].as_str()).unwrap_or_default();
        let container = container.to_owned();
        let pods = server.pods.iter();
        let pods: Vec<_> =
            pods.map(|pod| (namespace_of(pod).to_owned(), name_of(pod).to_owned())).collect();
        for (namespace, pod) in pods {
            for previous in [true, false] {
                let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log");
                let full = format!(
                    "{path}?container={container}&tailLines={LOG_LINES}&limitBytes={LOG_BYTES}&previous={previous}"
                );
                // Most containers have none before them.
                let before = self.objects.unread.len();
                let text = self.request(&full, &path).await?;
                if previous {
                    self.objects.unread.truncate(before);
                }
                if let Some(text) = text {
                    self.objects.logs.push(Log { pod: Some(pod.clone()), text });
                }
            }
        }
        Ok(())
    }

    /// The response to a request; `None` where the API server does not give it.
    async fn request(&mut self, path: &str, what: &str) -> Result<Option<String>, CaptureError> {
        let unreachable =
            |error: String| CaptureError::Unreachable { server: self.server.to_owned(), error };
        let request =
            Request::get(path).body(Vec::new()).map_err(|error| unreachable(error.to_string()))?;
        let why = match self.client.request_text(request).await {
            Ok(text) => {
                self.has_answered = true;
                return Ok(Some(text));
            }
            Err(kube::Error::Api(status)) if status.code == 401 && !self.has_answered => {
                return Err(CaptureError::Unauthorized { server: self.server.to_owned() });
            }
            Err(kube::Error::Api(status)) => {
                self.has_answered = true;
                match status.code {
                    403 => {
                        format!("{}; docs/diagnose.md has the ClusterRole for it", status.message)
                    }
                    _ => status.message.clone(),
                }
            }
            Err(error) if !self.has_answered => return Err(unreachable(chain(&error))),
            Err(error) => chain(&error),
        };
        let why = why.lines().next().unwrap_or_default().to_owned();
        self.objects.unread.push(Unread { what: what.to_owned(), why });
        Ok(None)
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !texts.iter().any(|before| before.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts.join(": ")
}
