//! Watches the ConfigMap `kube-system/extension-apiserver-authentication`, in which API servers
//! publish their client CA and request header configuration.

use std::{pin::pin, sync::Arc};

use diagnosis::Cause;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::ListParams,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use kube_dial::{Backoff, explain, report};
use net::Random;
use tokio::sync::watch;

use super::client_ca::ClientCaConfig;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "extension-apiserver-authentication";

/// A cluster whose API server is no front proxy.
pub(in crate::access) const NO_FRONT_PROXY: &str = "ConfigMap kube-system/extension-apiserver-authentication has no requestheader-client-ca-file: requests of kubectl top and autoscalers, which the API server forwards with their user, are not authenticated";

/// Why requests that the API server forwards would not be authenticated.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The ConfigMap cannot be read.
    #[error("failed to list configmaps: {}", explain(.0, Cause::RoleLacksAuthReader).0)]
    Request(#[from] kube::Error),
    /// There is none.
    #[error("ConfigMap {NAMESPACE}/{NAME} not found")]
    NotFound,
    /// Part of it is invalid.
    #[error("ConfigMap {NAMESPACE}/{NAME}: {0}")]
    Invalid(String),
    /// It has no CA of front proxies.
    #[error("{NO_FRONT_PROXY}")]
    NoFrontProxy,
}

/// Keeps the configuration up to date with the ConfigMap.
pub(in crate::access) struct ExtensionConfigMap {
    client: Client,
    config: watch::Sender<Arc<ClientCaConfig>>,
    random: Random,
}

/// The field selector of the ConfigMap.
fn only() -> String {
    format!("metadata.name={NAME}")
}

// === impl LookupError ===

impl LookupError {
    /// Its kind.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Request(error) => explain(error, Cause::RoleLacksAuthReader).1,
            Self::NotFound | Self::Invalid(_) | Self::NoFrontProxy => Cause::NoFrontProxy,
        }
    }
}

// === impl ExtensionConfigMap ===

impl ExtensionConfigMap {
    pub(in crate::access) fn new(
        client: Client,
        config: watch::Sender<Arc<ClientCaConfig>>,
        random: Random,
    ) -> Self {
        Self { client, config, random }
    }

    /// Watches. It never ends.
    pub(in crate::access) async fn follow(&self) {
        let only = watcher::Config::default().fields(&only());
        let events = watcher(self.maps(), only).backoff(Backoff::new(self.random.clone()));
        let mut events = pin!(events);
        let (mut listed, mut is_said) = (false, false);
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed = false,
                Ok(Event::InitApply(map)) => {
                    listed = true;
                    self.load(&map);
                }
                Ok(Event::InitDone) if !listed => self.missing("not found"),
                Ok(Event::InitDone) => {}
                Ok(Event::Apply(map)) => self.load(&map),
                Ok(Event::Delete(_)) => self.missing("was deleted"),
                Err(error) => report("configmaps", Cause::RoleLacksAuthReader, &error),
            }
            let is_missing = listed && self.config.borrow().request_header_ca.is_missing();
            if is_missing && !is_said {
                tracing::warn!(cure = Cause::NoFrontProxy.cure(), "{NO_FRONT_PROXY}");
            }
            is_said = is_missing;
        }
    }

    /// Reads the ConfigMap once.
    pub(in crate::access) async fn look_up(&self) -> Result<(), LookupError> {
        let maps = self.maps().list(&ListParams::default().fields(&only())).await?.items;
        let data = maps.into_iter().next().ok_or(LookupError::NotFound)?.data.unwrap_or_default();
        let mut config = ClientCaConfig::clone(&self.config.borrow());
        let (_, invalid) = config.load(&data);
        if let Some(error) = invalid.first() {
            return Err(LookupError::Invalid(error.to_string()));
        }
        if config.request_header_ca.is_missing() {
            return Err(LookupError::NoFrontProxy);
        }
        Ok(())
    }

    fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn load(&self, map: &ConfigMap) {
        let data = map.data.clone().unwrap_or_default();
        let mut errors = Vec::new();
        let changed = self.config.send_if_modified(|config| {
            let mut loaded = ClientCaConfig::clone(config);
            let (changed, invalid) = loaded.load(&data);
            errors = invalid;
            if changed {
                *config = Arc::new(loaded);
            }
            changed
        });
        for error in errors {
            let cure = "check what the API server writes there; the configuration loaded before stays in use";
            tracing::error!(err = %error, cure, "Failed to load client CA and request header configuration from {NAMESPACE}/{NAME}");
        }
        if changed {
            tracing::info!(
                "Loaded client CA and request header configuration from {NAMESPACE}/{NAME}"
            );
        }
    }

    fn missing(&self, how: &str) {
        let cure = "start the API server with --client-ca-file and --requestheader-client-ca-file";
        let config = self.config.borrow().clone();
        let then = if config.client_ca.bundle().or(config.request_header_ca.bundle()).is_some() {
            "the configuration loaded before stays in use"
        } else {
            "client certificates and front proxy headers are not accepted"
        };
        tracing::warn!(cure, "ConfigMap {NAMESPACE}/{NAME} {how}: {then}");
    }
}
