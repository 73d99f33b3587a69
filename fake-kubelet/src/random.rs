//! Secrets and IDs that cannot be guessed.

use std::fmt::Write;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// The system has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("draw a random number: the system has none to give")]
pub(crate) struct RandomError;

/// As many random bytes in hexadecimal digits.
pub(crate) fn hex<const BYTES: usize>() -> Result<String, RandomError> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| RandomError)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
