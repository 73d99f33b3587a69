//! DNS: names of which one thing is said, and schedules that make sense.

use std::collections::BTreeMap;

use cluster_format::{Mistake, Schedule, YamlNode, check::check_schedule, suggest::quote};

use super::super::format::DnsChange;

/// Checks what is said of DNS, at first or by a step.
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
    for (name, said) in &dns.names {
        let at = at.field("names").field(name);
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
    for (index, server) in dns.servers.iter().enumerate() {
        if let Some(when) = &server.when {
            check_when(when, &["failure", "delay"], at.field("servers").item(index), mistakes);
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
