//! What a step changes, in a few words for the time line.

use crate::file::format::{DnsChange, Faults, NodeChange};

pub(super) fn dns(change: &DnsChange) -> String {
    let records = change.records.iter().map(|(name, ip)| format!("{name} is {}", ip.0));
    let failures = change.failures.iter().map(|(name, failure)| format!("{name} is {failure:?}"));
    records.chain(failures).collect::<Vec<_>>().join(", ")
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
    if let Some(faults) = &change.faults {
        words.push(
            if *faults == Faults::default() { "no faults" } else { "other faults" }.to_owned(),
        );
    }
    words.join(", ")
}
