//! The sandbox world where there are no namespaces: an error that it needs Linux.

use std::{ffi::OsString, fs::File, io, path::Path, process::ExitCode};

use tokio::process;

/// Namespaces cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NamespaceError {
    /// Only Linux has them.
    #[error("the sandbox world needs Linux; elsewhere scenarios run in the simulated world")]
    NotLinux,
}

/// Only on Linux.
pub(crate) fn enter(_first: &str) -> Result<ExitCode, NamespaceError> {
    Err(NamespaceError::NotLinux)
}

/// Only on Linux.
pub(crate) fn end_with_parent() -> io::Result<()> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn leave_network() -> io::Result<File> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn new_network() -> io::Result<File> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn inside<T: Send>(
    _network: &File,
    _work: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn spawn(
    _network: &File,
    _command: &mut process::Command,
) -> io::Result<process::Child> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn terminate(_process: u32) -> io::Result<()> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn kill(_process: u32) -> io::Result<()> {
    not_linux()
}

/// Only on Linux.
pub(crate) fn become_pod(_folder: &Path, _program: &Path, _args: &[OsString]) -> io::Error {
    NamespaceError::NotLinux.into()
}

fn not_linux<T>() -> io::Result<T> {
    Err(NamespaceError::NotLinux.into())
}

impl From<NamespaceError> for io::Error {
    fn from(error: NamespaceError) -> Self {
        Self::new(io::ErrorKind::Unsupported, error)
    }
}
