//! The scenario file: its format, its schema, its errors.

pub mod format;
pub mod values;
