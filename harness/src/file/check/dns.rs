//! DNS: names with one answer each, and schedules in order.

use std::{collections::BTreeMap, net::IpAddr};

use cluster_format::{Mistake, Schedule, YamlNode, check::check_schedule, suggest::quote};

use super::super::format::{DnsChange, DnsName, NameServer};

/// Checks DNS, as it is first and as steps change it.
pub(super) fn check(dns: &DnsChange, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let mut seen: BTreeMap<String, (&str, &YamlNode)> = BTreeMap::new();
    let lists = [
        ("records", dns.records.keys().collect::<Vec<_>>()),
        ("failures", dns.failures.keys().collect()),
        ("names", dns.names.keys().collect()),
    ];
    for (list, names) in lists {
        for name in names {
            let node = at.field(list).field(name);
            let canonical = name.trim_end_matches('.').to_ascii_lowercase();
            match seen.get(&canonical) {
                Some((other, first)) => mistakes.push(
                    Mistake::at(
                        node.key_place(),
                        format!("{} is answered in two ways", quote(name)),
                    )
                    .related(first.key_place(), "first here")
                    .help(format!(
                        "keep it in {} or in {}",
                        quote(other),
                        quote(list)
                    )),
                ),
                None => drop(seen.insert(canonical, (list, node))),
            }
        }
    }
    check_names(&dns.names, at.field("names"), mistakes);
    for (index, server) in dns.servers.iter().enumerate() {
        let at = at.field("servers").item(index);
        if let Some(when) = &server.when {
            check_when(when, &["failure", "delay"], at, mistakes);
        }
        check_names(&server.names, at.field("names"), mistakes);
    }
}

/// Checks a step's changes of servers: that the servers exist, and that no order is given.
pub(super) fn check_known(
    dns: &DnsChange,
    known: &[IpAddr],
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) {
    let mut last = 0;
    for (index, server) in dns.servers.iter().enumerate() {
        let node = at.field("servers").item(index).field("address");
        let ip = server.address.0;
        match known.iter().position(|known| *known == ip) {
            None => mistakes.push(
                Mistake::at(node.place(), format!("no name server has the address {ip}"))
                    .help("name it under \"dns\" of the scenario: nothing listens elsewhere"),
            ),
            Some(place) if place < last => mistakes.push(
                Mistake::at(node.place(), "the order of the servers changes nothing here")
                    .help("say it with change.server.resolvConf.nameservers"),
            ),
            Some(place) => last = place,
        }
    }
}

/// Checks that servers forward to servers that do not.
pub(super) fn check_forward(servers: &[NameServer], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (index, server) in servers.iter().enumerate() {
        for (number, upstream) in server.forward.iter().enumerate() {
            let answers = |known: &&NameServer| known.address == *upstream;
            let problem = match servers.iter().find(answers) {
                None => "no name server has the address",
                Some(known) if !known.forward.is_empty() => "a server that forwards itself has",
                Some(_) => continue,
            };
            let node = at.item(index).field("forward").item(number);
            mistakes.push(
                Mistake::at(node.place(), format!("{problem} {}", upstream.0))
                    .help("name one of \"servers\" that answers by itself"),
            );
        }
    }
}

fn check_names(names: &BTreeMap<String, DnsName>, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (name, said) in names {
        let at = at.field(name);
        if let Some(when) = &said.when {
            let faults = ["failure", "a", "aaaa", "delay", "truncated"];
            check_when(when, &faults, at, mistakes);
        }
        if said.alias.is_some() && !said.addresses.is_empty() {
            mistakes.push(
                Mistake::at(at.field("alias").key_place(), "an alias with addresses of its own")
                    .related(at.field("addresses").key_place(), "its addresses")
                    .help("give the addresses to the name that it stands for"),
            );
        }
    }
}

fn check_when(when: &Schedule, faults: &[&str], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let place = at.field("when");
    if !at.broken && faults.iter().all(|fault| at.get(fault).is_none()) {
        mistakes.push(
            Mistake::at(place.key_place(), "a time without anything that happens then")
                .help(format!("add one of {}", faults.join(", "))),
        );
    }
    check_schedule(when, "write more, or leave it out", place, mistakes);
}
