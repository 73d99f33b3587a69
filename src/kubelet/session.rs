use super::{
    address_choice::AddressChoice, body::USUAL_BODY, connection::Connection, endpoint::KnownOld,
};

/// What is kept of one kubelet from one scrape to the next.
pub struct Session {
    pub(super) connection: Option<Connection>,
    pub(super) choice: AddressChoice,
    pub(super) known_old: KnownOld,
    pub(super) address: String,
    /// Bytes of the last body: the next one is about as long.
    pub(super) usual_body: usize,
}

// === impl Session ===

impl Default for Session {
    fn default() -> Self {
        Self {
            connection: None,
            choice: AddressAddressChoice::default(),
            known_old: KnownOld::default(),
            address: String::new(),
            usual_body: USUAL_BODY,
        }
    }
}

impl Session {
    /// Host and port at which the kubelet answered last, or else should have; empty where the node
    /// has no address that may be used.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The connection to `authority`, if that is where it leads. One to another address stays: the
    /// preferred address may be tried in vain.
    pub(super) fn take_connection(&mut self, authority: &str) -> Option<Connection> {
        self.connection.take_if(|connection| connection.authority() == authority)
    }
}
