//! Label and field selectors, read, matched and refused as Kubernetes does.

mod field;
mod label;
mod lexer;
mod names;

pub use self::{
    field::{FieldSelector, FieldSelectorError},
    label::{LabelSelector, LabelSelectorError},
    names::{key_errors, value_errors},
};
