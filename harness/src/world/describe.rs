//! What a step changes, in a few words for the time line.

use crate::file::format::{DnsChange, Faults, FirewallRule, NodeChange};

pub(super) fn dns(change: &DnsChange) -> String {
    let records = change.records.iter().map(|(name, ip)| format!("{name} is {}", ip.0));
    let failures = change.failures.iter().map(|(name, failure)| format!("{name} is {failure:?}"));
    let names = change.names.keys().map(|name| format!("{name} is answered otherwise"));
    let servers = change.servers.iter().map(|server| match server.failure {
        Some(failure) => format!("server {} fails: {failure:?}", server.address.0),
        None => format!("server {} answers", server.address.0),
    });
    let hosts = change.hosts.iter().map(|hosts| {
        let names: Vec<_> = hosts.entries.keys().map(String::as_str).collect();
        let with = if hosts.fallthrough { "with" } else { "without" };
        format!("hosts plugin has [{}], {with} fallthrough", names.join(", "))
    });
    records.chain(failures).chain(names).chain(servers).chain(hosts).collect::<Vec<_>>().join(", ")
}

pub(super) fn node(change: &NodeChange) -> String {
    let mut words = Vec::new();
    if let Some(addresses) = &change.addresses {
        let addresses: Vec<_> = addresses.iter().map(|address| address.address.as_str()).collect();
        words.push(format!("addresses {}", addresses.join(" ")));
    }
    if let Some(ips) = &change.ips {
        let ips: Vec<_> = ips.iter().map(|ip| ip.0.to_string()).collect();
        words.push(format!("machine's addresses {}", ips.join(" ")));
    }
    if let Some(ready) = change.ready {
        words.push(if ready { "ready" } else { "not ready" }.to_owned());
    }
    if let Some(usage) = &change.usage {
        words.push(format!("uses {} CPU and {} memory", usage.cpu.0, usage.memory.0));
    }
    for (path, usage) in &change.containers {
        words.push(format!("{path} uses {} CPU and {} memory", usage.cpu.0, usage.memory.0));
    }
    words.extend(change.remove_pods.iter().map(|pod| format!("pod {pod} is gone")));
    words.extend(change.add_pods.iter().map(|pod| format!("pod {} starts", pod.name)));
    if change.labels.is_some() {
        words.push("other labels".to_owned());
    }
    if change.annotations.is_some() {
        words.push("other annotations".to_owned());
    }
    if let Some(certificate) = change.certificate {
        words.push(format!("certificate {certificate:?}"));
    }
    if let Some(x509) = change.x509 {
        let further = match x509.intermediates {
            0 => String::new(),
            count => format!(", {count} useless intermediates"),
        };
        words.push(format!("X.509 {:?}, {:?}{further}", x509.version(), x509.key()));
    }
    if let Some(port) = change.port {
        words.push(format!("port {port}"));
    }
    if change.restarted {
        words.push("the kubelet starts again".to_owned());
    }
    if let Some(faults) = &change.faults {
        words.push(
            if *faults == Faults::default() { "no faults" } else { "other faults" }.to_owned(),
        );
    }
    words.join(", ")
}

pub(super) fn firewall(rules: &[FirewallRule]) -> String {
    match rules.len() {
        0 => "the firewall loses no packets".to_owned(),
        1 => "the firewall has 1 rule".to_owned(),
        count => format!("the firewall has {count} rules"),
    }
}

pub(super) fn host_network(is_on: bool) -> &'static str {
    if is_on {
        "the metrics server has its node's network"
    } else {
        "the metrics server has a network of its own"
    }
}
