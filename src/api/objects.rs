//! The nodes and pods of a response, with their usage from the store.

use std::{sync::Arc, vec};

use apiserver::{ListOptions, Object, ObjectMeta, Objects};
use jiff::Timestamp;

use super::{
    Served, Sources,
    item::{Buffers, Item, ItemUsage},
    resource::Kind,
};
use crate::{
    cluster::{Cluster, Node, PodKey, RunningPod},
    store::Store,
};

/// Objects of one resource that have not been looked at yet. What they use is looked up one by
/// one, so that a long list neither holds up the scraper nor needs a copy of the store.
pub(super) struct Metrics {
    store: Arc<Store>,
    /// When the objects of this response were created: now, as in the Go server.
    created: Timestamp,
    buffers: Buffers,
    options: ListOptions,
    served: Served,
    rest: Rest,
}

enum Rest {
    Nodes(vec::IntoIter<Arc<Node>>),
    Pods(Pods),
}

/// Pods, a page at a time, so that a client that reads a long list slowly does not keep a copy of
/// it.
struct Pods {
    cluster: Arc<Cluster>,
    namespace: Option<String>,
    page: vec::IntoIter<(PodKey, RunningPod)>,
    /// The last one of the page; `None` when there is no page after it.
    last: Option<PodKey>,
}

/// How many objects are filtered before the task yields, where filtering is the only work.
const LOOKS: usize = 512;

/// How many pods a page has.
const PAGE: usize = 256;

// === impl Metrics ===

impl Metrics {
    /// Those that `options` select.
    pub(super) fn list(
        sources: &Sources,
        kind: Kind,
        namespace: Option<&str>,
        options: ListOptions,
    ) -> Self {
        let rest = match kind {
            Kind::Nodes => Rest::Nodes(sources.cluster.nodes().into_iter()),
            Kind::Pods => Rest::Pods(Pods::of(sources.cluster.clone(), namespace)),
        };
        Self::new(sources, options, rest)
    }

    /// Just one, with or without usage; `None` when there is none.
    pub(super) fn one(
        sources: &Sources,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<Self> {
        let rest = match kind {
            Kind::Nodes => Rest::Nodes(vec![sources.cluster.node(name)?].into_iter()),
            Kind::Pods => {
                let pod = sources.cluster.pod(namespace.unwrap_or_default(), name)?;
                Rest::Pods(Pods::one(sources.cluster.clone(), pod))
            }
        };
        Some(Self::new(sources, ListOptions::default(), rest))
    }

    fn new(sources: &Sources, options: ListOptions, rest: Rest) -> Self {
        Self {
            store: sources.store.clone(),
            created: sources.clock.now(),
            buffers: Buffers::default(),
            options,
            served: sources.served.clone(),
            rest,
        }
    }
}

impl Objects for Metrics {
    /// Fewer for a selector with thousands of requirements, each of which takes as long as a label
    /// takes to be found.
    fn batch(&self) -> usize {
        (LOOKS / (1 + self.options.requirements() / 8)).max(1)
    }

    fn next(&mut self, visit: &mut dyn FnMut(&mut dyn Object)) -> bool {
        let Self { store, created, buffers, options, served, rest } = self;
        let created = *created;
        match rest {
            Rest::Nodes(nodes) => {
                let Some(node) = nodes.next() else { return false };
                if options.selects(&node.name, None, &node.labels)
                    && let Some(usage) = store.node(&node.name)
                {
                    served(usage.span.end);
                    let (name, labels) = (&*node.name, &node.labels);
                    visit(&mut Item {
                        metadata: ObjectMeta { name, namespace: None, labels, created },
                        span: Some(usage.span),
                        usage: ItemUsage::Node(usage.usage),
                        buffers,
                    });
                }
            }
            Rest::Pods(pods) => {
                let Some(((namespace, name), pod)) = pods.next() else { return false };
                if options.selects(&name, Some(&namespace), &pod.labels)
                    && let Some(usage) = store.pod_on(pod.node.as_deref(), &namespace, &name)
                {
                    if let Some(span) = usage.span {
                        served(span.end);
                    }
                    let (name, namespace, labels) = (&*name, Some(&*namespace), &*pod.labels);
                    visit(&mut Item {
                        metadata: ObjectMeta { name, namespace, labels, created },
                        span: usage.span,
                        usage: ItemUsage::Pod(&usage.containers),
                        buffers,
                    });
                }
            }
        }
        true
    }
}

// === impl Pods ===

impl Pods {
    fn of(cluster: Arc<Cluster>, namespace: Option<&str>) -> Self {
        let page = cluster.pods_after(namespace, None, PAGE);
        let mut pods = Self {
            cluster,
            namespace: namespace.map(str::to_owned),
            page: vec![].into_iter(),
            last: None,
        };
        pods.turn_to(page);
        pods
    }

    fn one(cluster: Arc<Cluster>, pod: (PodKey, RunningPod)) -> Self {
        Self { cluster, namespace: None, page: vec![pod].into_iter(), last: None }
    }

    fn turn_to(&mut self, page: Vec<(PodKey, RunningPod)>) {
        let is_full = page.len() == PAGE;
        self.last = page.last().filter(|_| is_full).map(|(key, _)| key.clone());
        self.page = page.into_iter();
    }
}

impl Iterator for Pods {
    type Item = (PodKey, RunningPod);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(pod) = self.page.next() {
            return Some(pod);
        }
        let last = self.last.take()?;
        let page = self.cluster.pods_after(self.namespace.as_deref(), Some(&last), PAGE);
        self.turn_to(page);
        self.page.next()
    }
}
