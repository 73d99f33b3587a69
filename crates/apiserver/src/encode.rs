//! The notations in which objects are written.

pub mod json;
pub(crate) mod pretty;
pub mod protobuf;
pub mod time;
pub(crate) mod yaml;
mod yaml_text;
