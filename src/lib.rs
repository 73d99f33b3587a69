//! A Metrics API server for Kubernetes: it watches nodes and pods, scrapes every kubelet, and
//! serves what they use as `metrics.k8s.io`.
//!
//! Data flows one way: `cluster` → `scrape` (over `kubelet`) → `store` → `api`.

pub mod doors;
pub mod duration;
pub mod quantity;
pub mod serving;
