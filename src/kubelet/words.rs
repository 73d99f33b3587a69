//! What went wrong in few words: for those who know already what was asked, and where.

use net::dial::DialError;

use super::{ScrapeError, error::RequestError};

// === impl ScrapeError ===

impl ScrapeError {
    /// The error without what was asked for.
    pub fn words(&self) -> String {
        match self {
            Self::Request { cause, .. } => match &**cause {
                RequestError::Dial(DialError::Lookup(error)) => error.to_string(),
                other => other.to_string(),
            },
            other => other.to_string(),
        }
    }
}
