use crate::cluster::Node;

use super::ScrapeError;

/// The order in which the Go server prefers a node's addresses.
pub const DEFAULT_ADDRESS_TYPES: [&str; 5] =
    ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];

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
}
