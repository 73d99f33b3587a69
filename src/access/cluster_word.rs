//! What the cluster says of whom to believe: `kube-system/extension-apiserver-authentication`,
//! which API servers write and keep up to date.

use std::{pin::pin, sync::Arc};

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

use super::trust::{Trust, Wanted};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "extension-apiserver-authentication";

/// Cures a refusal.
const READER: &str = "kubectl create rolebinding -n kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader --serviceaccount=YOUR_NS:YOUR_SA";

/// Asks the cluster, and goes on listening.
pub(super) struct ClusterWord {
    client: Client,
    wanted: Wanted,
    trust: watch::Sender<Arc<Trust>>,
    random: Random,
}

// === impl ClusterWord ===

impl ClusterWord {
    pub(super) fn new(
        client: Client,
        wanted: Wanted,
        trust: watch::Sender<Arc<Trust>>,
        random: Random,
    ) -> Self {
        Self { client, wanted, trust, random }
    }

    /// Keeps up with what the cluster says, for good.
    pub(super) async fn follow(&self) {
        let only = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let events = watcher(self.maps(), only).backoff(Backoff::new(self.random.clone()));
        let mut events = pin!(events);
        let mut listed = false;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed = false,
                Ok(Event::InitApply(map)) => {
                    listed = true;
                    self.learn(&map);
                }
                Ok(Event::InitDone) if !listed => self.missing("There is no"),
                Ok(Event::InitDone) => {}
                Ok(Event::Apply(map)) => self.learn(&map),
                Ok(Event::Delete(_)) => self.missing("There is no longer a"),
                Err(error) => report("configmaps", READER, &error),
            }
        }
    }

    fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    fn learn(&self, map: &ConfigMap) {
        let data = map.data.clone().unwrap_or_default();
        let mut errors = Vec::new();
        let changed = self.trust.send_if_modified(|trust| {
            let mut learnt = Trust::clone(trust);
            let (changed, wrong) = learnt.learn(&data, self.wanted);
            errors = wrong;
            if changed {
                *trust = Arc::new(learnt);
            }
            changed
        });
        for error in errors {
            let cure = "look at what the API server writes there; what it said before counts on";
            tracing::error!(configmap = %format_args!("{NAMESPACE}/{NAME}"), err = %error, cure, "Failed to read whom to believe");
        }
        if changed {
            tracing::info!(configmap = %format_args!("{NAMESPACE}/{NAME}"), "Loaded whom to believe");
        }
    }

    fn missing(&self, how: &str) {
        let cure =
            "let the API server write it: with --client-ca-file and --requestheader-client-ca-file";
        let known = self.trust.borrow().clients.is_some() || self.trust.borrow().proxies.is_some();
        let then =
            if known { "what it said counts on" } else { "no client certificate is believed" };
        tracing::warn!(cure, "{how} ConfigMap {NAMESPACE}/{NAME}: {then}");
    }
}
