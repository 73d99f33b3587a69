//! The flags that name a cluster, and a client of it.

use std::path::{Path, PathBuf};

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::ProgramError;

/// The cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ClusterFlags {
    /// The cluster, by its kubeconfig.
    #[arg(long, value_name = "FILE", conflicts_with = "in_cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The cluster this program runs in as a pod.
    #[arg(long)]
    in_cluster: bool,
}

// === impl ClusterFlags ===

impl ClusterFlags {
    /// A client of the cluster that the flags name, if any.
    pub(super) async fn explicit_client(&self) -> Result<Option<Client>, ProgramError> {
        match &self.kubeconfig {
            Some(file) => read(file).await.and_then(|it| connect(it, file)).map(Some),
            None if self.in_cluster => {
                let config = Config::incluster()
                    .map_err(|error| ProgramError::UnknownCluster(error.to_string()))?;
                connect(config, Path::new("of the pod")).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The configuration of the cluster that the flags name, or that kubectl would find.
    pub(super) async fn config(&self) -> Result<Config, ProgramError> {
        let none = |error: String| ProgramError::UnknownCluster(error);
        match &self.kubeconfig {
            Some(file) => read(file).await,
            None if self.in_cluster => Config::incluster().map_err(|error| none(error.to_string())),
            None => Config::infer().await.map_err(|error| none(error.to_string())),
        }
    }

    /// Whether no flag names a cluster.
    pub(super) fn is_unset(&self) -> bool {
        self.kubeconfig.is_none() && !self.in_cluster
    }

    /// A client of the cluster that the flags name, or that kubectl would find.
    pub(super) async fn client(&self) -> Result<Client, ProgramError> {
        let config = self.config().await?;
        connect(config, self.kubeconfig.as_deref().unwrap_or(Path::new("that was found")))
    }
}

async fn read(file: &Path) -> Result<Config, ProgramError> {
    let failed = |reason: String| ProgramError::Kubeconfig { file: file.to_owned(), reason };
    let kubeconfig = Kubeconfig::read_from(file).map_err(|error| failed(error.to_string()))?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    config.map_err(|error| failed(error.to_string()))
}

fn connect(mut config: Config, file: &Path) -> Result<Client, ProgramError> {
    // Audit logs and the API server's own metrics identify clients by it.
    let agent = concat!("fake-kubelet/", env!("CARGO_PKG_VERSION"));
    config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
    Client::try_from(config).map_err(|error| ProgramError::Kubeconfig {
        file: file.to_owned(),
        reason: error.to_string(),
    })
}
