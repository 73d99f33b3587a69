//! What a list is narrowed down with.

mod field;
mod label;
mod lexer;
mod names;

pub(super) use self::{
    field::{FieldSelector, FieldSelectorError},
    label::LabelSelector,
};
