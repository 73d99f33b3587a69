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
    cluster::{Node, PodKey, RunningPod},
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
    Pods(vec::IntoIter<(PodKey, RunningPod)>),
}

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
            Resource::Pods => Rest::Pods(sources.cluster.pods(namespace).into_iter()),
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
                Rest::Pods(vec![pod.ok_or_else(missing)?].into_iter())
            }
        };
        Ok(Self {
            store: sources.store.clone(),
            options: ListOptions::default(),
            served: sources.served.clone(),
            rest,
        })
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
                let Some(((namespace, name), pod)) = pods.next() else { return false };
                if options.selects(&name, Some(&namespace), &pod.labels)
                    && let Some(usage) = store.pod_on(pod.node.as_deref(), &namespace, &name)
                {
                    if let Some(span) = usage.span {
                        served(span.end);
                    }
                    visit(&Item {
                        name: &name,
                        namespace: Some(&namespace),
                        labels: &pod.labels,
                        span: usage.span,
                        used: Used::Pod(&usage.containers),
                    });
                }
            }
        }
        true
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
