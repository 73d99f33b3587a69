//! Why a node or pod that exists has no metrics, for users who may read them. The reason for a pod
//! counts nodes and does not name them: a user who may read a namespace's metrics may have no
//! permission for nodes.

use std::time::Duration;

use k8s_text::duration;

use super::{Sources, resource::Kind};
use crate::{
    scrape::{NodeScrapes, counts},
    store::MissingUsage,
};

/// The reason, which follows `not found: `.
pub(super) fn not_found_reason(
    sources: &Sources,
    kind: Kind,
    namespace: Option<&str>,
    name: &str,
) -> String {
    match kind {
        Kind::Nodes => node(sources, name),
        Kind::Pods => pod(sources, namespace.unwrap_or_default(), name),
    }
}

fn node(sources: &Sources, name: &str) -> String {
    let scrapes = &sources.scrapes;
    let Some(state) = scrapes.of(name) else { return "it has not been scraped yet".to_owned() };
    let NodeScrapes { address, at, last_good, diagnosis, .. } = state;
    let ago = |moment| whole_seconds(scrapes.ago(moment));
    if let Some(diagnosis) = diagnosis {
        let to = if address.is_empty() { String::new() } else { format!(" of {address}") };
        let good = last_good.map_or_else(String::new, |moment| {
            format!("; the last good one was {} ago", ago(moment))
        });
        return format!("last scrape{to} failed {} ago: {}{good}", ago(at), diagnosis.text);
    }
    match sources.store.why_node_is_missing(name) {
        MissingUsage::Unreported => {
            format!(
                "last scrape of {address} {} ago reported no (or zero) CPU or memory usage for the node",
                ago(at)
            )
        }
        missing => say(sources, missing),
    }
}

fn pod(sources: &Sources, namespace: &str, name: &str) -> String {
    match sources.store.why_pod_is_missing(namespace, name) {
        MissingUsage::Unreported => {}
        missing => return say(sources, missing),
    }
    if let Some(out) = sources.scrapes.left_out(namespace, name) {
        return format!("its kubelet reported {} for container {:?}", out.reason, out.container);
    }
    match sources.scrapes.failing() {
        (0, _) => "no node has been scraped yet".to_owned(),
        (_, causes) if causes.is_empty() => "no kubelet reports it".to_owned(),
        (nodes, causes) => {
            let failing: usize = causes.values().sum();
            format!(
                "no kubelet that could be scraped reports it, and {failing} of {nodes} could not: {}",
                counts(&causes)
            )
        }
    }
}

fn say(sources: &Sources, missing: MissingUsage) -> String {
    match missing {
        MissingUsage::Unreported => "it is not reported".to_owned(),
        MissingUsage::OneSample { container, at } => {
            let of = container.map_or_else(String::new, |name| format!(" of container {name:?}"));
            let at = at.map_or_else(String::new, |moment| {
                format!(", measured {} ago", whole_seconds(sources.scrapes.ago(moment)))
            });
            format!("there is only one sample{of} yet{at}, and usage takes two")
        }
        MissingUsage::Unusable(error) => error.to_string(),
        MissingUsage::None => "its usage became known only now, ask again".to_owned(),
    }
}

fn whole_seconds(time: Duration) -> String {
    duration::format(Duration::from_secs(time.as_secs()))
}
