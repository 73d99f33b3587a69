//! Any line that the format allows.

use std::borrow::Cow;

use super::{Family, Line, Of, Series, points::Key};

/// Reads a line; `None` when it is bad. That includes a line of a known series without the labels
/// that name its pod and container.
pub(super) fn read(line: &[u8]) -> Option<Line<'_>> {
    let line = std::str::from_utf8(line).ok()?.trim();
    if line.is_empty() || line.starts_with('#') {
        return Some(Line::Blank);
    }
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    if name.is_empty() || !sound || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_at(closing_brace(rest)?),
        None => ("", rest),
    };
    let mut fields = rest.strip_prefix('}').unwrap_or(rest).split_ascii_whitespace();
    let value: f64 = fields.next()?.parse().ok()?;
    let time = match fields.next() {
        Some(time) if time.bytes().all(|byte| byte.is_ascii_digit()) => Some(time.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    if fields.next().is_some() {
        return None;
    }
    let (family, of_node) = match name {
        "node_cpu_usage_seconds_total" => (Family::Cpu, true),
        "node_memory_working_set_bytes" => (Family::Memory, true),
        "container_cpu_usage_seconds_total" => (Family::Cpu, false),
        "container_memory_working_set_bytes" => (Family::Memory, false),
        "container_start_time_seconds" => (Family::Start, false),
        "resource_scrape_error" | "scrape_error" if value != 0.0 => return Some(Line::ScrapeError),
        _ => return Some(Line::Other),
    };
    let of = if of_node { Of::Node } else { Of::Container(key(labels)?) };
    Some(Line::Series(Series { of, family, value, time }))
}

/// Where the labels end: the first `}` outside quotes.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn key(mut text: &str) -> Option<Key<'_>> {
    let (mut namespace, mut pod, mut container) = (None, None, None);
    while let Some((name, rest)) = text.split_once('=') {
        let rest = rest.strip_prefix('"')?;
        let end = closing_quote(rest)?;
        let value = unescape(&rest[..end]);
        match name.trim() {
            "namespace" => namespace = Some(value),
            "pod" => pod = Some(value),
            "container" => container = Some(value),
            _ => {}
        }
        text = rest[end + 1..].trim_start().trim_start_matches(',').trim_start();
    }
    Some(Key { container: container?, namespace: namespace?, pod: pod? })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            (c, false) => plain.push(c),
        }
    }
    Cow::Owned(plain)
}
