//! Field selectors: requirements on an object's fields, read and refused as by Kubernetes.

/// Requirements on fields, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    equal: bool,
    value: String,
}

/// A text that is no field selector, with the messages of the API server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldSelectorError {
    /// There is no operator in a term.
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    NoOperator {
        /// The whole selector.
        selector: String,
        /// The term.
        term: String,
    },
    /// A backslash stands before something that needs none.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// An operator stands in a value.
    #[error("invalid field selector: unescaped character in value: {0}")]
    Unescaped(u32),
    /// The field cannot be selected by.
    #[error(
        "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        crate::go::quoted(.0)
    )]
    Unknown(String),
}

// === impl FieldSelector ===

impl FieldSelector {
    /// Reads a selector; any field may stand in it.
    pub fn parse(selector: &str) -> Result<Self, FieldSelectorError> {
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
        let mut read = Vec::with_capacity(terms.len());
        for (field, equal, value) in terms {
            read.push(Term { field: field.to_owned(), equal, value: unescape(value)? });
        }
        // As in the Go server, `=` and `!=` alone match everything.
        read.retain(|term| !(term.field.is_empty() && term.value.is_empty()));
        Ok(Self(read))
    }

    /// Refuses all fields but `metadata.name` and `metadata.namespace`.
    pub fn metadata_only(self) -> Result<Self, FieldSelectorError> {
        let known = |field: &str| matches!(field, "metadata.name" | "metadata.namespace");
        let unknown = self.fields().find(|field| !known(field)).map(str::to_owned);
        unknown.map_or(Ok(self), |field| Err(FieldSelectorError::Unknown(field)))
    }

    /// Whether every object matches.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many requirements there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The fields that stand in it.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|term| term.field.as_str())
    }

    /// The one value that a field must have.
    pub fn exact(&self, field: &str) -> Option<&str> {
        let term = self.0.iter().find(|term| term.equal && term.field == field)?;
        Some(&term.value)
    }

    /// Whether an object matches whose fields have the values that `value` gives; a field that it
    /// does not have is empty.
    pub fn matches<'a>(&self, value: impl Fn(&str) -> &'a str) -> bool {
        self.0.iter().all(|term| (value(&term.field) == term.value) == term.equal)
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

    fn fields<'a>(name: &'a str, namespace: &'a str) -> impl Fn(&str) -> &'a str {
        move |field| match field {
            "metadata.name" => name,
            "metadata.namespace" => namespace,
            _ => "",
        }
    }

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
            assert_eq!(selector.matches(fields("a", "n")), expected, "{text}");
        }
        let of_none = FieldSelector::parse("metadata.namespace=").unwrap();
        assert!(of_none.matches(fields("a", "")));
    }

    #[test]
    fn other_texts_are_refused_with_the_api_servers_messages() {
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
            let refused = FieldSelector::parse(text).and_then(FieldSelector::metadata_only);
            assert_eq!(refused.unwrap_err().to_string(), expected, "{text}");
        }
    }
}
