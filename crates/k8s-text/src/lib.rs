//! Texts as Kubernetes and Go write and read them: quantities, durations, label and field selectors, klog
//! lines, quoted strings, tables; and texts from elsewhere, safe to print.

pub mod duration;
pub mod go;
pub mod klog;
mod printable;
pub mod quantity;
pub mod selector;
pub mod table;

pub use self::printable::printable;
