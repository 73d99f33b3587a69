//! A Kubernetes cluster in a file: runs scenarios against a metrics server and says what it saw.

pub mod file;
