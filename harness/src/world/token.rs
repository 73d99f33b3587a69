//! The token file of the metrics server's service account.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fake_apiserver::FakeApiServer;

use super::{WorldError, identities};
use crate::file::format::TokenChange;

/// The token and its file.
pub(super) struct AccountToken {
    file: PathBuf,
    /// How often it has been rotated.
    rotations: u32,
}

// === impl AccountToken ===

impl AccountToken {
    /// Writes the first token into a file in `folder`.
    pub(super) fn new(folder: &Path) -> Result<Self, WorldError> {
        let token = Self { file: folder.join("token"), rotations: 0 };
        token.write()?;
        Ok(token)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Invalidates the token, and writes a new one if it is rotated.
    pub(super) fn change(
        &mut self,
        change: TokenChange,
        api_server: &FakeApiServer,
    ) -> Result<(), WorldError> {
        api_server.remove_token(&self.token());
        match change {
            TokenChange::Expired => Ok(()),
            TokenChange::Rotated => {
                self.rotations += 1;
                identities::add_server_token(api_server, &self.token());
                self.write()
            }
        }
    }

    /// The token that is in the file.
    pub(super) fn token(&self) -> String {
        match self.rotations {
            0 => identities::SERVER_TOKEN.to_owned(),
            rotations => format!("{}-{rotations}", identities::SERVER_TOKEN),
        }
    }

    fn write(&self) -> Result<(), WorldError> {
        fs::write(&self.file, self.token()).map_err(WorldError::File)
    }
}

/// The change as text for the timeline.
pub(super) fn describe(change: TokenChange) -> &'static str {
    match change {
        TokenChange::Expired => "the metrics server's token has expired",
        TokenChange::Rotated => "the metrics server's token is rotated",
    }
}
