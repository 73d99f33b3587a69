//! Lines as people paste them into issues, each with what it says.

#[path = "lines/go_server.rs"]
mod go_server;
#[path = "lines/kubectl.rs"]
mod kubectl;
#[path = "lines/others.rs"]
mod others;

use diagnosis::Cause;

pub(crate) use self::{go_server::GO_SERVER, kubectl::KUBECTL, others::OTHERS};

/// What a line must say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// This cause, of no node.
    Cause(Cause),
    /// These causes, each of a node.
    Nodes(&'static [(Cause, &'static str)]),
    /// Nothing that is wrong.
    Harmless,
    /// These causes, each of a node, and a part that is not known.
    Partly(&'static [(Cause, &'static str)]),
    /// It is not known.
    Unknown,
}
