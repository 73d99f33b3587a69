//! DNS: names of which one thing is said, and schedules that make sense.

use std::collections::BTreeMap;

use super::{
    super::{
        format::{DnsChange, Schedule},
        mistake::Mistake,
        node::Node,
        words::quote,
    },
    numbers,
};

/// Checks what is said of DNS, at first or by a step.
pub(super) fn check(dns: &DnsChange, at: &Node, mistakes: &mut Vec<Mistake>) {
    let mut seen: BTreeMap<String, (&str, &Node)> = BTreeMap::new();
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

fn check_when(when: &Schedule, faults: &[&str], at: &Node, mistakes: &mut Vec<Mistake>) {
    let place = at.field("when");
    if !at.broken && faults.iter().all(|fault| at.get(fault).is_none()) {
        mistakes.push(
            Mistake::at(place.key_place(), "a time without anything that happens then")
                .help(format!("add one of {}", faults.join(", "))),
        );
    }
    numbers::check_schedule(when, place, mistakes);
    match (when.for_, when.every) {
        (None, Some(_)) if !place.broken => mistakes.push(
            Mistake::at(place.field("every").key_place(), "what never ends cannot come again")
                .help("add \"for\": how long it lasts each time"),
        ),
        (Some(length), Some(every)) if length.0 >= every.0 && !every.0.is_zero() => mistakes.push(
            Mistake::at(&place.field("for").location, "it would come again before it ends")
                .related(&place.field("every").location, "again after this")
                .help("make \"for\" shorter than \"every\""),
        ),
        _ => {}
    }
}
