//! Texts of mistakes: quoted values, lists of names, the nearest known name.

/// Longer texts are cut, so that one value cannot fill the screen.
const MOST_CHARACTERS: usize = 60;

/// The most names that are compared, so that a long list cannot take long.
const MOST_COMPARED: usize = 1000;

/// `text` in double quotes, cut if long.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

/// `a`, `a and b`, or `a, b and c`, each in quotes; `and` is the word before the last.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>, and: &str) -> String {
    let mut quoted: Vec<String> = names.into_iter().map(quote).collect();
    match quoted.pop() {
        None => String::new(),
        Some(last) if quoted.is_empty() => last,
        Some(last) => format!("{} {and} {last}", quoted.join(", ")),
    }
}

/// The name that `text` is most likely a misspelling of.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = text.chars().count();
    if length > MOST_CHARACTERS {
        return None;
    }
    let lower = text.to_lowercase();
    names
        .into_iter()
        .take(MOST_COMPARED)
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance * 3 <= length.max(name.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A help that names the nearest name, or lists them all as `known`, such as "known fields".
pub fn did_you_mean<'a>(
    text: &str,
    known: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(text, names.clone()) {
        Some(name) => format!("did you mean {}?", quote(name)),
        None => format!("{known}: {}", list(names, "and")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_name() {
        let names = ["usage", "name", "InternalIP", "internal"];
        let cases = [
            ("usgae", Some("usage")),
            ("Name", Some("name")),
            ("internalip", Some("InternalIP")),
            ("image", None),
            ("", None),
        ];
        for (text, name) in cases {
            assert_eq!(nearest(text, names), name, "{text:?}");
        }
    }

    #[test]
    fn lists_read_as_english() {
        assert_eq!(list([], "or"), "");
        assert_eq!(list(["a"], "or"), r#""a""#);
        assert_eq!(list(["a", "b", "c"], "or"), r#""a", "b" or "c""#);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(quote(&"ü".repeat(100)).chars().count(), MOST_CHARACTERS + 3);
    }
}
