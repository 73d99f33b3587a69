use crate::cluster::Node;

use super::ScrapeError;

/// The order in which the Go server prefers a node's addresses.
pub const DEFAULT_ADDRESS_TYPES: [&str; 5] =
    ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];

/// With more addresses than this there is too little time for each.
const MOST_ADDRESSES: usize = 8;

/// Types of node addresses in the order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressTypes(pub Vec<String>);

// === impl AddressTypes ===

impl AddressTypes {
    /// The first address of the first type that the node has.
    pub fn choose<'n>(&self, node: &'n Node) -> Result<&'n str, ScrapeError> {
        self.0
            .iter()
            .find_map(|kind| node.addresses.iter().find(|address| address.kind == *kind))
            .map(|address| address.address.as_str())
            .ok_or_else(|| ScrapeError::NoAddress {
                wanted: self.0.clone(),
                has: node.address_types(),
            })
    }

    /// All addresses of these types in the order of preference, none twice: of one type in the
    /// order of the node's status, such as both of a dual-stack node.
    pub fn all<'n>(&self, node: &'n Node) -> Vec<&'n str> {
        let mut all: Vec<&str> = Vec::new();
        let preferred = self
            .0
            .iter()
            .flat_map(|kind| node.addresses.iter().filter(|address| address.kind == kind.as_str()));
        for address in preferred {
            if !all.contains(&address.address.as_str()) && all.len() < MOST_ADDRESSES {
                all.push(&address.address);
            }
        }
        all
    }
}
