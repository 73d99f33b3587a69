//! The scenario file: its format, its schema, its errors.
//!
//! A text becomes a tree that knows its places (`document`, `node`). The tree is held against the
//! JSON Schema (`structure`), and what is sound of it against the rules that a schema cannot
//! express (`check`), so that one look at a file reports every mistake. Only a file without any
//! becomes a [`ScenarioFile`], or one for each case of its matrix (`matrix`).

mod check;
mod discover;
mod document;
mod errors;
mod filter;
pub mod format;
mod load;
mod location;
mod matrix;
mod mistake;
mod named;
mod node;
mod reference;
mod schema;
mod shape;
mod structure;
pub mod values;
mod words;

pub use self::{
    discover::{DiscoverError, discover},
    errors::FileErrors,
    filter::Filter,
    load::{ScenarioFile, load, parse},
    location::Location,
    mistake::Mistake,
    reference::reference,
    schema::{editor_schema, schema},
};

pub(crate) use self::filter::fits;

#[cfg(test)]
mod tests;
