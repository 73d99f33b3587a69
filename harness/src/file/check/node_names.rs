//! Names of nodes in steps.

use std::collections::BTreeSet;

use cluster_format::{
    Location, Mistake,
    suggest::{list, nearest, quote},
};

use super::super::filter::fits;

/// Reports the name of a node that never exists.
pub(super) fn check_node_exists(
    name: &str,
    place: &Location,
    nodes: Option<&BTreeSet<String>>,
    mistakes: &mut Vec<Mistake>,
) {
    let exists = |nodes: &&BTreeSet<String>| nodes.iter().any(|node| fits(name, node));
    let Some(nodes) = nodes.filter(|nodes| !nodes.contains(name) && !exists(nodes)) else {
        return;
    };
    let mistake = Mistake::at(place, format!("there is no node {}", quote(name)));
    let few = nodes.len() <= 10;
    mistakes.push(match nearest(name, nodes.iter().map(String::as_str)) {
        Some(near) => mistake.help(format!("did you mean {}?", quote(near))),
        None if nodes.is_empty() => mistake.help("describe it in \"nodes\""),
        None if few => {
            let all = list(nodes.iter().map(String::as_str), "and");
            mistake.help(format!("the nodes are {all}"))
        }
        None => mistake.help("describe it in \"nodes\", or name one of those"),
    });
}
