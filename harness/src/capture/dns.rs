//! The DNS of a cluster: what its CoreDNS is configured with, and what logs say of lookups.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr};

use super::{
    node::scalar,
    objects::Objects,
    observed::{Observed, Seen},
};

/// What a scenario's DNS has.
#[derive(Debug, Default)]
pub(super) struct Dns {
    server: Option<IpAddr>,
    /// The `hosts` plugin's entries, and whether it passes on what it does not know.
    hosts: Option<(BTreeMap<String, Vec<IpAddr>>, bool)>,
    /// Values with the comment that says why.
    records: BTreeMap<String, (IpAddr, String)>,
    failures: BTreeMap<String, (&'static str, String)>,
    notes: Vec<String>,
}

// === impl Dns ===

impl Dns {
    /// What the objects have of it, and the server that the log names.
    pub(super) fn of(objects: &Objects, observed: &Observed) -> Self {
        let mut dns = Self::default();
        let service = ["kube-dns", "coredns", "rke2-coredns-rke2-coredns"]
            .iter()
            .find_map(|name| objects.get("Service", "kube-system", name));
        let ip = service.and_then(|service| service["spec"]["clusterIP"].as_str()?.parse().ok());
        let in_log = observed.nodes.values().flatten().find_map(|seen| name_server(&seen.error));
        dns.server = in_log.or(ip);
        let map =
            objects.of("ConfigMap").into_iter().find_map(|map| map["data"]["Corefile"].as_str());
        if let Some(corefile) = map {
            dns.corefile(corefile);
        }
        dns
    }

    fn corefile(&mut self, text: &str) {
        let mut in_hosts = false;
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["hosts", .., "{"] => {
                    in_hosts = true;
                    self.hosts.get_or_insert_default();
                }
                ["}", ..] => in_hosts = false,
                ["fallthrough", ..] if in_hosts => {
                    self.hosts.get_or_insert_default().1 = true;
                }
                [ip, names @ ..] if in_hosts => {
                    let Ok(ip) = ip.parse() else { continue };
                    let (entries, _) = self.hosts.get_or_insert_default();
                    for name in names {
                        entries.entry((*name).to_owned()).or_default().push(ip);
                    }
                }
                [plugin @ ("forward" | "rewrite" | "template"), ..] => {
                    let rest = words.join(" ");
                    self.notes.push(format!(
                        "question: does it matter? The Corefile has {plugin}: {rest}"
                    ));
                }
                _ => {}
            }
        }
    }

    /// The name has this address, unless more is known of it.
    pub(super) fn knows(&mut self, name: &str, ip: IpAddr, why: &str) {
        let in_hosts = self.hosts.as_ref().is_some_and(|(entries, _)| entries.contains_key(name));
        if !in_hosts {
            self.records.entry(name.to_owned()).or_insert_with(|| (ip, why.to_owned()));
        }
    }

    /// Lookups of the name fail.
    pub(super) fn fails(&mut self, name: &str, failure: &'static str, seen: &Seen) {
        self.failures.insert(name.to_owned(), (failure, seen.evidence()));
    }

    /// Appends its field, if there is something to say.
    pub(super) fn write(&self, text: &mut String) {
        let Self { server, hosts, records, failures, notes } = self;
        let hosts_plugin = hosts.as_ref().filter(|(entries, falls)| !entries.is_empty() || !falls);
        if server.is_none() && hosts_plugin.is_none() && records.is_empty() && failures.is_empty() {
            return;
        }
        // Writing to a String cannot fail.
        text.push_str("  # Names that are not here do not exist.\n");
        for note in notes {
            let _ = writeln!(text, "  # {note}");
        }
        text.push_str("  dns:\n");
        if let Some(ip) = server {
            let _ = writeln!(text, "    server: {}", scalar(&ip.to_string()));
        }
        if let Some((entries, falls)) = hosts_plugin {
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, ips)| {
                    let ips: Vec<_> = ips.iter().map(|ip| scalar(&ip.to_string())).collect();
                    format!("{}: [{}]", scalar(name), ips.join(", "))
                })
                .collect();
            let entries = entries.join(", ");
            let _ = writeln!(text, "    hosts: {{entries: {{{entries}}}, fallthrough: {falls}}}");
        }
        let mut map = |field: &str, entries: Vec<(&String, String, &String)>| {
            if entries.is_empty() {
                return;
            }
            let _ = writeln!(text, "    {field}:");
            let mut last = "";
            for (name, value, why) in entries {
                if why != last {
                    let _ = writeln!(text, "      # {why}");
                }
                last = why;
                let _ = writeln!(text, "      {}: {value}", scalar(name));
            }
        };
        let ip = |ip: &IpAddr| scalar(&ip.to_string());
        map("records", records.iter().map(|(name, (at, why))| (name, ip(at), why)).collect());
        let failures = failures.iter();
        map(
            "failures",
            failures.map(|(name, (how, why))| (name, (*how).to_owned(), why)).collect(),
        );
    }
}

/// The server in `lookup NAME on 10.96.0.10:53: …`.
fn name_server(error: &str) -> Option<IpAddr> {
    let (_, rest) = error.split_once("lookup ")?;
    let (_, rest) = rest.split_once(" on ")?;
    let (server, _) = rest.split_once(":53: ")?;
    server.trim_matches(['[', ']']).parse().ok()
}

/// The name in `lookup NAME on 10.96.0.10:53: …` or `lookup NAME: …`.
pub(super) fn looked_up(error: &str) -> Option<&str> {
    let (_, rest) = error.split_once("lookup ")?;
    let name = rest.split([' ', ':']).next()?;
    (!name.is_empty()).then_some(name)
}
