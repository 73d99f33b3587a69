use std::borrow::Cow;

/// The parameters of a URL, read as Go's `url.ParseQuery` does: what cannot be read is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

// === impl Query ===

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        let pairs = raw.split('&').filter(|part| !part.is_empty() && !part.contains(';'));
        let decoded = pairs.filter_map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((unescape(name)?, unescape(value)?))
        });
        Self(decoded.collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is true unless its value is false.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }
}

fn unescape(text: &str) -> Option<String> {
    let escapes = text.bytes().enumerate().filter(|(_, byte)| *byte == b'%');
    for (at, _) in escapes {
        let digits = text.as_bytes().get(at + 1..at + 3)?;
        digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
    }
    let spaced: Cow<'_, str> =
        if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    Some(percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_go_reads_them() {
        let query = Query::parse("a=1&a=2&b&c=x+y%21&d=%zz&e;f=1&&=v&%67=g=h&w=%ff");
        let values = ["a", "b", "c", "d", "e", "e;f", "", "g", "w"].map(|name| query.get(name));
        let expected = [
            Some("1"),
            Some(""),
            Some("x y!"),
            None,
            None,
            None,
            Some("v"),
            Some("g=h"),
            Some("\u{fffd}"),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn boolean_parameters_are_true_unless_their_value_is_false() {
        let query = Query::parse("a&b=0&c=False&d=no&e=1");
        let flags = ["a", "b", "c", "d", "e", "f"].map(|name| query.flag(name));
        assert_eq!(flags, [Some(true), Some(false), Some(false), Some(true), Some(true), None]);
    }
}
