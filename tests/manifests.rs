//! What is installed in clusters: that it is what Kubernetes reads, that its parts fit together,
//! and that the server takes the flags it is started with; and how it is released.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, and says what it skips"
)]

mod manifests {
    mod action;
    mod base;
    mod build;
    mod chart;
    mod image;
    mod kustomize;
    mod objects;
    mod release;
    mod tools;
}
