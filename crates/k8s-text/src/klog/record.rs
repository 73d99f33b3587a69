//! Log lines, read: klog's text, old and structured, and component-base's JSON.

use serde_json::Value;

use crate::go;

/// How far into a line its header may be: programs that collect logs put their own in front.
const LONGEST_PREFIX: usize = 512;

/// A log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How serious it is.
    pub severity: Severity,
    /// The message; all of an unstructured line.
    pub message: String,
    /// Names and values, in their order.
    pub fields: Vec<(String, String)>,
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Info,
    /// A warning.
    Warning,
    /// An error.
    Error,
    /// The program ended.
    Fatal,
}

/// Whether the value at the end of a line goes on in the next ones, until one that is ` >`: so klog
/// writes values of several lines.
pub fn is_open(line: &str) -> bool {
    line.ends_with("=<")
}

// === impl Record ===

impl Record {
    /// The record of a line; `None` where it is no log line.
    pub fn read(line: &str) -> Option<Self> {
        match text(line) {
            Some(record) => Some(record),
            None => json(line),
        }
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| &**value)
    }
}

fn text(line: &str) -> Option<Record> {
    let (severity, rest) = header(line)?;
    let Some((message, mut rest)) = go::unquoted(rest) else {
        return Some(Record { severity, message: rest.to_owned(), fields: Vec::new() });
    };
    let mut fields = Vec::new();
    while let Some((name, after)) = rest.trim_start().split_once('=') {
        // Whatever this is, it is no name.
        if name.contains(char::is_whitespace) {
            break;
        }
        let (value, after) = value(after);
        fields.push((name.to_owned(), value));
        rest = after;
    }
    Some(Record { severity, message, fields })
}

/// The value at the beginning of `text`, and what follows it.
fn value(text: &str) -> (String, &str) {
    if let Some(quoted) = go::unquoted(text) {
        return quoted;
    }
    if let Some(lines) = text.strip_prefix("<\n") {
        let (lines, rest) = lines.split_once("\n >").unwrap_or((lines, ""));
        return (lines.replace("\n\t", "\n").trim_start_matches('\t').to_owned(), rest);
    }
    let mut depth = 0_usize;
    let end = text.find(|c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ' ' && depth == 0
    });
    let (value, rest) = text.split_at(end.unwrap_or(text.len()));
    (value.to_owned(), rest)
}

/// Finds `E0104 09:53:46.000000       1 manager.go:111] `; the severity and what follows.
fn header(line: &str) -> Option<(Severity, &str)> {
    let bytes = line.as_bytes();
    let last = bytes.len().min(LONGEST_PREFIX);
    let starts = |at: usize| at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b']' | b'|' | b':');
    let at = (0..last).find(|at| starts(*at) && is_header(&bytes[*at..]))?;
    let severity = match bytes[at] {
        b'I' => Severity::Info,
        b'W' => Severity::Warning,
        b'E' => Severity::Error,
        _ => Severity::Fatal,
    };
    let (before, rest) = line[at..].split_once("] ")?;
    // The process and the source file stand between the time and the bracket.
    let has_caller =
        before.rsplit_once(':').is_some_and(|(_, number)| is_number(number.as_bytes()));
    has_caller.then_some((severity, rest))
}

/// Whether it begins with severity, month, day and time.
fn is_header(bytes: &[u8]) -> bool {
    let Some(([severity, date @ ..], rest)) = bytes.split_first_chunk::<5>().map(|(a, b)| (*a, b))
    else {
        return false;
    };
    let Some((time, _)) = rest.split_first_chunk::<9>() else { return false };
    let [b' ', h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return false };
    matches!(severity, b'I' | b'W' | b'E' | b'F')
        && is_number(&date)
        && is_number(&[h1, h2, m1, m2, s1, s2])
}

fn is_number(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

fn json(line: &str) -> Option<Record> {
    let line = &line[line.find("{\"")?..];
    let Value::Object(mut object) = serde_json::from_str(line.trim_end()).ok()? else {
        return None;
    };
    let message = object.remove("msg")?.as_str()?.to_owned();
    object.remove("ts")?;
    // Errors have no verbosity.
    let severity = if object.contains_key("v") { Severity::Info } else { Severity::Error };
    let fields = object.into_iter().map(|(name, value)| (name, plain(value))).collect();
    Some(Record { severity, message, fields })
}

/// A value as text has it: a reference to an object is `name` or `namespace/name`.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Object(object) => {
            let part = |key: &str| object.get(key).and_then(Value::as_str);
            match (part("namespace"), part("name")) {
                (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
                (None, Some(name)) => name.to_owned(),
                _ => Value::Object(object).to_string(),
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Severity, message and fields.
    type Expected = (Severity, &'static str, &'static [(&'static str, &'static str)]);

    /// Rows of: a line, and severity, message and fields that are read from it.
    #[test]
    fn lines_are_read() {
        let rows: [(&str, Option<Expected>); 12] = [
            (
                r#"E0104 09:53:46.000123       1 scraper.go:140] "Failed to scrape node" err="Get \"https://a\": EOF" node="k8s-node1" timeout=10s nodes=["a","b c"] n=3"#,
                Some((
                    Severity::Error,
                    "Failed to scrape node",
                    &[
                        ("err", "Get \"https://a\": EOF"),
                        ("node", "k8s-node1"),
                        ("timeout", "10s"),
                        ("nodes", r#"["a","b c"]"#),
                        ("n", "3"),
                    ],
                )),
            ),
            (
                "E0104 09:53:46.000123       1 manager.go:111] unable to fully collect metrics: [a=b] x",
                Some((Severity::Error, "unable to fully collect metrics: [a=b] x", &[])),
            ),
            (
                r#"metrics-server-7f metrics-server W1231 23:59:59.9    12 a.go:1] "b""#,
                Some((Severity::Warning, "b", &[])),
            ),
            ("F0104 09:53:46.0       1 main.go:1] x", Some((Severity::Fatal, "x", &[]))),
            (
                "E0104 09:53:46.0       1 a.go:1] \"m\" err=<\n\tfirst\n\t second\n > node=\"n\"",
                Some((Severity::Error, "m", &[("err", "first\n second"), ("node", "n")])),
            ),
            (
                r#"{"ts":1546595626000.123,"caller":"a.go:1","msg":"Failed","node":"n\"1","tries":2,"pod":{"name":"p","namespace":"d"},"err":"EOF"}"#,
                Some((
                    Severity::Error,
                    "Failed",
                    &[
                        ("caller", "a.go:1"),
                        ("err", "EOF"),
                        ("node", "n\"1"),
                        ("pod", "d/p"),
                        ("tries", "2"),
                    ],
                )),
            ),
            (
                r#"pod/a | {"ts":1546595626000.123,"caller":"a.go:1","msg":"Fine","v":0}"#,
                Some((Severity::Info, "Fine", &[("caller", "a.go:1"), ("v", "0")])),
            ),
            // Cut off within a quote.
            (r#"E0104 09:53:46.0       1 a.go:1] "Fai"#, Some((Severity::Error, "Fai", &[]))),
            (r#"{"msg":"not klog's"}"#, None),
            (r#"{"ts":1,"msg":"cut"#, None),
            ("E0104 is no time", None),
            ("", None),
        ];
        for (line, expected) in rows {
            let read = Record::read(line);
            let mut read = read.map(|record| (record.severity, record.message, record.fields));
            // JSON has no order.
            if line.contains("{\"")
                && let Some((_, _, fields)) = &mut read
            {
                fields.sort();
            }
            let expected = expected.map(|(severity, message, fields)| {
                let fields =
                    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                (severity, message.to_owned(), fields.collect::<Vec<_>>())
            });
            assert_eq!(read, expected, "{line}");
        }
    }
}
