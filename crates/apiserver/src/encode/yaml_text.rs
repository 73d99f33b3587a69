//! Strings in YAML: when go-yaml quotes them, and how.

use std::io::Write;

/// Lines longer than this are broken at the next space.
const WIDTH: usize = 80;

/// The position of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Key,
    /// Behind a key or a dash; if it is broken, the next line begins at `indent`.
    Value {
        indent: usize,
    },
}

/// Writes `text` plain if it can be, quoted if it must be.
pub(super) fn write(out: &mut Vec<u8>, text: &str, place: Place) {
    if text.chars().any(|character| character.is_control() || character == '\u{feff}') {
        double_quoted(out, text);
    } else if means_something_else(text) {
        // No character of such a text needs to be escaped.
        double_quoted(out, text);
    } else if can_be_plain(text) {
        folded(out, text, place, 0);
    } else {
        out.push(b'\'');
        folded(out, &text.replace('\'', "''"), place, 1);
        out.push(b'\'');
    }
}

fn double_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        // Writing to a Vec cannot fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\n' => out.write_all(b"\\n"),
            '\r' => out.write_all(b"\\r"),
            '\t' => out.write_all(b"\\t"),
            '\0' => out.write_all(b"\\0"),
            '\u{feff}' => out.write_all(b"\\uFEFF"),
            _ if character.is_control() => write!(out, "\\x{:02X}", u32::from(character)),
            _ => write!(out, "{character}"),
        };
    }
    out.push(b'"');
}

/// Writes `text` with a line break in place of a lone space wherever the line is too long.
fn folded(out: &mut Vec<u8>, text: &str, place: Place, quotes: usize) {
    let Place::Value { indent } = place else {
        out.extend_from_slice(text.as_bytes());
        return;
    };
    let line_start = out.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut column = out.len() - line_start;
    let mut after_space = false;
    for (at, character) in text.char_indices() {
        let is_space = character == ' ';
        let inner = quotes == 0 || (at > 0 && at + 1 < text.len());
        if is_space && inner && !after_space && column > WIDTH && !text[at + 1..].starts_with(' ') {
            out.push(b'\n');
            out.resize(out.len() + indent, b' ');
            column = indent;
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            column += 1;
        }
        after_space = is_space;
    }
}

/// Whether YAML without quotes around `text` is read as the same string.
fn can_be_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let space_behind = |at: usize| bytes.get(at + 1).is_none_or(|next| *next == b' ');
    !(text.starts_with("---")
        || text.starts_with("...")
        || *first == b' '
        || *last == b' '
        || b"#,[]{}&*!|>'\"%@`".contains(first)
        || (b"-?:".contains(first) && space_behind(0))
        || bytes.iter().enumerate().any(|(at, byte)| *byte == b':' && space_behind(at))
        || text.contains(" #"))
}

/// Whether `text` without quotes would be taken for something else than a string.
fn means_something_else(text: &str) -> bool {
    const WORDS: [&str; 12] =
        ["y", "yes", "n", "no", "true", "false", "on", "off", "null", ".nan", ".inf", "+.inf"];
    let Some(first) = text.bytes().next() else { return true };
    // Only all of one case, or a capital letter in front, is such a word.
    let is_word = |word: &str| {
        text.eq_ignore_ascii_case(word)
            && (text == word
                || text == word.to_ascii_uppercase()
                || (text[1..] == word[1..] && word != ".inf" && word != ".nan"))
    };
    match first {
        b'~' => text == "~",
        b'<' => text == "<<",
        b'0'..=b'9' | b'-' | b'+' | b'.' => {
            is_number(text)
                || is_date(text)
                || ["-.inf", "-.Inf", "-.INF", ".Inf", "+.Inf", ".NaN"].contains(&text)
                || WORDS.into_iter().any(is_word)
        }
        _ => WORDS.into_iter().any(is_word),
    }
}

fn is_number(text: &str) -> bool {
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let lower = unsigned.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return u64::from_str_radix(digits, radix).is_ok();
        }
    }
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = unsigned.split(':');
    // Base 60, which YAML 1.1 had: 1:30.
    if parts.clone().count() > 1 {
        let first = parts.next().is_some_and(is_digits);
        return first && parts.all(|part| part.len() <= 5 && is_digits(&part.replace('.', "")));
    }
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    is_digits(exponent)
        && (is_digits(whole) && (fraction.is_empty() || is_digits(fraction))
            || whole.is_empty() && is_digits(fraction) && mantissa.contains('.'))
}

fn is_date(text: &str) -> bool {
    let date_end = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (date, time) = text.split_at(date_end);
    let parts: Vec<_> = date.split('-').collect();
    let fits = |part: &str, widths: std::ops::RangeInclusive<usize>| {
        widths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(parts[..], [year, month, day] if fits(year, 4..=4) && fits(month, 1..=2) && fits(day, 1..=2))
        && (time.is_empty() || time.len() > 1 && time.as_bytes()[1].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_where_go_yaml_quotes_them() {
        let cases = [
            ("a", "a"),
            ("", "\"\""),
            ("1", "\"1\""),
            ("100m", "100m"),
            ("2343750Ki", "2343750Ki"),
            ("1e3", "\"1e3\""),
            ("1E", "1E"),
            ("0x1f", "\"0x1f\""),
            ("1_000", "\"1_000\""),
            ("1:30", "\"1:30\""),
            ("10.0.0.1", "10.0.0.1"),
            ("1.5", "\"1.5\""),
            (".5", "\".5\""),
            ("15.006s", "15.006s"),
            ("true", "\"true\""),
            ("True", "\"True\""),
            ("tRue", "tRue"),
            ("y", "\"y\""),
            ("Off", "\"Off\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("2026-11-22T09:27:24Z", "\"2026-11-22T09:27:24Z\""),
            ("2026-11-22", "\"2026-11-22\""),
            ("2026-11-22-a", "2026-11-22-a"),
            ("a: b", "'a: b'"),
            ("a:b", "a:b"),
            ("a #b", "'a #b'"),
            ("'a'", "'''a'''"),
            ("- a", "'- a'"),
            ("-a", "-a"),
            ("*", "'*'"),
            ("a\nb", "\"a\\nb\""),
            (" a", "' a'"),
            ("kubernetes.io/os", "kubernetes.io/os"),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            write(&mut out, text, Place::Value { indent: 2 });
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn long_lines_are_broken_at_spaces() {
        let mut out = b"message: ".to_vec();
        write(&mut out, &["word"; 30].join(" "), Place::Value { indent: 2 });
        let text = String::from_utf8(out).unwrap();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [83, 76], "{text}");
    }
}
