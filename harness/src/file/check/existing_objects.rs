//! Which nodes, pods and containers exist when a step begins: a step that changes one that does not
//! exist, or adds one that does, is a mistake.

use std::collections::BTreeMap;

use cluster_format::{
    Location, Mistake, YamlNode, numbered,
    suggest::{list, nearest, quote},
};

use super::super::{
    filter::fits,
    format::{Change, ExpectationFields, Node, NodeChange, Pod, Step},
};

/// More names than this are not worth a list in a message.
const MOST_LISTED: usize = 10;

/// The containers of pods, by `namespace/name`.
type Pods = BTreeMap<String, Vec<String>>;

/// The pods of nodes, by the node's name.
struct ExistingObjects(BTreeMap<String, Pods>);

/// Reports changes of objects that do not exist, and additions of objects that do.
pub(super) fn check(
    nodes: &[Node],
    steps: &[Step<ExpectationFields>],
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) {
    let mentions = |change: &NodeChange| {
        !(change.containers.is_empty()
            && change.remove_pods.is_empty()
            && change.add_pods.is_empty())
    };
    let speaks = |change: &Change| !change.add.is_empty() || change.nodes.values().any(mentions);
    // Templates can make very many objects: they are only listed where a step changes some.
    if !steps.iter().filter_map(|step| step.change.as_ref()).any(speaks) {
        return;
    }
    let mut existing = ExistingObjects(BTreeMap::new());
    for node in nodes {
        existing.add(node);
    }
    for (index, step) in steps.iter().enumerate() {
        let Some(change) = &step.change else { continue };
        let at = at.item(index).field("change");
        for (number, node) in change.add.iter().enumerate() {
            let place = &at.field("add").item(number).field("name").location;
            if let Some(name) = existing.add(node) {
                mistakes.push(
                    Mistake::at(place, format!("there is a node {} already", quote(&name))).help(
                        "give it a name of its own, or remove the other one in a step before",
                    ),
                );
            }
        }
        for (pattern, change) in &change.nodes {
            existing.change(pattern, change, at.field("nodes").field(pattern), mistakes);
        }
    }
}

// === impl ExistingObjects ===

impl ExistingObjects {
    /// Takes in all nodes of a template; returns the name of one that was there before.
    fn add(&mut self, node: &Node) -> Option<String> {
        let mut before = None;
        for number in 0..node.count.unwrap_or(1) {
            let name = numbered(&node.name, node.count, number).into_owned();
            let pods = node.pods.iter().flat_map(|pod| pods_of(pod, node.count, number)).collect();
            if self.0.insert(name.clone(), pods).is_some() {
                before.get_or_insert(name);
            }
        }
        before
    }

    fn change(
        &mut self,
        pattern: &str,
        change: &NodeChange,
        at: &YamlNode,
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut nodes: Vec<(&String, &mut Pods)> =
            self.0.iter_mut().filter(|(name, _)| fits(pattern, name)).collect();
        // That there is no such node is reported elsewhere.
        if nodes.is_empty() {
            return;
        }
        for path in change.containers.keys().filter(|path| path.split('/').count() == 3) {
            let known: Vec<String> = nodes
                .iter()
                .flat_map(|(_, pods)| pods.iter())
                .flat_map(|(pod, containers)| containers.iter().map(move |c| format!("{pod}/{c}")))
                .collect();
            if !known.contains(path) {
                let place = at.field("containers").field(path).key_place();
                mistakes.push(missing("container", path, pattern, &known, place));
            }
        }
        for (index, pod) in change.remove_pods.iter().enumerate() {
            let known: Vec<String> =
                nodes.iter().flat_map(|(_, pods)| pods.keys().cloned()).collect();
            if !known.contains(pod) {
                let place = &at.field("removePods").item(index).location;
                mistakes.push(missing("pod", pod, pattern, &known, place));
            }
            for (_, pods) in &mut nodes {
                pods.remove(pod);
            }
        }
        for (index, pod) in change.add_pods.iter().enumerate() {
            let place = &at.field("addPods").item(index).field("name").location;
            for (node, pods) in &mut nodes {
                for (name, containers) in pods_of(pod, None, 0) {
                    if pods.insert(name.clone(), containers).is_some() {
                        let (name, node) = (quote(&name), quote(node));
                        mistakes.push(
                            Mistake::at(place, format!("{node} has a pod {name} already"))
                                .help("name it in \"removePods\" too if it is to be replaced"),
                        );
                    }
                }
            }
        }
        if change.removed {
            self.0.retain(|name, _| !fits(pattern, name));
        }
    }
}

/// The pods that a template makes on the node with this number, each with its containers.
fn pods_of(
    pod: &Pod,
    nodes: Option<u32>,
    node: u32,
) -> impl Iterator<Item = (String, Vec<String>)> {
    let number = move |name: &str| numbered(name, nodes, node).into_owned();
    let containers: Vec<_> =
        pod.containers.iter().map(|container| number(&container.name)).collect();
    let namespace = pod.namespace.as_deref().unwrap_or("default");
    let name = format!("{}/{}", number(namespace), number(&pod.name));
    let count = pod.count;
    (0..count.unwrap_or(1)).map(move |p| {
        let name = if count.is_some() { name.replace("{p}", &p.to_string()) } else { name.clone() };
        (name, containers.clone())
    })
}

fn missing(what: &str, name: &str, node: &str, known: &[String], place: &Location) -> Mistake {
    let mistake = Mistake::at(place, format!("{} has no {what} {} then", quote(node), quote(name)));
    let names = known.iter().map(String::as_str);
    match nearest(name, names.clone()) {
        Some(near) => mistake.help(format!("did you mean {}?", quote(near))),
        None if known.is_empty() => {
            mistake.help(format!("it has no {what}s at all: add one before"))
        }
        None if known.len() <= MOST_LISTED => {
            mistake.help(format!("it has {}", list(names, "and")))
        }
        None => mistake.help("name one of those that it has"),
    }
}
