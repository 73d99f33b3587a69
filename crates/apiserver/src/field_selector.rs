use k8s_text::go;

/// Requirements on an object's name and namespace, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: Field,
    value: String,
    equal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Name,
    Namespace,
}

/// A text that is no field selector, in the words of the API server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldSelectorError {
    /// There is no operator in a term.
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    NoOperator { selector: String, term: String },
    /// A backslash stands before something that needs none.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// An operator stands in a value.
    #[error("invalid field selector: unescaped character in value: {0}")]
    Unescaped(u32),
    /// The field cannot be selected by.
    #[error(
        "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        go::quoted(.0)
    )]
    Unknown(String),
}

// === impl FieldSelector ===

impl FieldSelector {
    /// How many requirements it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn parse(selector: &str) -> Result<Self, FieldSelectorError> {
        let mut parts = split(selector);
        parts.sort_unstable();
        parts.retain(|part| !part.is_empty());
        let mut terms = Vec::with_capacity(parts.len());
        for term in parts {
            terms.push(split_term(term).ok_or_else(|| FieldSelectorError::NoOperator {
                selector: selector.to_owned(),
                term: term.to_owned(),
            })?);
        }
        let mut unescaped = Vec::with_capacity(terms.len());
        for (field, equal, value) in terms {
            unescaped.push((field, equal, unescape(value)?));
        }
        // As in the Go server, `=` and `!=` alone ask for nothing.
        unescaped.retain(|(field, _, value)| !(field.is_empty() && value.is_empty()));
        let known = unescaped.into_iter().map(|(field, equal, value)| {
            let field = match field {
                "metadata.name" => Field::Name,
                "metadata.namespace" => Field::Namespace,
                other => return Err(FieldSelectorError::Unknown(other.to_owned())),
            };
            Ok(Term { field, value, equal })
        });
        known.collect::<Result<_, _>>().map(Self)
    }

    /// Whether an object is meant. What has no namespace has the empty one.
    pub(crate) fn matches(&self, name: &str, namespace: Option<&str>) -> bool {
        self.0.iter().all(|term| {
            let value = match term.field {
                Field::Name => name,
                Field::Namespace => namespace.unwrap_or_default(),
            };
            (value == term.value) == term.equal
        })
    }
}

/// The terms between commas that no backslash precedes.
fn split(selector: &str) -> Vec<&str> {
    let mut escaped = false;
    selector
        .split(|character| {
            let splits = !escaped && character == ',';
            escaped = !escaped && character == '\\';
            splits
        })
        .collect()
}

/// Field, whether it is to be equal, and value.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    term.char_indices().find_map(|(at, _)| {
        let operators = [("!=", false), ("==", true), ("=", true)];
        operators.into_iter().find_map(|(operator, equal)| {
            Some((&term[..at], equal, term[at..].strip_prefix(operator)?))
        })
    })
}

fn unescape(value: &str) -> Result<String, FieldSelectorError> {
    let mut unescaped = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(next @ ('\\' | ',' | '=')) => unescaped.push(next),
                Some(next) => return Err(FieldSelectorError::Escape(format!("\\{next}"))),
                None => return Err(FieldSelectorError::Escape("\\".to_owned())),
            },
            ',' | '=' => return Err(FieldSelectorError::Unescaped(character.into())),
            other => unescaped.push(other),
        }
    }
    Ok(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_names_and_namespaces() {
        let cases = [
            ("", true),
            (",", true),
            ("metadata.name=a", true),
            ("metadata.name==a", true),
            ("metadata.name=b", false),
            ("metadata.name!=b", true),
            ("metadata.namespace=n,metadata.name=a", true),
            ("metadata.namespace!=n", false),
            ("metadata.name=a\\,b", false),
            ("metadata.name=", false),
            ("=", true),
            ("!=,metadata.name=a", true),
        ];
        for (text, expected) in cases {
            let selector = FieldSelector::parse(text).unwrap();
            assert_eq!(selector.matches("a", Some("n")), expected, "{text}");
        }
        let of_none = FieldSelector::parse("metadata.namespace=").unwrap();
        assert!(of_none.matches("a", None));
    }

    #[test]
    fn what_is_no_selector_is_refused_in_the_api_servers_words() {
        let cases = [
            ("xx", "invalid selector: 'xx'; can't understand 'xx'"),
            ("metadata.name=a,yy", "invalid selector: 'metadata.name=a,yy'; can't understand 'yy'"),
            (
                "spec.nodeName=a",
                r#""spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace""#,
            ),
            ("metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
            ("metadata.name=\\a", "invalid field selector: invalid escape sequence: \\a"),
            ("metadata.name=\\", "invalid field selector: invalid escape sequence: \\"),
        ];
        for (text, expected) in cases {
            assert_eq!(FieldSelector::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
