//! Labels, annotations, taints and amounts as Kubernetes allows them: the API server would refuse
//! nodes and pods one after the other.

use std::collections::BTreeMap;

use cluster_format::{
    Location, Mistake, YamlNode,
    suggest::{did_you_mean, quote},
};
use k8s_text::{
    quantity::Quantity,
    selector::{key_errors, value_errors},
};

use super::FleetNode;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// The bytes of all annotations of an object: Kubernetes' `TotalAnnotationSizeLimitB`.
const MOST_ANNOTATED: usize = 256 << 10;

/// Checks what a node's object, and those of its pods, are created with.
pub(super) fn check_node(node: &FleetNode, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    check_labels(&node.node.labels, at.field("labels"), mistakes);
    check_annotations(&node.node.annotations, at.field("annotations"), mistakes);
    for (index, taint) in node.host.taints.iter().flatten().enumerate() {
        let at = at.field("taints").item(index);
        let place = &at.field("key").location;
        report(&taint.key, "key of a taint", key_errors(&taint.key), place, mistakes);
        let value = taint.value.as_deref().unwrap_or_default();
        let place = &at.field("value").location;
        report(value, "value of a taint", value_errors(value), place, mistakes);
        if !EFFECTS.contains(&taint.effect.as_str()) {
            let message = format!("{} is not an effect of a taint", quote(&taint.effect));
            let help = did_you_mean(&taint.effect, "known effects", EFFECTS);
            mistakes.push(Mistake::at(&at.field("effect").location, message).help(help));
        }
    }
    for (name, amount) in node.host.capacity.iter().flatten() {
        let place = &at.field("capacity").field(name).location;
        if let Err(error) = amount.parse::<Quantity>() {
            let message = format!("{} is not a quantity: {error}", quote(amount));
            mistakes.push(Mistake::at(place, message).help("write one such as 4, 500m or 16Gi"));
        }
    }
    for (index, pod) in node.node.pods.iter().enumerate() {
        let at = at.field("pods").item(index);
        check_labels(&pod.labels, at.field("labels"), mistakes);
    }
}

/// Checks the value of the label that all objects have.
pub(super) fn check_owner(owner: &str, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if owner.is_empty() {
        let empty = Mistake::at(&at.location, "the owner is empty");
        mistakes.push(empty.help("write one such as load-test"));
    }
    report(owner, "value of a label", value_errors(owner), &at.location, mistakes);
}

fn check_labels(labels: &BTreeMap<String, String>, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (key, value) in labels {
        let at = at.field(key);
        report(key, "key of a label", key_errors(key), at.key_place(), mistakes);
        report(value, "value of a label", value_errors(value), &at.location, mistakes);
    }
}

fn check_annotations(
    annotations: &BTreeMap<String, String>,
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) {
    for key in annotations.keys() {
        // Kubernetes allows upper-case letters in the prefix of an annotation.
        let errors = key_errors(&key.to_lowercase());
        report(key, "key of an annotation", errors, at.field(key).key_place(), mistakes);
    }
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > MOST_ANNOTATED {
        let message = format!("annotations of {bytes} bytes, of at most {MOST_ANNOTATED}");
        mistakes.push(Mistake::at(at.key_place(), message).help("write shorter ones"));
    }
}

/// Reports a text that Kubernetes would refuse, with the first of its reasons.
fn report(text: &str, what: &str, errors: Vec<String>, at: &Location, mistakes: &mut Vec<Mistake>) {
    if let Some(error) = errors.into_iter().next() {
        let message = format!("{} is not a {what}", quote(text));
        mistakes.push(Mistake::at(at, message).help(error));
    }
}
