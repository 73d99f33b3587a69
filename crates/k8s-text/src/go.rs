//! How Go writes what messages contain.

use std::fmt::Write;

/// A string as `%q` writes it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        // Writing to a String cannot fail.
        let _ = match character {
            '"' | '\\' => write!(quoted, "\\{character}"),
            '\u{7}' => quoted.write_str("\\a"),
            '\u{8}' => quoted.write_str("\\b"),
            '\u{c}' => quoted.write_str("\\f"),
            '\n' => quoted.write_str("\\n"),
            '\r' => quoted.write_str("\\r"),
            '\t' => quoted.write_str("\\t"),
            '\u{b}' => quoted.write_str("\\v"),
            _ if is_printed(character) => quoted.write_char(character),
            _ => match u32::from(character) {
                code @ ..0x80 => write!(quoted, "\\x{code:02x}"),
                code @ 0x80..0x1_0000 => write!(quoted, "\\u{code:04x}"),
                code => write!(quoted, "\\U{code:08x}"),
            },
        };
    }
    quoted.push('"');
    quoted
}

fn is_printed(character: char) -> bool {
    character == '\'' || character.escape_debug().len() == 1
}

/// The error of `strconv.ParseInt` for a text that is not an `i64`; `None` when it is one.
pub fn parse_int_error(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let cause = if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        "invalid syntax"
    } else if text.parse::<i64>().is_err() {
        "value out of range"
    } else {
        return None;
    };
    Some(format!("strconv.ParseInt: parsing {}: {cause}", quoted(text)))
}

/// `strconv.ParseBool`; false for what it refuses.
pub fn parse_bool(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_go_quotes_them() {
        let cases = [
            ("a", r#""a""#),
            ("it's", r#""it's""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("\n\u{1}\u{7f}", r#""\n\x01\x7f""#),
            ("h\u{fc}\u{200b}\u{1f600}\u{e0001}", "\"h\u{fc}\\u200b\u{1f600}\\U000e0001\""),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn invalid_numbers_are_refused_with_gos_errors() {
        let cases = [
            ("1", None),
            ("-9223372036854775808", None),
            ("x", Some(r#"strconv.ParseInt: parsing "x": invalid syntax"#)),
            ("", Some(r#"strconv.ParseInt: parsing "": invalid syntax"#)),
            (
                "9223372036854775808",
                Some(r#"strconv.ParseInt: parsing "9223372036854775808": value out of range"#),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_int_error(text).as_deref(), expected, "{text}");
        }
    }
}
