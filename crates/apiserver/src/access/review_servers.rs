//! The API servers that review tokens and permissions.

use kube::Config;
use kube_dial::{ApiClientError, api_client};
use net::{Doors, dns::Resolver};

use super::{ApiServer, ApiServers};

/// How API servers are reached: one for everything, unless flags name others for reviews.
#[derive(Clone, Debug)]
pub struct ApiConfigs {
    /// Lists nodes and pods, and reviews where the following are not set.
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
    /// From `configs`, with `own` for those that are not set. Requests carry `user_agent`.
    pub fn new(
        configs: &ApiConfigs,
        own: &ApiServer,
        doors: &Doors,
        resolver: &Resolver,
        user_agent: &'static str,
    ) -> Result<Self, ApiClientError> {
        let server = |config: &Option<Config>| match config {
            None => Ok(own.clone()),
            Some(config) => {
                let client = api_client(config, doors, resolver.clone(), user_agent)?;
                Ok::<_, ApiClientError>(ApiServer { client, url: config.cluster_url.clone() })
            }
        };
        Ok(Self {
            authentication: server(&configs.authentication)?,
            authorization: server(&configs.authorization)?,
        })
    }
}
