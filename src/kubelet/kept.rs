use super::{body::USUAL_BODY, connection::Connection, endpoint::KnownOld, fallback::Choice};

/// What is kept of one kubelet from one scrape to the next.
pub struct Kept {
    pub(super) connection: Option<Connection>,
    pub(super) choice: Choice,
    pub(super) known_old: KnownOld,
    pub(super) address: String,
    /// Bytes of the last body: the next one is about as long.
    pub(super) usual_body: usize,
}

// === impl Kept ===

impl Default for Kept {
    fn default() -> Self {
        Self {
            connection: None,
            choice: Choice::default(),
            known_old: KnownOld::default(),
            address: String::new(),
            usual_body: USUAL_BODY,
        }
    }
}

impl Kept {
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
