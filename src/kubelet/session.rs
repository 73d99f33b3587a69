//! What is kept of one kubelet from one scrape to the next.

use std::{net::IpAddr, sync::Arc};

use super::{
    Known, address_choice::AddressChoice, body::USUAL_BODY, connection::Connection,
    endpoint::KnownOld,
};
use crate::cluster::Node;

/// What is kept of one kubelet from one scrape to the next.
pub struct Session {
    pub(super) connection: Option<Connection>,
    pub(super) choice: AddressChoice,
    pub(super) known_old: KnownOld,
    pub(super) address: String,
    /// Bytes of the last body: the next one is about as long.
    pub(super) usual_body: usize,
    /// The kubelet has accepted the credentials.
    pub(super) was_authorized: bool,
    /// Where DNS led the last scrape, which failed, if that is none of the node's addresses.
    pub(super) led_astray: Option<(Arc<str>, IpAddr)>,
}

// === impl Session ===

impl Default for Session {
    fn default() -> Self {
        Self {
            connection: None,
            choice: AddressChoice::default(),
            known_old: KnownOld::default(),
            address: String::new(),
            usual_body: USUAL_BODY,
            was_authorized: false,
            led_astray: None,
        }
    }
}

impl Session {
    /// Host and port at which the kubelet answered last, or else should have; empty where the node
    /// has no address that may be used.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What is known of `node`, whose session this is.
    pub fn known<'n>(&self, node: &'n Node) -> Known<'n> {
        Known { node, was_authorized: self.was_authorized, led_astray: self.led_astray.clone() }
    }

    /// The connection, if it is to `authority`. One to another address stays: the preferred address
    /// may fail.
    pub(super) fn take_connection(&mut self, authority: &str) -> Option<Connection> {
        self.connection.take_if(|connection| connection.authority() == authority)
    }
}
