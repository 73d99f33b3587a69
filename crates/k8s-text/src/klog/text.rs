use std::fmt::Write;

use jiff::Timestamp;
use serde_json::Value;
use tracing::{Level, Metadata};

use super::{Fields, caller};

/// A line as klog writes it.
pub(super) fn line(now: Timestamp, pid: u32, metadata: &Metadata<'_>, fields: &Fields) -> String {
    let severity = match *metadata.level() {
        Level::ERROR => 'E',
        Level::WARN => 'W',
        _ => 'I',
    };
    let mut line = format!(
        "{severity}{} {pid:>7} {}] {:?}",
        now.strftime("%m%d %H:%M:%S.%6f"),
        caller(metadata),
        fields.message,
    );
    if *metadata.level() == Level::ERROR {
        // klog's errors begin with the cause.
        let (error, others) = fields.error_and_others();
        error.into_iter().chain(others).for_each(|field| add(&mut line, field));
    } else {
        fields.others.iter().for_each(|field| add(&mut line, field));
    }
    line
}

fn add(line: &mut String, (name, value): &(&'static str, Value)) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::String(text) => write!(line, " {name}={text:?}"),
        other => write!(line, " {name}={other}"),
    };
}
