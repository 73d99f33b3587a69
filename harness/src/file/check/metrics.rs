//! The metrics of metrics servers, so that a slip in a name is found: a metric that is not there
//! never changes.

use cluster_format::{
    Mistake, YamlNode,
    suggest::{list, nearest, quote},
};

use super::super::format::ExpectationFields;
use crate::expect::metric::name_and_labels;

/// How the names of a metrics server's own metrics begin.
const PREFIX: &str = "metrics_server_";

/// What the libraries of a metrics server count: these names are not checked any further.
const OF_LIBRARIES: [&str; 9] = [
    "aggregator_",
    "apiserver_",
    "authentication_",
    "authorization_",
    "disabled_metrics_",
    "go_",
    "process_",
    "rest_client_",
    "workqueue_",
];

/// What a histogram's name may end with.
const HISTOGRAM: [&str; 3] = ["_bucket", "_count", "_sum"];

/// The families of this project's metrics server, which include those of the Go server, with their
/// labels. A test holds them against the server's source.
pub(super) const FAMILIES: [(&str, &[&str]); 18] = [
    ("metrics_server_api_metric_freshness_seconds", &["le"]),
    ("metrics_server_connections_closed_total", &["reason"]),
    ("metrics_server_file_reload_failures_total", &["file"]),
    ("metrics_server_kubelet_address_fallbacks_total", &["cause"]),
    ("metrics_server_kubelet_bad_lines_total", &["cause"]),
    ("metrics_server_kubelet_bodies_most_bytes", &[]),
    ("metrics_server_kubelet_last_request_time_seconds", &["node"]),
    ("metrics_server_kubelet_request_duration_seconds", &["node", "le"]),
    ("metrics_server_kubelet_request_total", &["success"]),
    ("metrics_server_kubelet_scrape_failures_total", &["cause"]),
    ("metrics_server_log_lines_dropped_total", &[]),
    ("metrics_server_manager_tick_duration_seconds", &["le"]),
    ("metrics_server_panics_total", &["task"]),
    ("metrics_server_requests_cut_off_total", &["reason"]),
    ("metrics_server_storage_points", &["type"]),
    ("metrics_server_storage_pods_dropped_total", &["cause"]),
    ("metrics_server_storage_usage_dropped_total", &["cause"]),
    ("metrics_server_tls_handshake_failures_total", &["cause"]),
];

/// Reports an expectation that a metric does not change where no metrics server has that metric.
pub(super) fn check(expectation: &ExpectationFields, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let (Some(metric), Some(0.0)) = (&expectation.metric, expectation.changed_by) else { return };
    let bounds = [expectation.is, expectation.at_least, expectation.at_most];
    let Some((name, labels)) = name_and_labels(metric) else { return };
    if bounds.iter().any(Option::is_some) || OF_LIBRARIES.iter().any(|it| name.starts_with(it)) {
        return;
    }
    let place = &at.field("metric").location;
    let is_family = |family: &str| {
        name == family
            || family.ends_with("_seconds")
                && name.strip_prefix(family).is_some_and(|end| HISTOGRAM.contains(&end))
    };
    let Some((_, known)) = FAMILIES.iter().find(|(family, _)| is_family(family)) else {
        let message = format!("no metrics server has the metric {}: it never changes", quote(name));
        let help = match nearest(name, FAMILIES.iter().map(|(family, _)| *family)) {
            Some(near) => format!("did you mean {}?", quote(near)),
            None => format!("name one of its own, which begin with {}", quote(PREFIX)),
        };
        mistakes.push(Mistake::at(place, message).help(help));
        return;
    };
    for label in labels.into_iter().filter(|label| !known.contains(label)) {
        let message = format!("{} has no label {}: it never changes", quote(name), quote(label));
        let help = match known {
            [] => "leave the labels out".to_owned(),
            known => format!("it has {}", list(known.iter().copied(), "and")),
        };
        mistakes.push(Mistake::at(place, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Families are registered by their names, which stand in the source as texts.
    #[test]
    fn the_families_are_those_of_the_server() {
        let mut named = BTreeSet::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(path).unwrap();
                    let texts = text.split('"').filter(|text| text.starts_with(PREFIX));
                    let families = texts.filter(|text| !text.contains(['{', ' ', '\n']));
                    named.extend(families.map(str::to_owned));
                }
            }
        }
        named.remove(PREFIX);
        let known: BTreeSet<_> = FAMILIES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(known, named);
    }
}
