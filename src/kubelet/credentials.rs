//! The bearer token that kubelets are shown.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// What a kubelet is shown besides a certificate.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// A bearer token.
    Token(Arc<str>),
    /// A file with a bearer token.
    TokenFile(Arc<TokenFile>),
}

/// A file with a bearer token, read again for every cycle, because tokens are rotated.
pub struct TokenFile {
    path: PathBuf,
    /// What it held when it could be read last.
    last: Mutex<Option<Arc<str>>>,
}

// === impl Credentials ===

impl Credentials {
    /// The token to show now.
    pub fn token(&self) -> Option<Arc<str>> {
        match self {
            Self::None => None,
            Self::Token(token) => Some(token.clone()),
            Self::TokenFile(file) => file.read(),
        }
    }
}

// === impl TokenFile ===

impl TokenFile {
    /// A file that has not been read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), last: Mutex::default() }
    }

    /// The token; the one before it while the file cannot be read.
    fn read(&self) -> Option<Arc<str>> {
        // A few hundred bytes of a file system in memory. A read on another thread would end when
        // it ends, and two runs in the simulated world would differ.
        let read = std::fs::read_to_string(&self.path);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(token) => *last = Some(token.trim().into()),
            Err(error) => {
                let file = self.path.display();
                tracing::error!(%file, err = %error, "Failed to read the token for kubelets");
            }
        }
        last.clone()
    }
}
