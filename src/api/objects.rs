//! The nodes and pods that an answer is about, with their usage from the store.

use std::{sync::Arc, vec};

use super::{
    Served, Sources,
    item::{Item, Used},
    options::ListOptions,
    resource::Resource,
    status::Failure,
};
use crate::{
    cluster::{Cluster, Node, PodKey, PodLabels},
    store::Store,
};

/// Objects of one resource that have not been looked at yet. What they use is looked up one by
/// one, so that a long list neither holds up the scraper nor needs a copy of the store.
pub(super) struct Objects {
    store: Arc<Store>,
    options: ListOptions,
    served: Served,
    rest: Rest,
}

enum Rest {
    Nodes(vec::IntoIter<Arc<Node>>),
    Pods(Pods),
}

/// Pods, a page at a time: whoever reads a long list slowly does not keep a copy of it.
struct Pods {
    cluster: Arc<Cluster>,
    namespace: Option<String>,
    page: vec::IntoIter<(PodKey, PodLabels)>,
    /// The last one of the page; `None` when there is no page after it.
    last: Option<PodKey>,
}

/// How many objects are looked at in one turn where that is all there is to do.
const LOOKS: usize = 512;

/// How many pods a page has.
const PAGE: usize = 256;

// === impl Objects ===

impl Objects {
    /// Those that `options` select.
    pub(super) fn list(
        sources: &Sources,
        resource: Resource,
        namespace: Option<&str>,
        options: ListOptions,
    ) -> Self {
        let rest = match resource {
            Resource::Nodes => Rest::Nodes(sources.cluster.nodes().into_iter()),
            Resource::Pods => Rest::Pods(Pods::of(sources.cluster.clone(), namespace)),
        };
        Self { store: sources.store.clone(), options, served: sources.served.clone(), rest }
    }

    /// Just one, with or without usage.
    pub(super) fn one(
        sources: &Sources,
        resource: Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Self, Failure> {
        let missing = || Failure::NoSuchObject { resource, name: name.to_owned() };
        let rest = match resource {
            Resource::Nodes => {
                Rest::Nodes(vec![sources.cluster.node(name).ok_or_else(missing)?].into_iter())
            }
            Resource::Pods => {
                let pod = sources.cluster.pod(namespace.unwrap_or_default(), name);
                Rest::Pods(Pods::one(sources.cluster.clone(), pod.ok_or_else(missing)?))
            }
        };
        Ok(Self {
            store: sources.store.clone(),
            options: ListOptions::default(),
            served: sources.served.clone(),
            rest,
        })
    }

    /// How many objects may be looked at before others get their turn: fewer for a selector with
    /// thousands of requirements, each of which takes as long as a label takes to be found.
    pub(super) fn looks(&self) -> usize {
        let requirements = self.options.fields.len() + self.options.labels.len();
        (LOOKS / (1 + requirements / 8)).max(1)
    }

    /// Looks at the next object, and shows it to `visit` if it is selected and its usage is known.
    /// False when there was none.
    pub(super) fn next(&mut self, visit: impl FnOnce(&Item<'_>)) -> bool {
        let Self { store, options, served, rest } = self;
        match rest {
            Rest::Nodes(nodes) => {
                let Some(node) = nodes.next() else { return false };
                if options.selects(&node.name, None, &node.labels)
                    && let Some(usage) = store.node(&node.name)
                {
                    served(usage.span.end);
                    visit(&Item {
                        name: &node.name,
                        namespace: None,
                        labels: &node.labels,
                        span: Some(usage.span),
                        used: Used::Node(usage.usage),
                    });
                }
            }
            Rest::Pods(pods) => {
                let Some(((namespace, name), labels)) = pods.next() else { return false };
                if options.selects(&name, Some(&namespace), &labels)
                    && let Some(usage) = store.pod(&namespace, &name)
                {
                    if let Some(span) = usage.span {
                        served(span.end);
                    }
                    visit(&Item {
                        name: &name,
                        namespace: Some(&namespace),
                        labels: &labels,
                        span: usage.span,
                        used: Used::Pod(&usage.containers),
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

    fn one(cluster: Arc<Cluster>, pod: (PodKey, PodLabels)) -> Self {
        Self { cluster, namespace: None, page: vec![pod].into_iter(), last: None }
    }

    fn turn_to(&mut self, page: Vec<(PodKey, PodLabels)>) {
        let is_full = page.len() == PAGE;
        self.last = page.last().filter(|_| is_full).map(|(key, _)| key.clone());
        self.page = page.into_iter();
    }
}

impl Iterator for Pods {
    type Item = (PodKey, PodLabels);

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

// === impl ListOptions ===

impl ListOptions {
    fn selects(
        &self,
        name: &str,
        namespace: Option<&str>,
        labels: &std::collections::BTreeMap<String, String>,
    ) -> bool {
        self.fields.matches(name, namespace) && self.labels.matches(labels)
    }
}
