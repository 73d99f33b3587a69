//! Thousands of kubelets in one process, true to Kubernetes 1.36's, each with its own usage and its
//! own faults.
//!
//! A [`Node`] and its [`Usage`] define the true usage at any moment; [`Sampling`] defines when the
//! kubelet samples it; [`exposition`] writes the samples as the real one does; a [`FakeKubelet`]
//! serves them over TLS to the clients that [`Access`](cluster_format::Access) allows, with its
//! [`Faults`](cluster_format::Faults).

mod api_server;
mod auth;
mod body;
mod certificates;
mod cluster;
mod config;
mod config_reload;
mod connection;
pub mod exposition;
mod faults;
mod faulty_stream;
mod fleet;
mod go_number;
mod handler;
mod kubelet;
mod listener;
mod node;
mod observer;
mod pages;
pub mod program;
mod random;
pub mod record;
mod replay;
mod responses;
pub mod sample;
mod sampling;
mod spec;
pub mod summary;
mod tls;
mod usage;

pub use self::{
    api_server::api_server_endpoint,
    auth::{
        ApiServerReviewer, Denied, DenyAll, NodeAttributes, ReviewError, Reviewer, User,
        paths::is_known as serves,
    },
    certificates::{Authority, CertificateError, Certificates, Identity, Subject, Validity},
    fleet::Fleet,
    kubelet::{Dependencies, FakeKubelet, KubeletError},
    node::{Container, Node, Pod},
    observer::{ObservedRequest, Observer},
    replay::{Recording, RecordingError},
    sampling::Sampling,
    spec::{KubeletSpec, Sources, SpecError, resource_path},
    usage::{Curve, Level, Shape, TraceError, Usage, UsageError, UsageSchedule},
};
