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

/// A string that `%q`, or Rust's `{:?}`, has quoted, and what follows it; `None` where `text` does
/// not begin with a quote. A line that was cut off may lack the quote at the end.
pub fn unquoted(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix('"')?;
    let (mut content, mut characters) = (String::new(), rest.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((content, &rest[at + 1..])),
            '\\' => {
                let Some((_, escaped)) = characters.next() else { break };
                match unescaped(escaped, characters.as_str()) {
                    (Some(character), length) => {
                        content.push(character);
                        for _ in 0..length {
                            characters.next();
                        }
                    }
                    // Not an escape: what was there stays.
                    (None, _) => content.extend(['\\', escaped]),
                }
            }
            other => content.push(other),
        }
    }
    Some((content, ""))
}

/// What `\` and `escaped` stand for, with how many characters of `rest` belong to it.
fn unescaped(escaped: char, rest: &str) -> (Option<char>, usize) {
    let digits = |length: usize| {
        let code = rest.get(..length).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        (code.and_then(char::from_u32), length)
    };
    match escaped {
        'n' => (Some('\n'), 0),
        't' => (Some('\t'), 0),
        'r' => (Some('\r'), 0),
        'a' => (Some('\u{7}'), 0),
        'b' => (Some('\u{8}'), 0),
        'f' => (Some('\u{c}'), 0),
        'v' => (Some('\u{b}'), 0),
        '0' => (Some('\0'), 0),
        '"' | '\\' | '\'' => (Some(escaped), 0),
        'x' => digits(2),
        'u' => match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((digits, _)) if digits.len() <= 6 => {
                let code = u32::from_str_radix(digits, 16).ok();
                (code.and_then(char::from_u32), digits.len() + 2)
            }
            _ => digits(4),
        },
        'U' => digits(8),
        _ => (None, 0),
    }
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
    fn what_was_quoted_is_read_back() {
        for text in ["", "a", "a\"b\\", "\n\u{1}\u{7f}\t\u{7}", "h\u{fc}\u{200b}\u{1f600}\u{e0001}"]
        {
            let after = " more";
            assert_eq!(unquoted(&(quoted(text) + after)), Some((text.to_owned(), after)));
            assert_eq!(unquoted(&format!("{text:?}{after}")), Some((text.to_owned(), after)));
        }
        // Neither quoted, nor to the end, nor an escape.
        assert_eq!(unquoted("a"), None);
        assert_eq!(unquoted(r#""a\"#), Some(("a".to_owned(), "")));
        assert_eq!(unquoted(r#""a\q\xzz\u{}"#), Some((r"a\q\xzz\u{}".to_owned(), "")));
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
