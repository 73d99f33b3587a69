//! Thousands of kubelets in one process, true to Kubernetes 1.36's, each with its own usage and its
//! own faults.
//!
//! A [`Node`] and its [`Usage`] say what is true at any moment; [`Sampling`] says when the kubelet
//! looked; [`exposition`] writes what it saw as the real one does; a [`FakeKubelet`] serves that
//! over TLS to those whom [`Access`] lets in, with whatever [`Faults`] it has.

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
pub mod summary;
mod tls;
mod usage;

pub use self::{
    api_server::api_server_endpoint,
    auth::{
        Access, ApiServerReviewer, Denied, DenyAll, NodeAttributes, ReviewError, Reviewer, User,
    },
    certificates::{
        Authority, CertificateError, CertificateKind, Certificates, Identity, Subject, Validity,
    },
    faults::{
        BodyFault, CertificateFault, Faults, Probability, ProbabilityError, SampleFault, TlsFault,
        TransferFault, Trickle, When,
    },
    fleet::Fleet,
    kubelet::{Dependencies, FakeKubelet, KubeletError, KubeletSpec},
    node::{Container, Node, Pod},
    observer::{ObservedRequest, Observer},
    replay::{Recording, RecordingError},
    sampling::Sampling,
    usage::{
        Curve, Level, Shape, ShapeKind, ShapeSpec, TraceError, Usage, UsageError, UsageSchedule,
    },
};
