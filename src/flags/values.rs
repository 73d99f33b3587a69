//! How Go's flag library reads values.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use clap::{Arg, builder::StyledStr};
use k8s_text::{
    duration::{self, DurationError},
    quantity::Quantity,
};

/// The value name that marks boolean flags, which need no value.
pub(super) const BOOL: &str = "BOOL";

/// A value that a flag cannot take.
#[derive(Debug, thiserror::Error)]
pub(super) enum ValueError {
    #[error("write true or false")]
    Boolean,
    #[error("write a whole number")]
    Number,
    #[error("write a whole number that is not negative")]
    Count,
    #[error("write a port, 1 to 65535")]
    Port,
    #[error("write an IP address")]
    Address,
    #[error("write a number")]
    Float,
    #[error("write a number of bytes, such as 512, 1k or 2Mi")]
    Size,
    #[error(
        "write a comma between values, and quotation marks around a value that has one of either: \"a,b\",c"
    )]
    List,
    #[error("write one of {0}")]
    OneOf(&'static str),
    #[error("{0}")]
    Other(String),
}

/// What holds for all flags: a boolean may stand alone and takes a value only after an equals
/// sign; any other takes the next argument, whatever that is; an empty default is none.
pub(super) fn complete(arg: Arg) -> Arg {
    let is_empty = matches!(arg.get_default_values(), [value] if value.is_empty());
    let arg = if is_empty { arg.hide_default_value(true) } else { arg };
    if arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == BOOL)) {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else if arg.get_long().is_some()
        && arg.get_action().takes_values()
        && !arg.is_require_equals_set()
    {
        arg.allow_hyphen_values(true)
    } else {
        arg
    }
}

pub(super) fn read_bool(text: &str) -> Result<bool, ValueError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(ValueError::Boolean),
    }
}

pub(super) fn read_duration(text: &str) -> Result<Duration, DurationError> {
    duration::parse(text)
}

/// Go reads numbers in base 10, 8 (`0…`, `0o…`), 16 (`0x…`) and 2 (`0b…`), with underscores
/// between digits.
pub(super) fn read_number(text: &str) -> Result<i64, ValueError> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = unsigned.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match prefix.as_deref() {
        Some("0x") => (16, &unsigned[2..]),
        Some("0b") => (2, &unsigned[2..]),
        Some("0o") => (8, &unsigned[2..]),
        _ if unsigned.len() > 1 && unsigned.starts_with('0') => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    let is_separated = !digits.contains("__")
        && !digits.ends_with('_')
        && (base != 10 || !digits.starts_with('_'))
        && !digits.starts_with(['+', '-']);
    let value = i128::from_str_radix(&digits.replace('_', ""), base).ok();
    value
        .filter(|_| is_separated)
        .and_then(|value| i64::try_from(sign * value).ok())
        .ok_or(ValueError::Number)
}

/// Numbers with commas between them.
pub(super) fn read_numbers(text: &str) -> Result<Vec<i32>, ValueError> {
    let number = |text: &str| i32::try_from(read_number(text)?).map_err(|_| ValueError::Number);
    text.split(',').map(number).collect()
}

pub(super) fn read_count(text: &str) -> Result<u64, ValueError> {
    read_number(text)?.try_into().map_err(|_| ValueError::Count)
}

pub(super) fn read_port(text: &str) -> Result<u16, ValueError> {
    let port = read_number(text).map_err(|_| ValueError::Port)?;
    u16::try_from(port).ok().filter(|port| *port != 0).ok_or(ValueError::Port)
}

pub(super) fn read_float(text: &str) -> Result<f64, ValueError> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or(ValueError::Float)
}

pub(super) fn read_size(text: &str) -> Result<Quantity, ValueError> {
    text.parse().map_err(|_| ValueError::Size)
}

/// A size in bytes: `512`, `64K`, `32Mi`.
pub(super) fn read_bytes(text: &str) -> Result<usize, ValueError> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: usize = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(ValueError::Size),
    };
    let count = digits.parse::<usize>().ok().filter(|count| *count > 0);
    count.and_then(|count| count.checked_mul(unit)).ok_or(ValueError::Size)
}

/// Go takes no address for every address, and an IPv4 address in IPv6 for what it is.
pub(super) fn read_address(text: &str) -> Result<IpAddr, ValueError> {
    match text.trim() {
        "" => Ok(Ipv4Addr::UNSPECIFIED.into()),
        text => text
            .parse()
            .map(|address: IpAddr| address.to_canonical())
            .map_err(|_| ValueError::Address),
    }
}

/// A path, or the empty text that stands for none.
#[allow(clippy::unnecessary_wraps, reason = "clap's value parsers return a Result")]
pub(super) fn read_path(text: &str) -> Result<PathBuf, ValueError> {
    Ok(PathBuf::from(text))
}

pub(super) fn drop_empty_path(path: &mut Option<PathBuf>) {
    path.take_if(|path| path.as_os_str().is_empty());
}

/// A flag's help in one line.
pub(super) fn plain(help: Option<&StyledStr>) -> String {
    let text = help.map(ToString::to_string).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
