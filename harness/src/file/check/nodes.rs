//! Nodes of a scenario: rules besides those of every cluster file.

use std::{collections::BTreeSet, path::Path};

use cluster_format::{
    Kubelet, Mistake, Node, YamlNode,
    check::{self, zero},
};

/// Checks all nodes. Returns their names, unless there are too many.
pub(super) fn check(
    nodes: &[Node],
    at: &YamlNode,
    folder: &Path,
    mistakes: &mut Vec<Mistake>,
) -> Option<BTreeSet<String>> {
    for (index, node) in nodes.iter().enumerate() {
        check_kubelet(&node.kubelet, at.item(index), mistakes);
    }
    let names = check::check_nodes(nodes, at, folder, mistakes);
    check::check_listeners(nodes, at, mistakes);
    names
}

/// Checks a node that a step adds.
pub(super) fn check_node(node: &Node, at: &YamlNode, folder: &Path, mistakes: &mut Vec<Mistake>) {
    check_kubelet(&node.kubelet, at, mistakes);
    check::check_node(node, at, folder, mistakes);
}

/// The expected usage is only known for samples that are taken by themselves.
fn check_kubelet(kubelet: &Kubelet, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if kubelet.sampling.is_some_and(|sampling| sampling.every.0.is_zero()) {
        let help = "write how long it is from one sample to the next, such as 10s";
        mistakes.push(zero("every", help, at.field("kubelet").field("sampling")));
    }
}
