//! Which API servers are asked who somebody is and what they may do.

use kube::Config;
use kube_dial::{ApiClientError, api_client};
use net::{Doors, dns::Resolver};

use super::{ApiServer, ApiServers};
use crate::observability::USER_AGENT;

/// How API servers are reached: one for all, unless others are named for reviews.
#[derive(Clone, Debug)]
pub struct ApiConfigs {
    /// What tells of nodes and pods, and is asked for reviews where the following say nothing.
    pub cluster: Config,
    /// `--authentication-kubeconfig`.
    pub authentication: Option<Config>,
    /// `--authorization-kubeconfig`.
    pub authorization: Option<Config>,
}

// === impl ApiConfigs ===

impl From<Config> for ApiConfigs {
    fn from(cluster: Config) -> Self {
        Self { cluster, authentication: None, authorization: None }
    }
}

// === impl ApiServers ===

impl ApiServers {
    /// As `configs` say, with `own` for those that they do not name.
    pub fn new(
        configs: &ApiConfigs,
        own: &ApiServer,
        doors: &Doors,
        resolver: &Resolver,
    ) -> Result<Self, ApiClientError> {
        let server = |config: &Option<Config>| match config {
            None => Ok(own.clone()),
            Some(config) => {
                let client = api_client(config, doors, resolver.clone(), USER_AGENT)?;
                Ok::<_, ApiClientError>(ApiServer { client, url: config.cluster_url.clone() })
            }
        };
        Ok(Self {
            authentication: server(&configs.authentication)?,
            authorization: server(&configs.authorization)?,
        })
    }
}
