//! The edits that may cure what is seen: the table of causes says which kinds of change to try, the
//! cluster which values.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use diagnosis::Change;
use k8s_text::duration;

use super::{
    args::{self, Flag},
    edit::{BOTH_AUTHORITIES, CLIENT_CERTIFICATE, CLIENT_KEY, Edit, What, configure},
    seen::Seen,
    setup::Setup,
};

const ADDRESS_TYPES: &str = "--kubelet-preferred-address-types";
const AUTHORITY: &str = "--kubelet-certificate-authority";
const RESOLUTION: &str = "--metric-resolution";
const REQUEST_TIMEOUT: &str = "--kubelet-request-timeout";

/// The order of the manifests; the other types are rare.
const USUAL_TYPES: [&str; 3] = ["InternalIP", "ExternalIP", "Hostname"];
const OTHER_TYPES: [&str; 2] = ["InternalDNS", "ExternalDNS"];

/// The default of `--kubelet-preferred-address-types`.
const DEFAULT_TYPES: [&str; 5] =
    ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];

/// The default of `--metric-resolution`, and the one with which more time is tried.
const DEFAULT_RESOLUTION: Duration = Duration::from_mins(1);

/// The longest timeout that is tried, where the resolution allows it.
const LONG_TIMEOUT: Duration = Duration::from_secs(30);

/// The time between two cycles, by the flags.
pub(super) fn resolution(flags: &[String]) -> Duration {
    time(flags, RESOLUTION).unwrap_or(DEFAULT_RESOLUTION)
}

/// The edits that may cure what is seen, those that give up least first. The flags of this project's
/// server are among them if it is the `own` one.
pub(super) fn candidates(seen: &Seen, setup: &Setup, own: bool) -> Vec<Edit> {
    let mut changes: BTreeMap<Change, BTreeSet<String>> = BTreeMap::new();
    for (cause, nodes) in seen.by_cause() {
        for change in cause.changes() {
            changes.entry(change).or_default().extend(nodes.iter().map(|name| (*name).to_owned()));
        }
    }
    let mut edits = Vec::new();
    for (change, nodes) in changes {
        for what in of_change(change, nodes, setup, own) {
            let edit = Edit { change, what };
            let mut after = setup.clone();
            edit.apply(&mut after);
            if after != *setup && !edits.contains(&edit) {
                edits.push(edit);
            }
        }
    }
    edits
}

fn of_change(change: Change, nodes: BTreeSet<String>, setup: &Setup, own: bool) -> Vec<What> {
    let flag = |flag: Flag| vec![What::Flags(vec![flag])];
    match change {
        Change::AddressTypes => orders(setup).into_iter().flat_map(flag).collect(),
        Change::NodeStatusPort => flag(Flag::on("--kubelet-use-node-status-port")),
        Change::DefaultPort => vec![What::Without("--kubelet-port".to_owned())],
        Change::WithoutFlag => args::names(&setup.args).into_iter().map(What::Without).collect(),
        Change::KubeletAuthority => {
            // By default it is the cluster's.
            let is_set = !args::values(&setup.args, AUTHORITY).is_empty();
            let values = is_set.then_some("${clusterCA}").into_iter().chain([BOTH_AUTHORITIES]);
            values.flat_map(|value| flag(Flag::new(AUTHORITY, value))).collect()
        }
        Change::MoreTime => more_time(&setup.args),
        Change::AddressFallback if own => flag(Flag::on("--kubelet-address-fallback")),
        Change::KubeletEndpoint if own => flag(Flag::new("--kubelet-endpoint", "auto")),
        Change::AddressFallback | Change::KubeletEndpoint => Vec::new(),
        Change::ClientCertificate => vec![What::Flags(vec![
            Flag::new("--kubelet-client-certificate", CLIENT_CERTIFICATE),
            Flag::new("--kubelet-client-key", CLIENT_KEY),
        ])],
        Change::DnsHosts => hosts(&nodes, setup).into_iter().collect(),
        Change::GrantNodesMetrics => {
            vec![What::Rule { resources: &["nodes/metrics"], verbs: &["get"] }]
        }
        Change::GrantNodesStats => {
            vec![What::Rule { resources: &["nodes/stats"], verbs: &["get"] }]
        }
        Change::GrantList => {
            vec![What::Rule { resources: &["nodes", "pods"], verbs: &["get", "list", "watch"] }]
        }
        Change::ApprovedCsrs | Change::ServingCertificates | Change::Webhook => {
            let is_changed = |name: &String| {
                setup.nodes.get(name).is_some_and(|node| {
                    let mut changed = node.clone();
                    configure(&mut changed, change);
                    changed != *node
                })
            };
            vec![What::Kubelets(nodes.into_iter().filter(is_changed).collect())]
        }
        Change::HostNetwork if setup.has_host_network => Vec::new(),
        Change::HostNetwork
        | Change::NewToken
        | Change::FrontProxyFlags
        | Change::FrontProxyCertificate => {
            vec![What::Whole]
        }
        Change::InsecureTls => flag(Flag::on("--kubelet-insecure-tls")),
    }
}

/// The orders of address types: each type that a node has comes first once.
fn orders(setup: &Setup) -> Vec<Flag> {
    let addresses = setup.nodes.values().flat_map(|node| &node.addresses);
    let present: BTreeSet<&str> = addresses.map(|address| address.kind.as_str()).collect();
    let all = USUAL_TYPES.into_iter().chain(OTHER_TYPES);
    let firsts = all.clone().filter(|kind| present.contains(kind));
    firsts
        .map(|first| {
            let others = all.clone().filter(|kind| {
                *kind != first && (USUAL_TYPES.contains(kind) || present.contains(kind))
            });
            let order: Vec<_> = [first].into_iter().chain(others).collect();
            Flag::new(ADDRESS_TYPES, order.join(","))
        })
        .collect()
}

/// The order of address types by the flags.
fn order(flags: &[String]) -> Vec<String> {
    let given = args::values(flags, ADDRESS_TYPES).into_iter().flatten();
    let given: Vec<_> = given.flat_map(|list| list.split(',').map(str::to_owned)).collect();
    if given.is_empty() { DEFAULT_TYPES.map(str::to_owned).to_vec() } else { given }
}

/// A longer timeout: as long as the resolution allows, or with a longer resolution.
fn more_time(flags: &[String]) -> Vec<What> {
    let (now, resolution) = (time(flags, REQUEST_TIMEOUT).unwrap_or_default(), resolution(flags));
    let most = Duration::from_secs((resolution * 9 / 10).as_secs());
    let timeout = |time: Duration| Flag::new(REQUEST_TIMEOUT, duration::format(time));
    let mut all = Vec::new();
    if most.min(LONG_TIMEOUT) > now {
        all.push(What::Flags(vec![timeout(most.min(LONG_TIMEOUT))]));
    }
    if most < LONG_TIMEOUT {
        let slower = Flag::new(RESOLUTION, duration::format(DEFAULT_RESOLUTION));
        all.push(What::Flags(vec![slower, timeout(LONG_TIMEOUT)]));
    }
    all
}

/// Entries for the names at which nodes are scraped.
fn hosts(nodes: &BTreeSet<String>, setup: &Setup) -> Option<What> {
    let order = order(&setup.args);
    let mut entries = BTreeMap::new();
    for node in nodes.iter().filter_map(|name| setup.nodes.get(name)) {
        let preferred = order
            .iter()
            .find_map(|kind| node.addresses.iter().find(|address| address.kind.as_str() == kind));
        if let (Some(name), Some(ip)) = (preferred, node.ip())
            && name.address.parse::<std::net::IpAddr>().is_err()
        {
            entries.insert(name.address.clone(), vec![ip]);
        }
    }
    (!entries.is_empty()).then_some(What::Hosts(entries))
}

fn time(flags: &[String], name: &str) -> Option<Duration> {
    args::values(flags, name)
        .into_iter()
        .flatten()
        .last()
        .and_then(|text| duration::parse(text).ok())
}
