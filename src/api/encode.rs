//! The notations in which objects are written.

pub(super) mod json;
pub(super) mod pretty;
pub(super) mod protobuf;
pub(super) mod time;
pub(super) mod yaml;
mod yaml_text;
