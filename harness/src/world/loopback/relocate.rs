//! A scenario's addresses and times, moved to this machine and to now.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use jiff::Timestamp;

use super::super::{moved_times::move_times, objects};
use crate::file::{
    format::{Address, DnsName, Faults, HostsPlugin, NameServer, Node, Spec},
    values::In,
};

/// Addresses of the file and the loopback addresses they are here.
struct Moved {
    first: Ipv4Addr,
    known: BTreeMap<IpAddr, IpAddr>,
}

/// Moves all of `spec`, templates unfolded, to addresses from `first` on, so that the cluster
/// starts at `now`.
pub(super) fn relocate(spec: &mut Spec, now: Timestamp, first: Ipv4Addr) {
    spec.nodes = objects::nodes(spec);
    move_times(spec, now);
    let mut moved = Moved { first, known: BTreeMap::new() };
    for node in &mut spec.nodes {
        node.count = None;
        moved.addresses(&mut node.addresses);
        moved.ips(node.ips.as_mut());
        moved.places(&mut node.kubelet.faults);
    }
    moved.names(&mut spec.dns.records, &mut spec.dns.names, spec.dns.hosts.as_mut());
    moved.servers(&mut spec.dns.servers);
    for change in spec.steps.iter_mut().filter_map(|step| step.change.as_mut()) {
        if let Some(dns) = &mut change.dns {
            moved.names(&mut dns.records, &mut dns.names, dns.hosts.as_mut());
            moved.servers(&mut dns.servers);
        }
        change.add = change.add.iter().flat_map(Node::expand).collect();
        for node in &mut change.add {
            moved.addresses(&mut node.addresses);
            moved.ips(node.ips.as_mut());
            moved.places(&mut node.kubelet.faults);
        }
        for node in change.nodes.values_mut() {
            moved.addresses(node.addresses.as_deref_mut().unwrap_or_default());
            moved.ips(node.ips.as_mut());
            if let Some(faults) = &mut node.faults {
                moved.places(faults);
            }
        }
    }
}

// === impl Moved ===

impl Moved {
    fn here(&mut self, there: IpAddr) -> IpAddr {
        let count = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let next = u32::from(self.first).saturating_add(count);
        *self.known.entry(there).or_insert_with(|| Ipv4Addr::from(next).into())
    }

    fn ips(&mut self, ips: Option<&mut Vec<In<IpAddr>>>) {
        for ip in ips.into_iter().flatten() {
            ip.0 = self.here(ip.0);
        }
    }

    fn names(
        &mut self,
        records: &mut BTreeMap<String, In<IpAddr>>,
        names: &mut BTreeMap<String, DnsName>,
        hosts: Option<&mut HostsPlugin>,
    ) {
        let addresses = names.values_mut().flat_map(|name| &mut name.addresses);
        let hosts = hosts.into_iter().flat_map(|hosts| hosts.entries.values_mut()).flatten();
        for ip in records.values_mut().chain(addresses).chain(hosts) {
            ip.0 = self.here(ip.0);
        }
    }

    /// The names that servers know by themselves.
    fn servers(&mut self, servers: &mut [NameServer]) {
        for server in servers {
            self.names(&mut BTreeMap::new(), &mut server.names, None);
        }
    }

    fn places(&mut self, faults: &mut Faults) {
        self.ips(faults.at.as_mut());
        for more in &mut faults.also {
            self.places(more);
        }
    }

    fn addresses(&mut self, addresses: &mut [Address]) {
        for address in addresses {
            if let Ok(ip) = address.address.parse() {
                address.address = self.here(ip).to_string();
            }
        }
    }
}
