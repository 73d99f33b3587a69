//! Lines as kubelets write them: labels in their fixed order, nothing to unescape, one space
//! between fields, plain numbers.

use std::borrow::Cow;

use super::{Family, Line, Of, Series, points::Key};

/// Numbers of more digits than this, in one piece, are left to the other reader: `i64` and `u64`
/// hold every shorter one.
const DIGITS: usize = 18;

/// Reads a line in the kubelet's usual form. `None` means another form, not that the line is bad.
pub(super) fn read(line: &[u8]) -> Option<Line<'_>> {
    match line.first()? {
        b'#' => line.is_ascii().then_some(Line::Blank),
        b'c' => match container(line) {
            Some((family, rest)) => {
                let (key, rest) = key(rest)?;
                let (value, time) = numbers(rest)?;
                let value = parse(value)?;
                Some(Line::Series(Series { of: Of::Container(key), family, value, time }))
            }
            None => other(line),
        },
        b'n' => match node(line) {
            Some((family, rest)) => {
                let (value, time) = numbers(rest)?;
                let value = parse(value)?;
                Some(Line::Series(Series { of: Of::Node, family, value, time }))
            }
            None => other(line),
        },
        _ => other(line),
    }
}

/// The family of a container's series, and what follows `container="`.
fn container(line: &[u8]) -> Option<(Family, &[u8])> {
    let families: [(&[u8], Family); 3] = [
        (b"container_cpu_usage_seconds_total{container=\"", Family::Cpu),
        (b"container_memory_working_set_bytes{container=\"", Family::Memory),
        (b"container_start_time_seconds{container=\"", Family::Start),
    ];
    families.iter().find_map(|(name, family)| Some((*family, line.strip_prefix(*name)?)))
}

fn node(line: &[u8]) -> Option<(Family, &[u8])> {
    let families: [(&[u8], Family); 2] = [
        (b"node_cpu_usage_seconds_total ", Family::Cpu),
        (b"node_memory_working_set_bytes ", Family::Memory),
    ];
    families.iter().find_map(|(name, family)| Some((*family, line.strip_prefix(*name)?)))
}

fn key(rest: &[u8]) -> Option<(Key<'_>, &[u8])> {
    let (container, rest) = label(rest)?;
    let (namespace, rest) = label(rest.strip_prefix(b",namespace=\"")?)?;
    let (pod, rest) = label(rest.strip_prefix(b",pod=\"")?)?;
    Some((Key { container, namespace, pod }, rest.strip_prefix(b"} ")?))
}

/// A label's value up to its closing quote.
fn label(text: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let end = memchr::memchr2(b'"', b'\\', text)?;
    let (value, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b"\"")?;
    Some((Cow::Borrowed(std::str::from_utf8(value).ok()?), rest))
}

/// A series that is not used: only whether it is valid matters.
fn other(line: &[u8]) -> Option<Line<'_>> {
    if !line.first()?.is_ascii_lowercase() {
        return None;
    }
    let end = line.iter().position(|b| !(b.is_ascii_lowercase() || *b == b'_'))?;
    let (name, rest) = line.split_at(end);
    // These are left to the other reader.
    if is_ours(name) {
        return None;
    }
    let rest = match rest.strip_prefix(b"{") {
        Some(rest) => {
            let end = memchr::memchr(b'}', rest)?;
            let labels = &rest[..end];
            let quotes = memchr::memchr_iter(b'"', labels).count();
            if quotes % 2 == 1 || labels.contains(&b'\\') || !labels.is_ascii() {
                return None;
            }
            rest[end..].strip_prefix(b"} ")?
        }
        None => rest.strip_prefix(b" ")?,
    };
    numbers(rest).map(|_| Line::Other)
}

fn is_ours(name: &[u8]) -> bool {
    matches!(
        name,
        b"container_cpu_usage_seconds_total"
            | b"container_memory_working_set_bytes"
            | b"container_start_time_seconds"
            | b"node_cpu_usage_seconds_total"
            | b"node_memory_working_set_bytes"
            // The other reader decides about the value.
            | b"resource_scrape_error"
            | b"scrape_error"
    )
}

/// A value, sound but not yet read, and the time after it if there is one.
fn numbers(text: &[u8]) -> Option<(&[u8], Option<i64>)> {
    let value = text.len() - skip_value(text)?.len();
    let (value, rest) = text.split_at(value);
    if rest.is_empty() {
        return Some((value, None));
    }
    let time = rest.strip_prefix(b" ")?;
    let sound = !time.is_empty() && time.len() <= DIGITS && time.iter().all(u8::is_ascii_digit);
    let number = |time: &[u8]| time.iter().fold(0, |all, digit| all * 10 + i64::from(digit - b'0'));
    sound.then(|| (value, Some(number(time))))
}

/// What follows a plain number such as `12`, `0.5` or `2.3068672e+07`.
fn skip_value(text: &[u8]) -> Option<&[u8]> {
    let rest = skip_digits(text)?;
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => skip_digits(rest)?,
        None => rest,
    };
    match rest.split_first() {
        Some((b'e', [b'+' | b'-', rest @ ..])) => skip_digits(rest),
        _ => Some(rest),
    }
}

fn skip_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0).then(|| &text[digits..])
}

fn parse(value: &[u8]) -> Option<f64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
