use std::io::{self, Write};

use serde_json::Value;

use super::Report;

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    writeln!(out)
}

/// The JSON Schema of a report in JSON.
pub fn schema() -> Value {
    schemars::schema_for!(Report).to_value()
}
