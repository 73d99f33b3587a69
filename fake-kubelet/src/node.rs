//! A node, its pods and what they use: the model that samples come from.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    exposition::{self, Order, Rows},
    sample::{ContainerSample, Measured, Measurements, NodeSample, PodSample},
    sampling::Sampling,
    usage::{Reading, Shape, Usage, UsageSchedule},
};

/// How long before an answer its containers were measured, at most, in milliseconds: as recorded.
const MOST_EARLIER: u64 = 15;

/// A node and the pods that run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    started: Timestamp,
    usage: Option<Usage>,
    pods: Vec<Pod>,
    /// The usage of removed pods, in nanoseconds of a core: the node's counter outlives them.
    gone: u64,
    /// In which order pods and containers are written.
    order: Order,
}

/// A running pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// What the containers of a pod use together.
#[derive(Default)]
struct Sum {
    running: usize,
    cpu: u64,
    memory: u64,
}

/// A running container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: Arc<str>,
    /// What it uses, from its start on.
    pub usage: Usage,
}

// === impl Node ===

impl Node {
    /// A node that uses what its containers use, or exactly `shape` since it started.
    pub fn new(started: Timestamp, shape: Option<Shape>, pods: Vec<Pod>) -> Self {
        let usage = shape.map(|shape| Usage::new(started, shape));
        let order = order(&pods);
        Self { started, usage, pods, gone: 0, order }
    }

    /// When it started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// The pods on it.
    pub fn pods(&self) -> &[Pod] {
        &self.pods
    }

    /// The node has this usage from `at` on, whatever its containers use. Its counter continues
    /// from its value then.
    pub fn set_usage(&mut self, at: Timestamp, schedule: impl Into<UsageSchedule>) {
        let at = at.max(self.started);
        let counter = self.cumulative_cpu(at);
        let schedule = schedule.into();
        match &mut self.usage {
            Some(usage) if usage.started() <= at => usage.follow(at, &schedule),
            usage => {
                let new = usage.insert(Usage::carrying(at, counter, schedule.base().clone()));
                new.follow(at, &schedule);
            }
        }
    }

    /// The node uses what its containers use from now on.
    pub(crate) fn end_usage(&mut self) {
        self.usage = None;
    }

    /// A container uses this from `at` on. False if there is no such container.
    pub fn set_container_usage(
        &mut self,
        (namespace, pod, container): (&str, &str, &str),
        at: Timestamp,
        schedule: impl Into<UsageSchedule>,
    ) -> bool {
        let found = self
            .pods
            .iter_mut()
            .filter(|p| &*p.namespace == namespace && &*p.name == pod)
            .flat_map(|p| &mut p.containers)
            .find(|c| &*c.name == container);
        match found {
            Some(container) => {
                container.usage.follow(at, &schedule.into());
                true
            }
            None => false,
        }
    }

    /// A pod runs from now on, in place of one of that name whose last sample was taken at `at`.
    pub fn add_pod(&mut self, at: Timestamp, pod: Pod) {
        self.remove_pod(at, &pod.namespace, &pod.name);
        self.pods.push(pod);
        self.order = order(&self.pods);
    }

    /// A pod whose last sample was taken at `at` runs no longer. False if there is no such pod.
    pub fn remove_pod(&mut self, at: Timestamp, namespace: &str, name: &str) -> bool {
        let same = |pod: &Pod| &*pod.namespace == namespace && &*pod.name == name;
        let Some(index) = self.pods.iter().position(same) else { return false };
        let pod = self.pods.remove(index);
        self.order = order(&self.pods);
        let used = pod.containers.iter().map(|container| container.usage.total_cpu(at));
        self.gone = used.fold(self.gone, u64::saturating_add);
        true
    }

    /// Whether its counter is full at a moment, as with [`Usage::is_full`].
    pub fn is_full(&self, at: Timestamp) -> bool {
        self.cumulative_cpu(at) == u64::MAX
    }

    /// What measuring at `at` yields. What has not started by then is not in it.
    pub fn sample(&self, at: Timestamp) -> NodeSample {
        if at < self.started {
            return NodeSample::default();
        }
        NodeSample {
            node: Measurements::at(at, self.cumulative_cpu(at), self.memory(at)),
            pods: self.pods.iter().filter_map(|pod| pod.sample(at)).collect(),
            failed: false,
        }
    }

    /// The sample at `now` of a kubelet that measures each object at its own time, as the recorded
    /// one does: the node and its pods one after another, containers at the request, and their swap
    /// last.
    pub(crate) fn sample_apart(&self, sampling: Sampling, now: Timestamp) -> NodeSample {
        let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let at = sampling.last(now);
        if at < self.started {
            return NodeSample::default();
        }
        NodeSample {
            node: Measurements::at(at, self.cumulative_cpu(at), self.memory(at)),
            pods: self.pods.iter().filter_map(|pod| pod.sample_apart(sampling, now)).collect(),
            failed: false,
        }
    }

    /// What measuring at `at` yields, as `/metrics/resource` has it: [`exposition::render`] of the
    /// sample, at a third of its cost.
    pub fn exposition(&self, at: Timestamp) -> Vec<u8> {
        if at < self.started {
            return exposition::render(&NodeSample::default()).into_bytes();
        }
        let mut rows = Rows::new(&self.order);
        let (mut cpu, mut memory) = (self.gone, 0_u64);
        for pod in &self.pods {
            rows.begin_pod(&pod.namespace, &pod.name);
            let mut sum = Sum::default();
            for container in &pod.containers {
                let Some(reading) = container.usage.reading(at) else {
                    rows.skip_container();
                    continue;
                };
                let started = Some(reading.started);
                let of = Measurements::at(at, reading.cpu, reading.memory);
                rows.add_container(&container.name, of, started, Some(Measured { value: 0, at }));
                sum.add(&reading);
            }
            if let Some(of) = sum.measured(at) {
                rows.pod_runs(of);
            }
            cpu = cpu.saturating_add(sum.cpu);
            memory = memory.saturating_add(sum.memory);
        }
        let node = match self.own_usage(at).and_then(|usage| usage.reading(at)) {
            Some(own) => Measurements::at(at, own.cpu, own.memory),
            None => Measurements::at(at, cpu, memory),
        };
        exposition::write(&rows, &node, false)
    }

    fn cumulative_cpu(&self, at: Timestamp) -> u64 {
        if let Some(usage) = self.own_usage(at) {
            return usage.cumulative_cpu(at);
        }
        let each = self.containers().map(|c| c.usage.total_cpu(at));
        each.fold(self.gone, u64::saturating_add)
    }

    fn memory(&self, at: Timestamp) -> u64 {
        match self.own_usage(at) {
            Some(usage) => usage.memory(at),
            None => self.containers().map(|c| c.usage.memory(at)).fold(0, u64::saturating_add),
        }
    }

    fn own_usage(&self, at: Timestamp) -> Option<&Usage> {
        self.usage.as_ref().filter(|usage| usage.started() <= at)
    }

    fn containers(&self) -> impl Iterator<Item = &Container> {
        self.pods.iter().flat_map(|pod| &pod.containers)
    }
}

/// The same for the same names in every run.
fn number(names: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    hasher.finish()
}

fn order(pods: &[Pod]) -> Order {
    Order::new(pods.iter().map(|pod| {
        let containers = pod.containers.iter().map(|container| &*container.name);
        (&*pod.namespace, &*pod.name, containers)
    }))
}

// === impl Sum ===

impl Sum {
    fn add(&mut self, reading: &Reading) {
        self.running += 1;
        self.cpu = self.cpu.saturating_add(reading.total_cpu);
        self.memory = self.memory.saturating_add(reading.memory);
    }

    /// `None` where nothing runs.
    fn measured(&self, at: Timestamp) -> Option<Measurements> {
        (self.running > 0).then(|| Measurements::at(at, self.cpu, self.memory))
    }
}

// === impl Pod ===

impl Pod {
    fn sample_apart(&self, sampling: Sampling, now: Timestamp) -> Option<PodSample> {
        let turn = sampling.last_turn(number((&self.namespace, &self.name)), now);
        let swap = Some(Measured { value: 0, at: now });
        let container = |container: &Container| {
            let moment = number((&self.namespace, &self.name, &container.name)) % MOST_EARLIER;
            let at = now - Duration::from_millis(1 + moment);
            let reading = container.usage.reading(at)?;
            Some(ContainerSample {
                name: Arc::clone(&container.name),
                started: Some(reading.started),
                container: Measurements {
                    swap,
                    ..Measurements::at(at, reading.cpu, reading.memory)
                },
                swap_limit: swap,
            })
        };
        let containers: Vec<_> = self.containers.iter().filter_map(container).collect();
        if containers.is_empty() {
            return None;
        }
        let mut sum = Sum::default();
        for reading in self.containers.iter().filter_map(|it| it.usage.reading(turn)) {
            sum.add(&reading);
        }
        Some(PodSample {
            namespace: Arc::clone(&self.namespace),
            name: Arc::clone(&self.name),
            // A pod that was not sampled since it started has no values of its own.
            pod: sum.measured(turn).unwrap_or_default(),
            containers,
        })
    }

    fn sample(&self, at: Timestamp) -> Option<PodSample> {
        let mut sum = Sum::default();
        let container = |container: &Container| {
            let reading = container.usage.reading(at)?;
            sum.add(&reading);
            Some(ContainerSample {
                name: Arc::clone(&container.name),
                started: Some(reading.started),
                container: Measurements::at(at, reading.cpu, reading.memory),
                swap_limit: Some(Measured { value: 0, at }),
            })
        };
        let containers = self.containers.iter().filter_map(container).collect();
        Some(PodSample {
            namespace: Arc::clone(&self.namespace),
            name: Arc::clone(&self.name),
            pod: sum.measured(at)?,
            containers,
        })
    }
}

#[cfg(test)]
mod tests;
