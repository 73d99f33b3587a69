//! Label selectors, read, judged and refused as Kubernetes does.

mod label;
mod lexer;
mod names;

pub use self::label::{LabelSelector, LabelSelectorError};
