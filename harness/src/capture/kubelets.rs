//! The nodes of a cluster as those of a scenario, with what their kubelets do wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use diagnosis::Cause;
use k8s_text::selector::LabelSelector;
use serde_json::Value;

use super::{
    dns::{Dns, looked_up},
    faults::{Means, means},
    node::{Made, MadeNode, scalar},
    objects::{Objects, condition, items, name_of},
    observed::{Observed, Seen},
    server::Flags,
    usage::{Usage, pods},
};

/// What a node uses if nothing is known.
const NODE_USAGE: &str = "{cpu: 250m, memory: 256Mi}";

/// The nodes, and what else follows from their state.
#[derive(Debug, Default)]
pub(super) struct Kubelets {
    pub(super) nodes: Vec<MadeNode>,
    /// Names of nodes of which a scenario shows usage.
    pub(super) served: BTreeSet<String>,
    /// Nodes whose failure a scenario shows.
    pub(super) failing: Vec<(String, Seen, Means)>,
    /// Addresses to which packets are lost, each with its evidence.
    pub(super) lost: BTreeMap<IpAddr, String>,
    /// What a scenario cannot show.
    pub(super) questions: Vec<String>,
    /// Requests for certificates that wait, by user.
    waiting: BTreeMap<String, String>,
}

/// What is known of the cluster around them.
pub(super) struct Around<'o> {
    pub(super) objects: &'o Objects,
    pub(super) observed: &'o Observed,
    pub(super) flags: &'o Flags,
    /// Whether the server's role is known and lacks this resource.
    pub(super) lacks: &'o dyn Fn(&str) -> bool,
    /// Folders with recorded pages, by node.
    pub(super) replays: &'o BTreeMap<String, String>,
}

// === impl Kubelets ===

impl Kubelets {
    pub(super) fn of(around: &Around<'_>, dns: &mut Dns) -> Self {
        let mut kubelets = Self { waiting: waiting(around.objects), ..Self::default() };
        let usage = Usage::of(around.objects, around.observed);
        let owners = owners(around.objects);
        let mut pods = pods(around.objects, &usage, &mut kubelets.questions);
        let selector = around.flags.value("--node-selector").or(around.flags.value("-l"));
        let selector = selector.and_then(|text| LabelSelector::parse(text).ok());
        let has_usage = !usage.nodes.is_empty();
        for (index, node) in around.objects.of("Node").into_iter().enumerate() {
            let mut made = kubelets.node(around, dns, (node, index), &owners);
            let known = usage.nodes.get(&made.name);
            made.usage = Some(match known {
                Some(usage) => Made::new(usage.clone()),
                None if index == 0 && !has_usage => Made::new(NODE_USAGE)
                    .because("question: what does it use? This is made up, for all."),
                None => Made::new(NODE_USAGE),
            });
            made.pods = pods.remove(&made.name).unwrap_or_default();
            if selector.is_some() {
                add_labels(&mut made, node);
            }
            let is_selected =
                selector.as_ref().is_none_or(|selector| selector.matches(&labels(node)));
            if !is_selected {
                kubelets.served.remove(&made.name);
            }
            kubelets.nodes.push(made);
        }
        if has_usage {
            kubelets.compare(&usage);
        }
        kubelets
    }

    /// What the cluster serves and the scenario does not, and the other way round.
    fn compare(&mut self, usage: &Usage) {
        let served: BTreeSet<_> = usage.nodes.keys().cloned().collect();
        let missing: Vec<_> = self.served.difference(&served).take(20).cloned().collect();
        if !missing.is_empty() {
            self.questions.push(format!(
                "why has the cluster no usage of {}? Its log does not say; here they are served",
                missing.join(", ")
            ));
        }
    }

    fn node(
        &mut self,
        around: &Around<'_>,
        dns: &mut Dns,
        (node, index): (&Value, usize),
        owners: &BTreeMap<IpAddr, String>,
    ) -> MadeNode {
        let mut made = MadeNode::of(node);
        let own: Vec<IpAddr> =
            made.addresses.iter().filter_map(|(_, address)| address.parse().ok()).collect();
        let is_own = |ip: &IpAddr| owners.get(ip).is_none_or(|owner| *owner == made.name);
        let mut machine = Machine::of(&own, &is_own);
        if own.is_empty() && !made.addresses.is_empty() {
            let why = "Its machine's own address, which only DNS knows (below).";
            machine.ips.push(made_up(255, index));
            machine.notes.push(why.to_owned());
        }
        let preferred: Vec<_> = around
            .flags
            .address_types()
            .iter()
            .filter_map(|kind| made.addresses.iter().find(|(it, _)| it == kind))
            .map(|(_, address)| address.clone())
            .collect();
        let all = around.observed.nodes.get(&made.name).map(Vec::as_slice).unwrap_or_default();
        let (mut faults, mut fields, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_served = !preferred.is_empty();
        let mut is_resolved = true;
        for seen in all {
            is_served &= seen.has_fallback || !takes_all(seen.cause);
            is_resolved &= !is_before_dial(seen.cause);
            let Some(mut means) = means(seen.cause, &seen.error, around.flags.resolution()) else {
                let cause = seen.cause.name();
                self.questions.push(format!(
                    "{} has {cause}, which no scenario can bring about: {}",
                    made.name,
                    seen.evidence()
                ));
                continue;
            };
            let is_by_role = seen.cause == Cause::Forbidden && (around.lacks)("nodes/metrics");
            let is_by_token = seen.cause == Cause::Unauthorized && around.observed.has_lost_token();
            if is_by_role || is_by_token {
                means.faults.clear();
            }
            self.place(&mut means, seen, &preferred, &mut machine, dns, &is_own);
            let is_shown_elsewhere = means.is_lost || means.dns.is_some();
            if !means.faults.is_empty() || !means.kubelet.is_empty() || !is_shown_elsewhere {
                notes.push(seen.evidence());
            }
            if !means.kubelet.is_empty() && !fields.contains(&means.kubelet) {
                fields.push(means.kubelet.clone());
            }
            if !means.faults.is_empty() {
                faults.push(means.faults.clone());
            }
            self.failing.push((made.name.clone(), seen.clone(), means));
        }
        notes.extend(self.waiting.get(&format!("system:node:{}", made.name)).cloned());
        if let Some(why) = stopped(node).filter(|_| all.is_empty()) {
            faults.push("refuse: true".to_owned());
            notes.push(why);
            is_served = false;
        }
        if is_resolved {
            let ip = own.first().or(machine.ips.first()).copied();
            resolve(dns, &preferred, all, ip.unwrap_or(made_up(255, index)));
        }
        let says_certificate = fields.iter().chain(&faults).any(|it| it.contains("certificate: "));
        if !around.flags.is_insecure() && !says_certificate {
            fields.push("certificate: Signed".to_owned());
        }
        if let Some(port) = MadeNode::port(node) {
            fields.insert(0, format!("port: {port}"));
        }
        if let Some(folder) = around.replays.get(&made.name) {
            fields.push(format!("replay: {}", scalar(folder)));
        }
        if !faults.is_empty() {
            fields.push(format!("faults: {{{}}}", also(faults)));
        }
        if machine.ips != own || !machine.notes.is_empty() {
            made.ips = Some(machine.made());
        }
        if !fields.is_empty() || !notes.is_empty() {
            let value = fields.join(", ");
            let value = if value.is_empty() { value } else { format!("{{{value}}}") };
            let kubelet = Made { value, notes };
            made.fields.push(("kubelet", kubelet));
        }
        if is_served {
            self.served.insert(made.name.clone());
        }
        made
    }

    /// Where a failure happens: at a name, an address, or on the way.
    fn place(
        &mut self,
        means: &mut Means,
        seen: &Seen,
        preferred: &[String],
        machine: &mut Machine,
        dns: &mut Dns,
        is_own: &dyn Fn(&IpAddr) -> bool,
    ) {
        if let Some(failure) = means.dns {
            let name = looked_up(&seen.error).or(preferred.first().map(String::as_str));
            if let Some(name) = name {
                dns.fails(name, failure, seen);
            }
        }
        let at = dialed(&seen.error).or_else(|| host(&seen.error)?.parse().ok());
        let at = at.or_else(|| preferred.first()?.parse().ok());
        if let Some(at) = at.filter(|at| means.is_lost && machine.ips.contains(at)) {
            self.lost.entry(at).or_insert_with(|| seen.evidence());
        } else if means.is_lost {
            let is_named = preferred.first().is_some_and(|it| it.parse::<IpAddr>().is_err());
            // A node that has had another address; by name, DNS leads to one that no node has.
            machine.ips.retain(|_| is_named);
            if machine.ips.is_empty() {
                machine.ips.push(made_up(254, self.nodes.len()));
            }
            machine.notes.push(format!("No packet comes to it: {}", seen.evidence()));
        } else if let Some(at) = at.filter(|at| !is_own(at)) {
            // Another node is there, and what is wrong is wrong with that one.
            machine.notes.push(format!("Another node has {at}: {}", seen.evidence()));
            means.faults.clear();
        } else if let Some(at) = at {
            if !machine.ips.contains(&at) {
                machine.ips.push(at);
                machine.notes.push(seen.evidence());
            }
            if seen.has_fallback && !means.faults.is_empty() {
                means.faults.extend([", at: [", &scalar(&at.to_string()), "]"]);
            }
        }
    }
}

/// Lets DNS know the names by which a node is scraped: the first one, or all where the first address
/// fails.
fn resolve(dns: &mut Dns, preferred: &[String], all: &[Seen], ip: IpAddr) {
    let why = if all.is_empty() {
        "question: are these right? The nodes are scraped, so something knows their names."
    } else {
        "As the log says, or as it must be."
    };
    let count = if all.iter().any(|seen| seen.has_fallback) { preferred.len() } else { 1 };
    let ip = all.iter().find_map(|seen| dialed(&seen.error)).unwrap_or(ip);
    for name in preferred.iter().take(count).filter(|name| name.parse::<IpAddr>().is_err()) {
        dns.knows(name, ip, why);
    }
}

/// The IP addresses of a machine.
struct Machine {
    ips: Vec<IpAddr>,
    notes: Vec<String>,
}

// === impl Machine ===

impl Machine {
    /// With those addresses of its node that are no other node's.
    fn of(addresses: &[IpAddr], is_own: &dyn Fn(&IpAddr) -> bool) -> Self {
        let ips: Vec<_> = addresses.iter().copied().filter(is_own).collect();
        let note = "question: another node has the same address; whose is it?".to_owned();
        let notes = if ips == addresses { Vec::new() } else { vec![note] };
        Self { ips, notes }
    }

    fn made(self) -> Made {
        let ips: Vec<_> = self.ips.iter().map(|ip| scalar(&ip.to_string())).collect();
        Made { value: format!("[{}]", ips.join(", ")), notes: self.notes }
    }
}

/// Faults together.
fn also(faults: Vec<String>) -> String {
    let mut faults = faults.into_iter();
    let first = faults.next().unwrap_or_default();
    let rest: Vec<_> = faults.map(|fault| format!("{{{fault}}}")).collect();
    if rest.is_empty() { first } else { format!("{first}, also: [{}]", rest.join(", ")) }
}

/// Whether nothing of the node is served.
fn takes_all(cause: Cause) -> bool {
    Cause::OF_SCRAPES.contains(&cause) || matches!(cause, Cause::NoUsage | Cause::NoNodeUsage)
}

/// Whether it fails before there is an address to connect to.
fn is_before_dial(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::NoAddress
            | Cause::BadAddress
            | Cause::DnsNoSuchHost
            | Cause::DnsServerFailure
            | Cause::DnsTimeout
            | Cause::DnsTooMany
            | Cause::DnsUnreachable
    )
}

/// The requests for serving certificates that nobody has approved or denied, by user.
fn waiting(objects: &Objects) -> BTreeMap<String, String> {
    let requests = objects.of("CertificateSigningRequest").into_iter().filter(|request| {
        request["spec"]["signerName"] == "kubernetes.io/kubelet-serving"
            && items(&request["status"]["conditions"]).next().is_none()
    });
    let waits = |request: &Value| {
        let user = request["spec"]["username"].as_str()?.to_owned();
        Some((user, format!("CertificateSigningRequest {} waits for approval.", name_of(request))))
    };
    requests.filter_map(waits).collect()
}

/// Why a kubelet does not run, by its node's conditions.
fn stopped(node: &Value) -> Option<String> {
    let ready = condition(node, "Ready")?;
    let reason = ready["reason"].as_str().unwrap_or_default();
    (ready["status"] == "Unknown" || reason == "NodeStatusUnknown").then(|| {
        let message = ready["message"].as_str().unwrap_or_default();
        format!("Its condition Ready is Unknown: {reason}: {message}")
    })
}

/// An address that no cluster has.
fn made_up(block: u8, index: usize) -> IpAddr {
    let [.., c, d] = (index as u32 + 1).to_be_bytes();
    Ipv4Addr::new(10, block, c, d).into()
}

/// The address in `dial tcp 10.0.0.1:10250: …`.
fn dialed(error: &str) -> Option<IpAddr> {
    let (_, rest) = error.split_once("dial tcp ")?;
    let (address, _) = rest.split_once(": ")?;
    let (ip, _) = address.rsplit_once(':')?;
    ip.trim_matches(['[', ']']).parse().ok()
}

/// The host in `Get "https://HOST:10250/…`.
fn host(error: &str) -> Option<&str> {
    let (_, rest) = error.split_once("https://")?;
    let (authority, _) = rest.split_once('/')?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    Some(host.trim_matches(['[', ']']))
}

fn labels(node: &Value) -> BTreeMap<String, String> {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn add_labels(made: &mut MadeNode, node: &Value) {
    let given = labels(node);
    let given = given.iter().filter(|(key, _)| !key.contains("kubernetes.io/hostname"));
    let labels: Vec<_> =
        given.map(|(key, value)| format!("{}: {}", scalar(key), scalar(value))).collect();
    if !labels.is_empty() {
        made.fields.push(("labels", Made::new(format!("{{{}}}", labels.join(", ")))));
    }
}

/// The node that has an address: of several, the one whose InternalIP it is.
fn owners(objects: &Objects) -> BTreeMap<IpAddr, String> {
    let mut owners = BTreeMap::new();
    for is_internal in [true, false] {
        for node in objects.of("Node") {
            for address in items(&node["status"]["addresses"]) {
                let ip = address["address"].as_str().and_then(|text| text.parse().ok());
                if let Some(ip) = ip.filter(|_| (address["type"] == "InternalIP") == is_internal) {
                    owners.entry(ip).or_insert_with(|| name_of(node).to_owned());
                }
            }
        }
    }
    owners
}
