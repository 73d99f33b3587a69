//! What the server under test meets: the API server's faults and its resolv.conf.

use std::net::{IpAddr, Ipv6Addr};

use cluster_format::{
    Mistake, YamlNode,
    check::{check_status, zero},
    suggest::quote,
};

use super::super::format::{ApiServerFaults, ResolvConf};

/// Checks the API server's faults.
pub(super) fn check_api_server(
    faults: &ApiServerFaults,
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) {
    check_status(faults.status, at.field("status"), mistakes);
    if faults.watches_last.is_some_and(|time| time.0.is_zero()) {
        mistakes.push(zero("watchesLast", "write how long a watch lasts, such as 10s", at));
    }
}

/// Checks how the metrics server's pod queries DNS.
pub(super) fn check_resolv_conf(said: &ResolvConf, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if said.attempts == Some(0) {
        mistakes.push(zero("attempts", "write 1 or more, or leave it out for 2", at));
    }
    if said.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
        mistakes.push(zero("timeout", "write how long an answer is waited for, such as 5s", at));
    }
    for (index, server) in said.nameservers.iter().flatten().enumerate() {
        let is_address = match server.split_once('%') {
            Some((ip, zone)) => ip.parse::<Ipv6Addr>().is_ok() && !zone.is_empty(),
            None => server.parse::<IpAddr>().is_ok(),
        };
        if !is_address {
            let place = at.field("nameservers").item(index).place();
            mistakes.push(
                Mistake::at(place, format!("{} is not the address of a server", quote(server)))
                    .help("write one such as 10.96.0.10, or fe80::53%eth0 with a zone"),
            );
        }
    }
}
