//! Kubelets that would listen on the same address and port.

use std::{borrow::Borrow, net::IpAddr};

use crate::{
    location::Location,
    mistake::Mistake,
    node::{Address, Node},
    yaml_node::YamlNode,
};

/// The addresses that one entry of a template gives its nodes: one each, in a row.
struct Row<'a> {
    /// IPv4 and IPv6 apart, then ports apart, then by address.
    order: (bool, u16, u128),
    last: u128,
    node: usize,
    address: IpAddr,
    location: &'a Location,
}

/// Reports addresses on which a second kubelet would listen.
///
/// Rows are compared, not single addresses: a template may make very many.
pub fn check(nodes: &[impl Borrow<Node>], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let node: &Node = node.borrow();
        let more = u128::from(node.count.unwrap_or(1).saturating_sub(1));
        for (ip, location) in machine_addresses(node, at.item(index)) {
            let (is_v6, first) = match ip {
                IpAddr::V4(ip) => (false, u128::from(ip.to_bits())),
                IpAddr::V6(ip) => (true, ip.to_bits()),
            };
            rows.push(Row {
                order: (is_v6, node.port(), first),
                last: first.saturating_add(more),
                node: index,
                address: ip,
                location,
            });
        }
    }
    rows.sort_by_key(|row| (row.order, row.node));
    let mut longest: Option<&Row<'_>> = None;
    for row in &rows {
        if let Some(other) = longest.filter(|other| other.clashes_with(row)) {
            let (first, second) = if other.location.span.start <= row.location.span.start {
                (other, row)
            } else {
                (row, other)
            };
            let port = row.order.1;
            mistakes.push(
                Mistake::at(
                    second.location,
                    format!("two kubelets would listen on {} port {port}", row.address),
                )
                .related(first.location, "first here")
                .help("give each node addresses of its own, or its kubelet another port"),
            );
        }
        if longest.is_none_or(|other| {
            other.order.0 != row.order.0 || other.order.1 != row.order.1 || other.last < row.last
        }) {
            longest = Some(row);
        }
    }
}

/// The addresses on which a node's kubelet listens, with their places.
fn machine_addresses<'a>(node: &Node, at: &'a YamlNode) -> Vec<(IpAddr, &'a Location)> {
    if let Some(ips) = &node.ips {
        let place = |number| &at.field("ips").item(number).location;
        return ips.iter().enumerate().map(|(number, ip)| (ip.0, place(number))).collect();
    }
    let place = |number| &at.field("addresses").item(number).field("address").location;
    let read = |address: &Address| address.address.parse().ok();
    let ips = node.addresses.iter().map(read).enumerate();
    ips.filter_map(|(number, ip)| Some((ip?, place(number)))).collect()
}

// === impl Row ===

impl Row<'_> {
    /// Whether `later`, which comes after this one in order, shares an address with it. One node
    /// may well have the same address twice, under two types.
    fn clashes_with(&self, later: &Self) -> bool {
        (self.order.0, self.order.1) == (later.order.0, later.order.1)
            && later.order.2 <= self.last
            && !(self.node == later.node && self.order == later.order)
    }
}
