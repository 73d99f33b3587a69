//! What the cluster says of whom to believe: `kube-system/extension-apiserver-authentication`,
//! which API servers write and keep up to date.

use std::{pin::pin, sync::Arc, time::Duration};

use futures::StreamExt;
use http::Uri;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::trust::{Trust, Wanted};
use crate::{
    cluster::{Backoff, explain, report},
    doors::Random,
};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "extension-apiserver-authentication";

/// How long an API server that cannot be reached is waited for at the start. The Go server does
/// not wait, is started again by the kubelet, and so does the same with more noise.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one answer is waited for.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Cures silence.
const REACH: &str = "check that the API server runs and can be reached from here";

/// Cures a refusal.
const READER: &str = "kubectl create rolebinding -n kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader --serviceaccount=YOUR_NS:YOUR_SA";

/// Why the cluster does not say whom to believe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to load configmap based request-header-client-ca-file: {reason}; {cure}")]
pub struct LookupError {
    reason: String,
    cure: &'static str,
}

/// Asks the cluster, and goes on listening.
pub(super) struct ClusterWord {
    client: Client,
    server: Uri,
    wanted: Wanted,
    trust: watch::Sender<Arc<Trust>>,
    random: Random,
}

// === impl ClusterWord ===

impl ClusterWord {
    pub(super) fn new(
        (client, server): (Client, Uri),
        wanted: Wanted,
        trust: watch::Sender<Arc<Trust>>,
        random: Random,
    ) -> Self {
        Self { client, server, wanted, trust, random }
    }

    /// Asks once, again for a while where the API server does not answer.
    pub(super) async fn look_up(&self) -> Result<(), LookupError> {
        let ends = Instant::now() + PATIENCE;
        for wait in Backoff::new(self.random.clone()) {
            let (failed, passes) = match timeout(ATTEMPT, self.maps().get_opt(NAME)).await {
                Ok(Ok(Some(map))) => {
                    self.learn(&map);
                    return Ok(());
                }
                Ok(Ok(None)) => {
                    self.missing("There is no");
                    return Ok(());
                }
                Ok(Err(error)) => (self.explain(&error), !matches!(error, kube::Error::Api(_))),
                Err(_) => (self.unanswered("context deadline exceeded", REACH), true),
            };
            if !passes || Instant::now() + wait > ends {
                return Err(failed);
            }
            let LookupError { reason, cure } = failed;
            tracing::warn!(err = %reason, cure, "Failed to look up whom to believe, will try again");
            sleep(wait).await;
        }
        Ok(())
    }

    /// Keeps up with what the cluster says, for good.
    pub(super) async fn follow(&self) {
        let only = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let events = watcher(self.maps(), only).backoff(Backoff::new(self.random.clone()));
        let mut events = pin!(events);
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::InitApply(map) | Event::Apply(map)) => self.learn(&map),
                Ok(Event::Delete(_)) => self.missing("There is no longer a"),
                Ok(Event::Init | Event::InitDone) => {}
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

    fn explain(&self, error: &kube::Error) -> LookupError {
        let (reason, cure) = explain(error, READER);
        match error {
            kube::Error::Api(_) => LookupError { reason, cure },
            _ => self.unanswered(&reason, cure),
        }
    }

    fn unanswered(&self, why: &str, cure: &'static str) -> LookupError {
        let server = self.server.to_string();
        let server = server.trim_end_matches('/');
        let asked = format!("{server}/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}");
        LookupError { reason: format!("Get \"{asked}\": {why}"), cure }
    }
}

// === impl LookupError ===

impl LookupError {
    /// Says that the server goes on all the same.
    pub(super) fn tolerate(&self) {
        let Self { reason, cure } = self;
        tracing::warn!(err = %reason, cure, "Error looking up in-cluster authentication configuration. Continuing without it: all requests may count as anonymous. To require it, set --authentication-tolerate-lookup-failure=false");
    }
}
