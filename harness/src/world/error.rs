//! Why a world cannot be built or changed.

use std::io;

use fake_apiserver::{StartError, TlsError};
use fake_kubelet::{CertificateError, KubeletError, SpecError, UsageError};
use kube_dial::ApiClientError;

use super::AddressError;

/// A world that cannot be built or changed as a scenario describes it.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A node of the file cannot be run.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Usage of a step cannot be read.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A kubelet could not be started.
    #[error(transparent)]
    Kubelet(#[from] KubeletError),
    /// A client could not be made.
    #[error(transparent)]
    Client(#[from] ApiClientError),
    /// The metrics server could not be put behind the API server.
    #[error(transparent)]
    Backend(#[from] TlsError),
    /// The API server could not be started.
    #[error(transparent)]
    ApiServer(#[from] StartError),
    /// Something could not listen.
    #[error("failed to listen on {address} for {what}: {source}")]
    Listen {
        /// For what.
        what: &'static str,
        /// Where.
        address: std::net::SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A sandbox has no network.
    #[error("failed to lay the sandbox's network: {0}")]
    Network(io::Error),
    /// Kubelets cannot listen on this machine.
    #[error(transparent)]
    NoAddress(#[from] AddressError),
    /// The runtime could not be started.
    #[error("failed to start a runtime: {0}")]
    Runtime(io::Error),
    /// A node of a large cluster is not described as nodes are.
    #[error("failed to describe a node: {0}")]
    Node(serde_json::Error),
    /// An object of the metrics server is not as its type is.
    #[error("failed to add an object: {0}")]
    Object(serde_json::Error),
    /// A file for the metrics server could not be written.
    #[error("failed to write a temporary file: {0}")]
    File(io::Error),
    /// The metrics server's program could not be started.
    #[error("failed to start {program}: {source}")]
    Program {
        /// The program.
        program: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A step names a container that the node does not have.
    #[error("node {node:?} has no container {path:?}: write namespace/pod/container")]
    NoContainer {
        /// The node.
        node: String,
        /// The container as it was written.
        path: String,
    },
    /// A step removes a pod that the node does not have.
    #[error("node {node:?} has no pod {path:?}: write namespace/name")]
    NoPod {
        /// The node.
        node: String,
        /// The pod as it was written.
        path: String,
    },
}
