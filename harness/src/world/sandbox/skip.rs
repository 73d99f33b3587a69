//! What the sandbox world cannot show, decided before anything runs.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use k8s_text::duration;

use super::{API_SERVER, CLIENT, DEFAULT_SERVER, SandboxOptions, network::has_ipv6};
use crate::file::{
    ScenarioFile,
    format::{Expectation, FirewallRule, Node, Spec, Step},
};

/// The default of `--metric-resolution`.
const DEFAULT_RESOLUTION: Duration = Duration::from_mins(1);

const RESOLUTION: &str = "--metric-resolution";

/// Why a scenario cannot be shown here with this program.
pub(crate) fn skip_reason(file: &ScenarioFile, options: &SandboxOptions) -> Option<String> {
    let (spec, labels) = (&file.scenario.spec, &file.scenario.metadata.labels);
    if labels.get("profile").is_some_and(|profile| profile == "extension")
        && !options.has_extensions
    {
        return Some("it asks for what the program does not claim to have".to_owned());
    }
    let server = spec.server.address.map_or(DEFAULT_SERVER, |address| address.0);
    let changes = || spec.steps.iter().filter_map(|step| step.change.as_ref());
    let servers = || changes().filter_map(|change| change.server.as_ref());
    if spec.server.host_network || servers().any(|server| server.host_network == Some(true)) {
        return Some(
            "the metrics server has its node's network, and here one of its own".to_owned(),
        );
    }
    let rules = changes().flat_map(|change| change.firewall.iter().flatten());
    if spec.firewall.iter().chain(rules).any(|rule| !is_from_pod(rule, server)) {
        return Some("packets between other machines than the metrics server's pod are lost, and here they have one network".to_owned());
    }
    let machines = addresses(spec);
    if machines.contains(&server) {
        return Some(format!(
            "the metrics server has the node's address {server}, and here a network of its own"
        ));
    }
    if let Some(address) = machines.iter().find(|address| !is_usable(**address)) {
        return Some(format!("no machine's interface can have the address {address}"));
    }
    if let Some(server) = spec.dns.addresses().find(|address| !is_usable(*address)) {
        return Some(format!("no machine's interface can have the name server's address {server}"));
    }
    let mut expected = spec.steps.iter().flat_map(|step| &step.expect);
    if expected.any(|it| matches!(it, Expectation::Check(_))) {
        return Some("it runs the metrics server with --check".to_owned());
    }
    if spec.server.hostname.is_some() {
        return Some("the metrics server has the host name of this machine".to_owned());
    }
    if machines.iter().any(IpAddr::is_ipv6) && !has_ipv6() {
        return Some("this machine has no IPv6".to_owned());
    }
    let time = time(spec, options);
    if time > options.longest {
        return Some(format!(
            "it takes {} of real time, more than --longest {}",
            duration::format(time),
            duration::format(options.longest)
        ));
    }
    None
}

/// Whether a firewall's rule is for the metrics server's pod alone.
fn is_from_pod(rule: &FirewallRule, pod: IpAddr) -> bool {
    let has = |address: &IpAddr| rule.from.iter().any(|network| network.0.contains(address));
    has(&pod) && !has(&CLIENT) && !has(&API_SERVER.ip())
}

/// All addresses that machines of the scenario have at some time.
fn addresses(spec: &Spec) -> BTreeSet<IpAddr> {
    let changes = || spec.steps.iter().filter_map(|step| step.change.as_ref());
    let added = changes().flat_map(|change| &change.add);
    let nodes = spec.nodes.iter().chain(added).flat_map(Node::expand);
    let listen = nodes.flat_map(|node| node.listen()).map(|address| address.ip());
    let moved = changes().flat_map(|change| change.nodes.values());
    let moved = moved.flat_map(|node| node.ips.iter().flatten()).map(|ip| ip.0);
    listen.chain(moved).collect()
}

fn is_usable(address: IpAddr) -> bool {
    let is_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(is_local || address.is_loopback() || address.is_multicast() || address.is_unspecified())
}

/// How long a scenario takes at least, if all holds at once.
fn time(spec: &Spec, options: &SandboxOptions) -> Duration {
    let mut args: Vec<_> = options.args.iter().chain(&spec.server.args).cloned().collect();
    let mut time = Duration::ZERO;
    for step in &spec.steps {
        let changed = step.change.as_ref().and_then(|change| change.server.as_ref());
        if let Some(changed) = changed.and_then(|server| server.args.as_ref()) {
            args = options.args.iter().chain(changed).cloned().collect();
        }
        time += step_time(step, resolution(&args));
    }
    time
}

fn step_time(step: &Step, resolution: Duration) -> Duration {
    let wait = step.wait.unwrap_or_default();
    let cycles = resolution * wait.cycles.unwrap_or_default();
    let for_ = wait.for_.map_or(Duration::ZERO, |time| time.0);
    cycles + for_ + step.holds_for.map_or(Duration::ZERO, |time| time.0)
}

/// The time between cycles that a program with these flags has.
pub(super) fn resolution(args: &[String]) -> Duration {
    let mut found = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(rest) = arg.strip_prefix(RESOLUTION) {
            found = match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => args.next().map(String::as_str),
                None => found,
            };
        }
    }
    found.and_then(|value| duration::parse(value).ok()).unwrap_or(DEFAULT_RESOLUTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_resolution_counts() {
        for (args, seconds) in [
            ("", 60),
            ("--metric-resolution=15s", 15),
            ("--metric-resolution 10s", 10),
            ("--metric-resolution=15s --v=2 --metric-resolution 30s", 30),
            ("--metric-resolutions=15s", 60),
            ("--metric-resolution=soon", 60),
        ] {
            let args: Vec<_> = args.split_whitespace().map(str::to_owned).collect();
            assert_eq!(resolution(&args), Duration::from_secs(seconds), "{args:?}");
        }
    }
}
