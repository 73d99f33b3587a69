//! Texts as Kubernetes and Go write and read them: quantities, durations, label and field selectors, klog
//! lines, quoted strings, tables.

pub mod duration;
pub mod go;
pub mod klog;
pub mod quantity;
pub mod selector;
pub mod table;
