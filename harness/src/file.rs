//! The scenario file: its format, its schema, its mistakes.
//!
//! The format of a cluster is that of the crate `cluster-format`; steps, expectations, DNS and the
//! server under test are here. Values replace their variables (`variables`), the file is validated
//! against the JSON Schema, and then by the rules that a schema cannot express (`check`), so that
//! one run reports every mistake. Only a file without any becomes a [`ScenarioFile`], or one for
//! each case of its matrix (`matrix`).

mod check;
mod discover;
mod filter;
pub mod format;
mod load;
mod matrix;
mod schema;
mod variables;

pub use cluster_format::{FileErrors, Location, Mistake, values};

pub use self::{
    discover::{DiscoverError, discover},
    filter::Filter,
    load::{ScenarioFile, load, load_cluster, parse},
    schema::{editor_schema, reference, schema},
};

pub(crate) use self::filter::fits;

#[cfg(test)]
mod tests;
