//! The pods that are bound to the fleet's nodes by any client: each is reported as running, has the
//! usage of its node's configuration or of its annotations, and is removed when it is deleted.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    runtime::{
        WatchStreamExt,
        watcher::{Config, Event, watcher},
    },
};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    CONCURRENCY, NodeController,
    api_error::{message, watch_message},
    is_gone, namespaced, objects, usage,
};
use crate::{
    node,
    spec::Sources,
    usage::{Usage, UsageSchedule},
};

/// How long until something that failed is tried again, at first and at most.
const RETRIES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

type Key = (String, String);

struct PodController {
    controller: Arc<NodeController>,
    /// Pods that run.
    running: BTreeMap<Key, RunningPod>,
    /// Pods whose status is being set, by uid.
    starting: BTreeMap<String, Ipv4Addr>,
    addresses: BTreeSet<Ipv4Addr>,
    under_way: JoinSet<()>,
}

/// A request about a pod.
enum Task {
    /// Sets the status of a pod that runs.
    Start(Box<PodStatus>),
    /// Deletes the object of a pod that has ended.
    Delete,
}

struct RunningPod {
    uid: String,
    node: String,
    ip: Option<Ipv4Addr>,
    schedules: Vec<UsageSchedule>,
}

/// Watches the pods of the cluster. Never ends.
pub(super) async fn run(controller: &Arc<NodeController>) {
    let all: Api<Pod> = Api::all(controller.client.clone());
    let config = Config::default().fields("spec.nodeName!=");
    let watch = || watcher(all.clone(), config.clone()).default_backoff().boxed();
    let mut events = watch();
    let mut pods = PodController {
        controller: Arc::clone(controller),
        running: BTreeMap::new(),
        starting: BTreeMap::new(),
        addresses: BTreeSet::new(),
        under_way: JoinSet::new(),
    };
    let mut listed = BTreeSet::new();
    loop {
        let event = tokio::select! {
            event = events.try_next() => event,
            // Pods of unknown nodes may be on nodes of this fleet now.
            () = controller.changed.notified() => {
                events = watch();
                continue;
            }
        };
        match event {
            Ok(Some(Event::Init)) => listed.clear(),
            Ok(Some(Event::InitApply(pod))) => {
                listed.insert(key(&pod));
                pods.sync(&pod).await;
            }
            Ok(Some(Event::InitDone)) => {
                let gone: Vec<_> =
                    pods.running.keys().filter(|key| !listed.contains(*key)).cloned().collect();
                for key in &gone {
                    pods.stop(key);
                }
            }
            Ok(Some(Event::Apply(pod))) => pods.sync(&pod).await,
            Ok(Some(Event::Delete(pod))) => {
                pods.starting.remove(&pod.uid().unwrap_or_default());
                pods.stop(&key(&pod));
            }
            // The watcher retries.
            Err(error) => {
                tracing::warn!(err = %watch_message(&error), "Failed to watch pods, will retry");
            }
            Ok(None) => return,
        }
    }
}

fn key(pod: &Pod) -> Key {
    (pod.namespace().unwrap_or_default(), pod.name_any())
}

// === impl PodController ===

impl PodController {
    async fn sync(&mut self, pod: &Pod) {
        while self.under_way.try_join_next().is_some() {}
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        let Some(cluster_node) = self.controller.node(&node) else { return };
        let host = cluster_node.address;
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let over = matches!(phase, Some("Succeeded" | "Failed"));
        if pod.metadata.deletion_timestamp.is_some() {
            self.stop(&key(pod));
            self.start_task(pod, Task::Delete).await;
        } else if over {
            self.stop(&key(pod));
        } else if phase == Some("Running") {
            self.run(pod, &node);
        } else {
            let uid = pod.uid().unwrap_or_default();
            if self.starting.contains_key(&uid) {
                return;
            }
            let ip = self.free_address();
            self.starting.insert(uid, ip);
            let status = objects::running(pod, host, ip, self.controller.clock.now());
            self.start_task(pod, Task::Start(Box::new(status))).await;
        }
    }

    async fn start_task(&mut self, pod: &Pod, task: Task) {
        while self.under_way.len() >= CONCURRENCY {
            self.under_way.join_next().await;
        }
        self.under_way.spawn(send(Arc::clone(&self.controller), pod.clone(), task));
    }

    /// Adds the pod to its node's kubelet, or changes its usage.
    fn run(&mut self, pod: &Pod, node: &str) {
        let Some(kubelet) = self.controller.fleet.get(node) else { return };
        let (key, uid) = (key(pod), pod.uid().unwrap_or_default());
        self.starting.remove(&uid);
        let names = containers(pod);
        let schedules: Vec<_> = names.iter().map(|name| self.schedule(pod, node, name)).collect();
        let (namespace, name) = (key.0.as_str(), key.1.as_str());
        if let Some(known) = self.running.get_mut(&key)
            && known.uid == uid
            && known.schedules.len() == schedules.len()
        {
            for ((container, old), new) in names.iter().zip(&known.schedules).zip(&schedules) {
                if old != new {
                    kubelet.set_container_usage(namespace, name, container, new.clone());
                }
            }
            known.schedules = schedules;
            return;
        }
        self.stop(&key);
        let now = self.controller.clock.now();
        let container = |(name, schedule): (&String, &UsageSchedule)| {
            let started = started(pod, name).unwrap_or(now).min(now);
            let usage = Usage::following(started, started, schedule);
            node::Container { name: name.as_str().into(), usage }
        };
        kubelet.add_pod(node::Pod {
            namespace: key.0.as_str().into(),
            name: key.1.as_str().into(),
            containers: names.iter().zip(&schedules).map(container).collect(),
        });
        let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_ref()?.parse().ok());
        self.addresses.extend(ip);
        self.running.insert(key, RunningPod { uid, node: node.to_owned(), ip, schedules });
    }

    fn stop(&mut self, key: &Key) {
        let Some(known) = self.running.remove(key) else { return };
        if let Some(ip) = known.ip {
            self.addresses.remove(&ip);
        }
        if let Some(kubelet) = self.controller.fleet.get(&known.node) {
            kubelet.remove_pod(&key.0, &key.1);
        }
    }

    fn schedule(&self, pod: &Pod, node: &str, container: &str) -> UsageSchedule {
        let (namespace, name) = key(pod);
        let controller = &self.controller;
        let node = controller.node(node);
        let config = node.as_deref().and_then(|node| {
            let mut pods = node.config.node.pods.iter();
            pods.find(|pod| pod.namespace() == namespace && pod.name == name)
        });
        let warn = |reason: String| {
            tracing::warn!(namespace, pod = name, container, err = %reason, "Failed to apply usage of a pod's annotations");
        };
        let sources =
            Sources { folder: &controller.folder, seed: 0, start: controller.clock.now() };
        let path = (namespace.as_str(), name.as_str(), container);
        usage::schedule((config, sources), pod.annotations(), path, warn)
    }

    fn free_address(&mut self) -> Ipv4Addr {
        let mut ip = self.addresses.last().copied().map_or(self.controller.first_pod_ip, |last| {
            Ipv4Addr::from(u32::from(last).wrapping_add(1))
        });
        // Other pods may have taken it.
        while !self.addresses.insert(ip) {
            ip = Ipv4Addr::from(u32::from(ip).wrapping_add(1));
        }
        ip
    }
}

fn containers(pod: &Pod) -> Vec<String> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let sidecars = spec.init_containers.iter().flatten().filter(|c| objects::is_sidecar(c));
    spec.containers.iter().chain(sidecars).map(|container| container.name.clone()).collect()
}

fn started(pod: &Pod, container: &str) -> Option<Timestamp> {
    let status = pod.status.as_ref()?;
    let all = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let mut own = all.filter(|status| status.name == container);
    let running = own.next()?.state.as_ref()?.running.as_ref()?;
    running.started_at.as_ref().map(|time| time.0)
}

/// Sends the request, with retries.
async fn send(controller: Arc<NodeController>, pod: Pod, task: Task) {
    let api: Api<Pod> = namespaced(&controller.client, &pod);
    let (namespace, name) = key(&pod);
    for pause in RETRIES {
        let done = match &task {
            Task::Start(status) => {
                let patch = Patch::Merge(json!({"metadata": {"uid": pod.uid()}, "status": status}));
                api.patch_status(&name, &PatchParams::default(), &patch).await.map(drop)
            }
            Task::Delete => {
                let params = DeleteParams {
                    grace_period_seconds: Some(0),
                    preconditions: Some(Preconditions { uid: pod.uid(), resource_version: None }),
                    ..DeleteParams::default()
                };
                api.delete(&name, &params).await.map(drop)
            }
        };
        match done {
            Ok(()) => return,
            Err(error) if is_gone(&error) => return,
            Err(error) => {
                tracing::warn!(namespace, pod = name, err = %message(&error), "Failed to update or delete pod");
            }
        }
        tokio::time::sleep(pause).await;
    }
}
