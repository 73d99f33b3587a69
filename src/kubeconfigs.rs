//! The kubeconfigs that flags name.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use apiserver::access::ApiConfigs;
use kube::{Config, config::InClusterError};

use crate::flags::Flags;

/// An API server that cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// A kubeconfig cannot be used.
    #[error("{cause}; pass a readable file with {flag}")]
    File {
        /// Which one, and what is wrong with it.
        cause: String,
        /// The flag that names it.
        flag: &'static str,
    },
    /// There is none, and no service account.
    #[error(
        "failed to find the API server: {cause}; run in a cluster, or pass a kubeconfig with --kubeconfig"
    )]
    NotInCluster {
        /// What is missing.
        cause: String,
    },
}

/// How the API servers are reached. Where no flag names a kubeconfig, as `in_cluster` says.
pub fn read(
    flags: &Flags,
    in_cluster: impl Fn() -> Result<Config, InClusterError>,
) -> Result<ApiConfigs, KubeconfigError> {
    let kubeconfig = |file: &Path, flag| {
        match kube_dial::read_kubeconfig(file) {
        Ok(Some(config)) => Ok(config),
        // As client-go: where it says nothing, the pod's service account counts.
        Ok(None) => in_cluster().map_err(|_| {
            let name = file.display().to_string();
            let cause = format!("failed to read kubeconfig {name:?}: no configuration has been provided: it has no current-context with a cluster");
            KubeconfigError::File { cause, flag }
        }),
        Err(error) => Err(KubeconfigError::File { cause: chain(&error), flag }),
    }
    };
    let cluster = match &flags.metrics_server.kubeconfig {
        Some(file) => kubeconfig(file, "--kubeconfig")?,
        None => {
            in_cluster().map_err(|error| KubeconfigError::NotInCluster { cause: chain(&error) })?
        }
    };
    let reviews = |file: &Option<PathBuf>, flag| {
        file.as_deref().map(|file| kubeconfig(file, flag)).transpose()
    };
    let authentication =
        reviews(&flags.authentication.authentication_kubeconfig, "--authentication-kubeconfig")?;
    let authorization =
        reviews(&flags.authorization.authorization_kubeconfig, "--authorization-kubeconfig")?;
    Ok(ApiConfigs { cluster, authentication, authorization })
}

/// An error and its sources in one line: the first line of each, because some bring a snippet.
fn chain(error: &dyn Error) -> String {
    let first_line =
        |error: &dyn Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    let mut text = first_line(error);
    let mut next = error.source();
    while let Some(source) = next {
        let more = first_line(source);
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}
