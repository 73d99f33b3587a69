//! Templates: one entry of a file for many nodes or pods.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{faults::Faults, node::Node, pod::Pod};

/// The number of a template's node, in names.
pub(crate) const COUNTER: &str = "{n}";

/// The number of a template's pod, in names.
pub(crate) const POD_COUNTER: &str = "{p}";

/// The name that the node with this number of a template has.
pub fn numbered(name: &str, count: Option<u32>, number: u32) -> Cow<'_, str> {
    if count.is_some() && name.contains(COUNTER) {
        name.replace(COUNTER, &number.to_string()).into()
    } else {
        name.into()
    }
}

/// The address this many after another one.
pub fn raised(ip: IpAddr, by: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).wrapping_add(by)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).wrapping_add(u128::from(by))).into(),
    }
}

// === impl Node ===

impl Node {
    /// The nodes of the template, with the pods that each of them has.
    pub fn expand(&self) -> impl Iterator<Item = Self> {
        (0..self.count.unwrap_or(1)).map(|number| self.numbered(number))
    }

    fn numbered(&self, n: u32) -> Self {
        let mut node = self.clone();
        if node.count.take().is_some() {
            let number = |text: &mut String| *text = text.replace(COUNTER, &n.to_string());
            number(&mut node.name);
            for address in &mut node.addresses {
                number(&mut address.address);
                if let Ok(ip) = address.address.parse() {
                    address.address = raised(ip, n).to_string();
                }
            }
            for ip in node.ips.iter_mut().flatten() {
                ip.0 = raised(ip.0, n);
            }
            raise_addresses(&mut node.kubelet.faults, n);
            for pod in &mut node.pods {
                number(&mut pod.name);
                pod.namespace.as_mut().map(number);
            }
        }
        node.pods = node.pods.iter().flat_map(Pod::expand).collect();
        node
    }
}

fn raise_addresses(faults: &mut Faults, n: u32) {
    for ip in faults.at.iter_mut().flatten() {
        ip.0 = raised(ip.0, n);
    }
    for more in &mut faults.also {
        raise_addresses(more, n);
    }
}

// === impl Pod ===

impl Pod {
    /// The pods of the template.
    pub fn expand(&self) -> impl Iterator<Item = Self> {
        (0..self.count.unwrap_or(1)).map(|number| {
            let mut pod = self.clone();
            if pod.count.take().is_some() {
                pod.name = pod.name.replace(POD_COUNTER, &number.to_string());
            }
            pod
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_nodes_that_differ_in_name_and_address() {
        let node: Node = serde_json::from_value(serde_json::json!({
            "name": "node-{n}",
            "count": 300,
            "addresses": [
                {"type": "Hostname", "address": "node-{n}"},
                {"type": "InternalIP", "address": "10.1.0.0"},
            ],
            "kubelet": {"faults": {"also": [{"status": 500, "at": ["10.1.0.0"]}]}},
            "pods": [{"name": "app-{n}-{p}", "count": 2, "containers": []}],
        }))
        .unwrap();
        assert_eq!(node.expand().count(), 300);
        let last = node.expand().last().unwrap();
        let pods: Vec<_> = last.pods.iter().map(|pod| pod.name.as_str()).collect();
        assert_eq!((last.name.as_str(), pods), ("node-299", vec!["app-299-0", "app-299-1"]));
        let addresses: Vec<_> = last.addresses.iter().map(|it| it.address.as_str()).collect();
        assert_eq!(addresses, ["node-299", "10.1.1.43"]);
        let at = last.kubelet.faults.also[0].at.as_ref().unwrap();
        assert_eq!(at[0].0.to_string(), "10.1.1.43");
    }
}
