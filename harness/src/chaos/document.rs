//! The scenario file of a plan, with the laws as its expectations: what is wrong must be logged and
//! not be served, what is well must be served, and when all is well again everything is, exactly.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::plan::{Action, FAULTS, NodePlan, Plan, PodPlan, StepPlan};

/// How long it may take until all is known again after a fault of the API server. A watch that says
/// nothing any more looks like one with nothing to say: its own `timeoutSeconds`, which is 290, ends it.
const AFTER_API_SERVER: &str = "6m";

/// The fault with which a kubelet reports that there is nothing, which replaces what was known.
const EMPTY_SAMPLE: &str = "body: OnlyScrapeError";

const API: &str = "/apis/metrics.k8s.io/v1beta1";

/// The cluster as it is when a step begins.
struct State<'a> {
    plan: &'a Plan,
    nodes: BTreeMap<u32, NodePlan>,
}

/// The changes of one step.
#[derive(Default)]
struct Changes {
    /// By node.
    fields: BTreeMap<u32, Vec<String>>,
    added: Vec<NodePlan>,
    started: BTreeMap<u32, Vec<PodPlan>>,
    ended: BTreeMap<u32, Vec<u32>>,
    /// Nodes that are in a state that is not certain until all is well again.
    touched: BTreeSet<u32>,
    /// Nodes that cannot be scraped, by their fault.
    failing: BTreeMap<u32, usize>,
    dns: BTreeMap<u32, &'static str>,
    /// CPU and memory of nodes from now on.
    used: BTreeMap<u32, (u32, u32)>,
    gone: BTreeSet<u32>,
    api_server: Option<&'static str>,
    api_fault: Option<&'static str>,
}

/// Writes the scenario of a plan.
pub(super) fn write(plan: &Plan) -> String {
    let mut state =
        State { plan, nodes: plan.nodes.iter().map(|node| (node.number, node.clone())).collect() };
    let mut text = state.head();
    text += "    - name: all is well\n      wait: {cycles: 2}\n";
    text += &state.well(None);
    for (index, step) in plan.steps.iter().enumerate() {
        state.step(index + 1, step, &mut text);
    }
    text
}

// === impl State ===

impl State<'_> {
    fn head(&self) -> String {
        let plan = self.plan;
        let verify = if plan.verify {
            "'--kubelet-certificate-authority=${clusterCA}'"
        } else {
            "--kubelet-insecure-tls"
        };
        let fallback = if plan.fallback { ", --kubelet-address-fallback" } else { "" };
        let nodes: Vec<_> = self.nodes.values().map(|node| self.node(node)).collect();
        let nodes = nodes.iter().fold(String::new(), |text, node| text + "    - " + node + "\n");
        let named: Vec<_> = self.nodes.values().filter(|node| node.named).map(record).collect();
        let dns = match named.as_slice() {
            [] => String::new(),
            named => format!("  dns: {{names: {{{}}}}}\n", named.join(", ")),
        };
        format!(
            "# yaml-language-server: $schema=../schema.json\n\
             apiVersion: harness/v1alpha1\n\
             kind: Scenario\n\
             metadata:\n  name: chaos-{seed}\n  labels: {{area: chaos, profile: extension}}\n\
             spec:\n  about: Found by scenario chaos with --seed {seed}.\n  seed: {seed}\n\
             \x20 nodes:\n{nodes}{dns}\
             \x20 server:\n    args: [{verify}, --metric-resolution={resolution}s, --metric-grace-cycles={grace}{fallback}, '--client-ca-file=${{clusterCA}}']\n\
             \x20 steps:\n",
            seed = plan.seed,
            resolution = plan.resolution,
            grace = plan.grace,
        )
    }

    fn node(&self, node: &NodePlan) -> String {
        let NodePlan { number, cpu, memory, named, .. } = node;
        let host = if *named {
            format!("{{type: Hostname, address: node-{number}}}, ")
        } else {
            String::new()
        };
        let certificate = if self.plan.verify { "certificate: Signed" } else { "" };
        let access = if self.plan.cuts_off_kubelets() { "access: Open" } else { "" };
        let kubelet: Vec<_> =
            [certificate, access].into_iter().filter(|it| !it.is_empty()).collect();
        let kubelet = match kubelet.as_slice() {
            [] => String::new(),
            fields => format!(", kubelet: {{{}}}", fields.join(", ")),
        };
        let pods = match node.pods.as_slice() {
            [] => String::new(),
            pods => {
                let pods: Vec<_> = pods.iter().map(pod).collect();
                format!(", pods: [{}]", pods.join(", "))
            }
        };
        format!(
            "{{name: node-{number}, addresses: [{host}{{type: InternalIP, address: {ip}}}], usage: {{cpu: {cpu}m, memory: {memory}Mi}}{kubelet}{pods}}}",
            ip = ip(*number)
        )
    }

    /// A step in which something is wrong, and one in which all is well again.
    fn step(&mut self, number: usize, step: &StepPlan, text: &mut String) {
        let mut changes = Changes::default();
        for action in &step.actions {
            changes.take(action, &self.nodes);
        }
        let mut expected = String::new();
        // Whatever happens, readers get an answer.
        let directly = if changes.api_server.is_some() {
            ", from: MetricsServer, as: {user: admin, groups: ['system:masters'], shows: Certificate}"
        } else {
            ""
        };
        let _ = writeln!(expected, "        - {{get: {API}/nodes{directly}}}");
        let served = |node: &NodePlan| {
            let NodePlan { number, cpu, memory, .. } = node;
            format!(
                "        - {{get: {API}/nodes/node-{number}{directly}, body: {{usage: {{cpu: {cpu}m, memory: {memory}Mi}}}}, within: 0.1%}}\n"
            )
        };
        for (number, fault) in &changes.failing {
            let (fault, cause, _) = FAULTS[*fault];
            let _ = writeln!(
                expected,
                "        - log: 'Failed to scrape node…{cause}…node=\"node-{number}\"'"
            );
            if step.cycles > self.plan.grace {
                let _ = writeln!(
                    expected,
                    "        - {{get: {API}/nodes/node-{number}{directly}, status: 404}}"
                );
            } else if step.cycles < self.plan.grace && fault != EMPTY_SAMPLE {
                // The step may have begun within a cycle, which then counts too.
                expected.extend(self.nodes.get(number).map(served));
            }
        }
        // With the fallback, the node's address is scraped in place of its name.
        for number in changes.dns.keys().filter(|_| !self.plan.fallback) {
            let _ = writeln!(
                expected,
                "        - log: 'Failed to scrape node…lookup node-{number} …node=\"node-{number}\"'"
            );
        }
        for node in self.nodes.values().filter(|node| !changes.touched.contains(&node.number)) {
            let number = node.number;
            expected += &served(node);
            let _ = writeln!(
                expected,
                "        - noLog: 'Failed to scrape node…node=\"node-{number}\"'"
            );
        }
        let wrong = changes.write(self);
        let _ = write!(
            text,
            "    - name: 'faults {number}'\n{wrong}      wait: {{cycles: {}}}\n      expect:\n        - noLog: Panicked\n{expected}",
            step.cycles
        );
        let mended = changes.mend(self);
        changes.apply(&mut self.nodes);
        let is_slow = changes.api_server.is_some() || changes.api_fault.is_some();
        let wait =
            if is_slow { format!("for: {AFTER_API_SERVER}") } else { "cycles: 2".to_owned() };
        let _ = write!(
            text,
            "    - name: 'all is well after {number}'\n{mended}      wait: {{{wait}}}\n"
        );
        *text += &self.well(Some(&changes.gone));
    }

    /// Everything is served as it is, and what is gone is not.
    fn well(&self, gone: Option<&BTreeSet<u32>>) -> String {
        let usage = |cpu: u32, memory: u32| format!("usage: {{cpu: {cpu}m, memory: {memory}Mi}}");
        let nodes: BTreeMap<_, _> = self
            .nodes
            .values()
            .map(|node| (format!("node-{}", node.number), usage(node.cpu, node.memory)))
            .map(|(name, usage)| (name.clone(), format!("{{metadata: {{name: {name}}}, {usage}}}")))
            .collect();
        let pods: BTreeMap<_, _> = self
            .nodes
            .values()
            .flat_map(|node| &node.pods)
            .map(|pod| (format!("pod-{}", pod.number), usage(pod.cpu, pod.memory)))
            .map(|(name, usage)| {
                let containers = format!("containers: [{{name: main, {usage}}}]");
                (name.clone(), format!("{{metadata: {{name: {name}}}, {containers}}}"))
            })
            .collect();
        let list = |what: &str, items: BTreeMap<String, String>| {
            let items: Vec<_> = items.into_values().collect();
            format!(
                "        - {{get: {API}/{what}, body: {{items: [{}]}}, within: 0.1%}}\n",
                items.join(", ")
            )
        };
        let mut text = "      expect:\n        - noLog: Panicked\n".to_owned();
        let _ = writeln!(text, "        - ready: {}", !self.nodes.is_empty());
        for node in gone.into_iter().flatten() {
            let _ = writeln!(text, "        - {{get: {API}/nodes/node-{node}, status: 404}}");
        }
        text + &list("nodes", nodes) + &list("pods", pods)
    }
}

// === impl Changes ===

impl Changes {
    /// Takes an action in, unless its node is not there or something else happens to it.
    fn take(&mut self, action: &Action, nodes: &BTreeMap<u32, NodePlan>) {
        let is_free = |changes: &Self, node: &u32| {
            nodes.contains_key(node) && !changes.touched.contains(node)
        };
        match action {
            Action::Fault { node, fault, when } if is_free(self, node) => {
                let schedule = when.map_or_else(String::new, |when| format!(", when: {when}"));
                self.field(*node, format!("faults: {{{}{schedule}}}", FAULTS[*fault].0));
                if when.is_none() {
                    self.failing.insert(*node, *fault);
                }
            }
            Action::Use { node, cpu, memory } if is_free(self, node) => {
                self.field(*node, format!("usage: {{cpu: {cpu}m, memory: {memory}Mi}}"));
                self.used.insert(*node, (*cpu, *memory));
            }
            Action::Restart { node } if is_free(self, node) => {
                self.field(*node, "restarted: true".to_owned());
            }
            Action::Leave { node } if is_free(self, node) => {
                // A pod cannot start on a node that leaves.
                if self.started.contains_key(node) || self.ended.contains_key(node) {
                    return;
                }
                self.field(*node, "removed: true".to_owned());
                self.gone.insert(*node);
            }
            Action::Join(node) => self.added.push(node.clone()),
            Action::Start { node, pod } => {
                let is_new = |pods: &[PodPlan]| pods.iter().all(|it| it.number != pod.number);
                let mut all = nodes.values().map(|node| &node.pods).chain(self.started.values());
                let is_new = all.all(|pods| is_new(pods));
                if nodes.contains_key(node) && !self.gone.contains(node) && is_new {
                    self.started.entry(*node).or_default().push(*pod);
                }
            }
            Action::End { node, pod } => {
                let has = |node: &NodePlan| node.pods.iter().any(|it| it.number == *pod);
                let ended = self.ended.entry(*node).or_default();
                if nodes.get(node).is_some_and(has)
                    && !self.gone.contains(node)
                    && !ended.contains(pod)
                {
                    ended.push(*pod);
                }
            }
            Action::ApiServer(state) => self.api_server = Some(*state),
            Action::ApiFault(fault) => self.api_fault = Some(*fault),
            Action::Dns { node, failure }
                if is_free(self, node) && nodes.get(node).is_some_and(|node| node.named) =>
            {
                self.dns.insert(*node, *failure);
                // Over a connection that is kept, the name is not needed.
                self.field(*node, "restarted: true".to_owned());
            }
            _ => {}
        }
    }

    fn field(&mut self, node: u32, field: String) {
        self.fields.entry(node).or_default().push(field);
        self.touched.insert(node);
    }

    /// The change of the step in which it happens.
    fn write(&self, state: &State<'_>) -> String {
        let mut parts = Vec::new();
        if !self.added.is_empty() {
            let nodes: Vec<_> = self.added.iter().map(|node| state.node(node)).collect();
            parts.push(format!("add: [{}]", nodes.join(", ")));
        }
        let mut fields = self.fields.clone();
        for (node, pods) in &self.started {
            let pods: Vec<_> = pods.iter().map(pod).collect();
            fields.entry(*node).or_default().push(format!("addPods: [{}]", pods.join(", ")));
        }
        for (node, pods) in self.ended.iter().filter(|(_, pods)| !pods.is_empty()) {
            let pods: Vec<_> = pods.iter().map(|number| format!("default/pod-{number}")).collect();
            fields.entry(*node).or_default().push(format!("removePods: [{}]", pods.join(", ")));
        }
        if !fields.is_empty() {
            parts.push(nodes_of(&fields));
        }
        let dns = self.dns.iter().map(|(node, failure)| {
            format!("node-{node}: {{addresses: [{}], failure: {failure}}}", ip(*node))
        });
        parts.extend(names_of(&dns.collect::<Vec<_>>()));
        parts.extend(self.api_server.map(|said| format!("apiServer: {said}")));
        parts.extend(self.api_fault.map(|fault| format!("apiServerFaults: {{{fault}}}")));
        change(&parts)
    }

    /// The change that ends everything that is wrong.
    fn mend(&self, state: &State<'_>) -> String {
        let mut parts = Vec::new();
        let faulty = self.fields.iter().filter(|(_, fields)| fields[0].starts_with("faults:"));
        let mended: BTreeMap<_, _> =
            faulty.map(|(node, _)| (*node, vec!["faults: {}".to_owned()])).collect();
        if !mended.is_empty() {
            parts.push(nodes_of(&mended));
        }
        let names = self.dns.keys().filter_map(|node| state.nodes.get(node)).map(record);
        parts.extend(names_of(&names.collect::<Vec<_>>()));
        parts.extend(self.api_server.map(|_| "apiServer: Up".to_owned()));
        parts.extend(self.api_fault.map(|_| "apiServerFaults: {}".to_owned()));
        change(&parts)
    }

    /// The cluster after it.
    fn apply(&self, nodes: &mut BTreeMap<u32, NodePlan>) {
        for (number, node) in nodes.iter_mut() {
            node.pods.extend(self.started.get(number).into_iter().flatten());
            let ended = self.ended.get(number);
            node.pods.retain(|pod| !ended.is_some_and(|ended| ended.contains(&pod.number)));
            if let Some(used) = self.used.get(number) {
                (node.cpu, node.memory) = *used;
            }
        }
        nodes.retain(|number, _| !self.gone.contains(number));
        nodes.extend(self.added.iter().map(|node| (node.number, node.clone())));
    }
}

fn change(parts: &[String]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    parts.iter().fold("      change:\n".to_owned(), |text, part| text + "        " + part + "\n")
}

fn nodes_of(fields: &BTreeMap<u32, Vec<String>>) -> String {
    let nodes: Vec<_> = fields
        .iter()
        .map(|(node, fields)| format!("node-{node}: {{{}}}", fields.join(", ")))
        .collect();
    format!("nodes: {{{}}}", nodes.join(", "))
}

fn names_of(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("dns: {{names: {{{}}}}}", names.join(", ")))
}

fn record(node: &NodePlan) -> String {
    format!("node-{}: {{addresses: [{}]}}", node.number, ip(node.number))
}

fn pod(PodPlan { number, cpu, memory }: &PodPlan) -> String {
    format!(
        "{{name: pod-{number}, containers: [{{name: main, usage: {{cpu: {cpu}m, memory: {memory}Mi}}}}]}}"
    )
}

fn ip(node: u32) -> String {
    format!("10.0.{}.{}", node / 250, node % 250)
}
