//! A Metrics API server for Kubernetes: it watches nodes and pods, scrapes every kubelet, and
//! serves what they use as `metrics.k8s.io`.
//!
//! Data flows one way: `cluster` → `scrape` (over `kubelet`) → `store` → `api`.

pub mod api;
pub mod check;
mod clients;
pub mod cluster;
pub mod flags;
mod intern;
pub mod kubeconfigs;
pub mod kubelet;
pub mod metrics;
mod names;
pub mod program;
pub mod scrape;
pub mod server;
pub mod status;
pub mod store;
mod supervisor;
