//! What is wrong with a file, in one line, with the name that was meant.

/// At most this share of a name may be wrong for it to be the one that was meant.
const MOST_WRONG: f64 = 0.34;

/// What some messages lack.
const CURES: [(&str, &str); 7] = [
    ("invalid socket address syntax", "write it as 127.0.0.1:10250 or [::1]:10250"),
    ("invalid IP address syntax", "write it as 192.0.2.7 or 2001:db8::7"),
    ("found a tab", "indent with spaces only"),
    ("tabs disallowed", "indent with spaces only"),
    ("did not find expected", "check the indentation and the brackets"),
    (
        "not allowed in this context",
        "check the indentation, and put a text that holds `: ` in quotes",
    ),
    (
        "unknown anchor",
        "name a value with `&` before it is used with `*`, or put the text in quotes",
    ),
];

/// Messages in the words of the parser's own interface, and what they mean to who writes the file.
const INSTEAD: [(&str, &str); 9] = [
    ("unexpected end of input", "there is nothing in it: write a list `nodes`"),
    (
        "multiple YAML documents",
        "a second document: write one fleet a file, and no `---` but at the beginning",
    ),
    ("non-finite float", "not a number that can be: write a finite one"),
    ("invalid u16", "write a whole number from 0 to 65535"),
    ("invalid u32", "write a whole number from 0 to 4294967295"),
    ("invalid u64", "write a whole number from 0 to 18446744073709551615"),
    ("expected sequence start", "write a list, such as `- …` in a line each or [a, b]"),
    ("expected mapping start", "write a map, such as `name: …` in a line each or {a: 1}"),
    ("invalid boolean", "write true or false"),
];

/// Without the snippet, which takes several lines, and without the place, which the file's name
/// goes before.
pub(super) fn in_one_line(error: &serde_yaml::Error) -> String {
    let text = error.without_snippet().to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    if let Some((_, instead)) = INSTEAD.iter().find(|(words, _)| message.contains(words)) {
        return (*instead).to_owned();
    }
    let mut message = message.replace('\n', " ");
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(',').next().unwrap_or(key);
        return format!("`{key}` is given twice: keep one of the two");
    }
    if let Some((_, cure)) = CURES.iter().find(|(lacking, _)| message.contains(lacking)) {
        message += ": ";
        message += cure;
    }
    match meant(&message) {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message,
    }
}

/// Of "unknown field `a`, expected one of `b`, `c`" the nearest to the first.
fn meant(message: &str) -> Option<&str> {
    if !message.contains("unknown ") {
        return None;
    }
    let (unknown, expected) = message.split_once(", expected ")?;
    let written = unknown.split('`').nth(1)?.to_lowercase();
    let expected = expected.strip_prefix("one of ").unwrap_or(expected);
    let names = expected.split([',', ' ']).map(|name| name.trim_matches('`'));
    let wrong = |name: &str| 1.0 - strsim::normalized_damerau_levenshtein(&written, name);
    names
        .map(|name| (wrong(&name.to_lowercase()), name))
        .filter(|(wrong, _)| *wrong <= MOST_WRONG)
        .min_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_meant_if_it_is_near() {
        let cases = [
            ("unknown field `listne`, expected one of name, listen", Some("listen")),
            ("unknown variant `open`, expected `Webhook` or `Open`", Some("Open")),
            ("unknown field `colour`, expected one of `name`, `listen`", None),
            ("missing field `name`", None),
        ];
        for (message, name) in cases {
            assert_eq!(meant(message), name, "{message}");
        }
    }
}
