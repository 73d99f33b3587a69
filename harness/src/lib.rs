//! A Kubernetes cluster in a file: runs scenarios against a metrics server and reports what it did.

pub mod attack;
pub mod bench;
pub mod capture;
pub mod chaos;
pub mod compare;
pub mod diagnose;
pub mod dns;
pub mod events;
pub mod expect;
pub mod expected_usage;
pub mod explain;
pub mod file;
mod known_failures;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(not(target_os = "linux"))]
#[path = "namespaces_elsewhere.rs"]
mod namespaces;
pub mod new;
mod observers;
pub mod program;
pub mod report;
pub mod run;
pub mod top;
pub mod up;
pub mod world;
