//! Thousands of kubelets in one process, true to Kubernetes 1.36's, each with its own usage and its
//! own faults.
//!
//! A [`Node`] and its [`Usage`] say what is true at any moment; [`Sampling`] says when the kubelet
//! looked; [`exposition`] writes what it saw as the real one does; a [`FakeKubelet`] serves that
//! over TLS to those whom [`Access`] lets in, with whatever [`Faults`] it has.

mod access;
mod answers;
mod body;
mod certificates;
mod cluster;
mod config;
mod entrance;
pub mod exposition;
mod faults;
mod fleet;
mod follow;
mod kubelet;
mod node;
mod number;
mod observer;
mod own;
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
mod visitors;
mod wire;

pub use self::{
    access::{Access, ApiServer, Attempt, Denied, NobodyKnown, ReviewError, Reviewer, User},
    certificates::{
        Authority, CertificateError, CertificateKind, Certificates, Identity, Subject, Validity,
    },
    faults::{
        BodyFault, CertificateFault, Faults, Probability, ProbabilityError, SampleFault, TlsFault,
        TransferFault, Trickle, When,
    },
    fleet::Fleet,
    kubelet::{FakeKubelet, KubeletError, KubeletSpec, Surroundings},
    node::{Container, Node, Pod},
    observer::{Observer, SeenRequest},
    replay::{Recording, RecordingError},
    sampling::Sampling,
    usage::{Course, CourseError, Curve, Level, Shape, ShapeKind, ShapeSpec, TraceError, Usage},
};
