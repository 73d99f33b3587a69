//! Numbers that a type lets through and nothing can mean.

use super::{
    super::{
        format::{ApiServerFaults, NodeChange, ResolvConf, Schedule},
        mistake::Mistake,
        node::Node,
        words::quote,
    },
    expectations::check_status,
};

/// Checks the API server's faults.
pub(super) fn check_api_server(faults: &ApiServerFaults, at: &Node, mistakes: &mut Vec<Mistake>) {
    check_status(faults.status, at.field("status"), mistakes);
    if faults.watches_last.is_some_and(|time| time.0.is_zero()) {
        zero("watchesLast", "write how long a watch lasts, such as 10s", at, mistakes);
    }
}

/// Checks how DNS is asked.
pub(super) fn check_resolv_conf(said: &ResolvConf, at: &Node, mistakes: &mut Vec<Mistake>) {
    if said.attempts == Some(0) {
        zero("attempts", "write 1 or more, or leave it out for 2", at, mistakes);
    }
    if said.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
        zero("timeout", "write how long an answer is waited for, such as 5s", at, mistakes);
    }
}

/// Checks what a step changes about a node.
pub(super) fn check_node(change: &NodeChange, at: &Node, mistakes: &mut Vec<Mistake>) {
    check_port(change.port, at, mistakes);
}

/// Checks a port that a kubelet listens on.
pub(super) fn check_port(port: Option<u16>, at: &Node, mistakes: &mut Vec<Mistake>) {
    if port == Some(0) {
        mistakes.push(
            Mistake::at(&at.field("port").location, "nothing can listen on port 0")
                .help("write 1 to 65535, or leave it out for 10250"),
        );
    }
}

/// Checks when something happens.
pub(super) fn check_schedule(when: &Schedule, at: &Node, mistakes: &mut Vec<Mistake>) {
    for (name, time) in [("for", when.for_), ("every", when.every)] {
        if time.is_some_and(|time| time.0.is_zero()) {
            zero(name, "write more, or leave it out", at, mistakes);
        }
    }
}

fn zero(name: &str, help: &str, at: &Node, mistakes: &mut Vec<Mistake>) {
    let place = &at.field(name).location;
    mistakes.push(Mistake::at(place, format!("{} must not be 0", quote(name))).help(help));
}
