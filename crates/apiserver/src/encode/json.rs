//! JSON as Go writes it, straight into a buffer.

use std::collections::BTreeMap;

/// Writes a string. What HTML would take for markup is escaped, as Go does.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            b'<' => b"\\u003c",
            b'>' => b"\\u003e",
            b'&' => b"\\u0026",
            0x00..0x20 => {
                out.extend_from_slice(&bytes[written..at]);
                out.extend_from_slice(b"\\u00");
                out.extend([byte >> 4, byte & 15].map(hex));
                written = at + 1;
                continue;
            }
            // Line and paragraph separators, which JavaScript once took for ends of lines.
            0xe2 if bytes[at..].starts_with(b"\xe2\x80\xa8") => b"\\u2028",
            0xe2 if bytes[at..].starts_with(b"\xe2\x80\xa9") => b"\\u2029",
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        out.extend_from_slice(escaped);
        written = at + if *byte == 0xe2 { 3 } else { 1 };
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

fn hex(digit: u8) -> u8 {
    match digit {
        0..10 => b'0' + digit,
        _ => b'a' + digit - 10,
    }
}

/// Writes `,"name":"value"`, or without the comma what comes first.
pub fn field(out: &mut Vec<u8>, before: &str, value: &str) {
    out.extend_from_slice(before.as_bytes());
    string(out, value);
}

/// Writes an object of strings.
pub fn strings(out: &mut Vec<u8>, values: &BTreeMap<String, String>) {
    let mut separator = b'{';
    for (name, value) in values {
        out.push(separator);
        string(out, name);
        out.push(b':');
        string(out, value);
        separator = b',';
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let cases = [
            ("", r#""""#),
            ("a\"\\\n\r\t\u{8}\u{c}\u{1}\u{1f}", r#""a\"\\\n\r\t\b\f\u0001\u001f""#),
            ("<a&b>\u{7f}", "\"\\u003ca\\u0026b\\u003e\u{7f}\""),
            ("\u{2028}x\u{2029}\u{2030}\u{fc}", "\"\\u2028x\\u2029\u{2030}\u{fc}\""),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
