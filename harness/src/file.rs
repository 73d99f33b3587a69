//! The scenario file: its format, its schema, its errors.
//!
//! A text becomes a tree that knows its places (`document`, `node`). The tree is held against the
//! JSON Schema (`structure`), and what is sound of it against the rules that a schema cannot
//! express (`check`), so that one look at a file reports every mistake. Only a file without any
//! becomes a [`ScenarioFile`].

mod check;
mod discover;
mod document;
mod errors;
pub mod format;
mod load;
mod location;
mod mistake;
mod node;
mod schema;
mod shape;
mod structure;
pub mod values;
mod words;

pub use self::{
    discover::{DiscoverError, discover},
    errors::FileErrors,
    load::{ScenarioFile, load, parse},
    location::Location,
    mistake::Mistake,
    schema::schema,
};

#[cfg(test)]
mod tests;
