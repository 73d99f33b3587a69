//! The help of the flags, for `docs/flags.md`, `/flagz`, and warnings at the start.

use std::fmt::Write;

use clap::{Arg, ArgMatches};
use k8s_text::duration;

use super::{
    Flags, accepted,
    list::{read_list, write_list},
    values,
};

const HEADER: &str = "\
# Flags

<!-- Made from src/flags by its test `the_reference_is_up_to_date`: UPDATE_DOCS=1 cargo test -p metrics-server flags -->

Every flag of the Go metrics server is accepted with its spelling, default and rules, so that its
manifests start this server too. The last column says what a flag does here: *works*, or why it has
no effect. A flag without effect that is given is named once in the log.

Booleans may stand alone (`--kubelet-insecure-tls`) or with a value (`=true`, `=false`). Durations
are written as Go writes them (`90s`, `1m30s`). Lists are separated by commas, or the flag is
repeated; a value with a comma or a quotation mark stands in quotation marks, as in CSV
(`'\"a,b\",c'`). Of a single value that is given twice the last counts.
";

/// Why a flag has no effect; `None` for one that has.
pub(super) fn no_effect(name: &str) -> Option<&'static str> {
    if let Some(accepted) = accepted::find(name) {
        return Some(accepted.reason);
    }
    match name {
        "log-flush-frequency" => Some("log lines are written at once"),
        _ => None,
    }
}

/// A flag's value in Go's notation.
pub(super) fn value(arg: &Arg, matches: &ArgMatches) -> String {
    let raw = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
    let values: Vec<_> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
    notation(arg, &values)
}

fn notation(arg: &Arg, values: &[String]) -> String {
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name);
    if arg.get_id() == "tls_sni_cert_key" {
        return format!("[{}]", values.join(";"));
    }
    if name.ends_with(",…") && name != "FILE=LEVEL,…" {
        // What is no CSV has been read by rules of its own.
        let read = |value: &String| read_list(value).unwrap_or_else(|_| vec![value.clone()]);
        return write_list(&values.iter().flat_map(read).collect::<Vec<_>>());
    }
    let value = values.last().map_or("", String::as_str);
    match name {
        "DURATION" => duration::parse(value).map_or(value.to_owned(), duration::format),
        "IP" if !value.is_empty() => {
            values::read_address(value).map_or(value.to_owned(), |ip| ip.to_string())
        }
        "LEVEL" | "NUMBER" | "PORT" => {
            let number = values::read_number(value).map(|number| number.to_string());
            let number = number.or_else(|_| values::read_float(value).map(|n| n.to_string()));
            number.unwrap_or_else(|_| value.to_owned())
        }
        values::BOOL => values::read_bool(value).map_or(value.to_owned(), |on| on.to_string()),
        _ => value.to_owned(),
    }
}

/// The text of `docs/flags.md`.
pub fn reference() -> String {
    let command = Flags::complete_command();
    let is_flag = |arg: &&Arg| arg.get_long().is_some_and(|name| name != "help");
    let flags = || command.get_arguments().filter(is_flag);
    let mut groups: Vec<&str> = Vec::new();
    for group in flags().filter_map(Arg::get_help_heading) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut text = HEADER.to_owned();
    for group in groups {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {group}\n\n| flag | default | what it is | here |\n|---|---|---|---|\n"
        );
        for arg in flags().filter(|arg| arg.get_help_heading() == Some(group)) {
            let _ = writeln!(text, "{}", row(arg));
        }
    }
    text
}

fn row(arg: &Arg) -> String {
    let name = arg.get_long().unwrap_or_default();
    let short = arg.get_short().map_or_else(String::new, |short| format!("`-{short}`, "));
    let kind = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name);
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let default = notation(arg, &defaults);
    let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
    let (about, here) = match accepted::find(name) {
        Some(accepted) => ("—".to_owned(), accepted.reason.to_owned()),
        None if name == "log-flush-frequency" => {
            (values::plain(arg.get_help()), "accepted: log lines are written at once".to_owned())
        }
        None => (values::plain(arg.get_help()), "*works*".to_owned()),
    };
    let cell = |text: &str| text.replace('|', "\\|");
    format!("| {short}`--{name}` {} | {} | {} | {here} |", cell(kind), cell(&default), cell(&about))
}
