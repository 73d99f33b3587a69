use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;
use tracing::{Level, Metadata};

use super::{Fields, caller, verbosity_of};

/// A line as component-base writes it: errors have no verbosity, and their cause comes last.
pub(super) fn line(now: Timestamp, metadata: &Metadata<'_>, fields: &Fields) -> String {
    let micros = now.as_microsecond();
    let mut line = format!(
        "{{\"ts\":{}.{:03},\"caller\":{},\"msg\":{}",
        micros.div_euclid(1000),
        micros.rem_euclid(1000),
        Value::String(caller(metadata)),
        Value::String(fields.message.clone()),
    );
    if *metadata.level() == Level::ERROR {
        let (error, others) = fields.error_and_others();
        others.chain(error).for_each(|field| add(&mut line, field));
    } else {
        let verbosity = verbosity_of(metadata).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = write!(line, ",\"v\":{verbosity}");
        fields.others.iter().for_each(|field| add(&mut line, field));
    }
    line.push('}');
    line
}

fn add(line: &mut String, (name, value): &(&'static str, Value)) {
    // Writing to a String cannot fail.
    let _ = write!(line, ",{}:{value}", Value::from(*name));
}
