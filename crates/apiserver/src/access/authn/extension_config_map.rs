//! Watches the ConfigMap `kube-system/extension-apiserver-authentication`, in which API servers
//! publish their client CA and request header configuration.

use std::{pin::pin, sync::Arc};

use diagnosis::Cause;
use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use kube_dial::{Backoff, report};
use net::Random;
use tokio::sync::watch;

use super::client_ca::ClientCaConfig;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "extension-apiserver-authentication";

/// A cluster whose API server is no front proxy.
pub(in crate::access) const NO_FRONT_PROXY: &str = "ConfigMap kube-system/extension-apiserver-authentication has no requestheader-client-ca-file: requests of kubectl top and autoscalers, which the API server forwards with their user, are not authenticated";

/// Keeps the configuration up to date with the ConfigMap.
pub(in crate::access) struct ExtensionConfigMap {
    client: Client,
    config: watch::Sender<Arc<ClientCaConfig>>,
    random: Random,
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
        let only = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
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
