use std::{collections::BTreeMap, fmt, str::FromStr};

/// Which nodes matter: `--node-selector`. Understands `=`, `==` and `!=`, as the Go server's help
/// says; a text that asks for more is refused rather than misread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    value: String,
    equal: bool,
}

/// A text that is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} is not key=value, key==value or key!=value")]
pub struct SelectorError {
    part: String,
}

// === impl NodeSelector ===

impl NodeSelector {
    /// Whether labels satisfy every requirement. A label that is missing is not equal to anything.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let same =
                labels.get(&requirement.key).is_some_and(|value| *value == requirement.value);
            same == requirement.equal
        })
    }
}

impl FromStr for NodeSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(requirement).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for NodeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Requirement { key, value, equal }) in self.0.iter().enumerate() {
            let (comma, operator) =
                (if at == 0 { "" } else { "," }, if *equal { "=" } else { "!=" });
            write!(f, "{comma}{key}{operator}{value}")?;
        }
        Ok(())
    }
}

fn requirement(part: &str) -> Result<Requirement, SelectorError> {
    let wrong = || SelectorError { part: part.trim().to_owned() };
    let (key, rest, equal) = if let Some((key, value)) = part.split_once("!=") {
        (key, value, false)
    } else {
        let (key, value) = part.split_once('=').ok_or_else(wrong)?;
        (key, value.strip_prefix('=').unwrap_or(value), true)
    };
    let (key, value) = (key.trim(), rest.trim());
    if key.is_empty() || !is_label_text(key, true) || !is_label_text(value, false) {
        return Err(wrong());
    }
    Ok(Requirement { key: key.to_owned(), value: value.to_owned(), equal })
}

/// Only what the API server accepts as a label can ever match.
fn is_label_text(text: &str, slash: bool) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c) || slash && c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_what_it_says() {
        let labels = BTreeMap::from([
            ("zone".to_owned(), "a".to_owned()),
            ("gpu".to_owned(), String::new()),
        ]);
        let cases = [
            ("", true),
            ("zone=a", true),
            ("zone==a , gpu=", true),
            ("zone=b", false),
            ("zone!=b", true),
            ("metrics-server-skip!=true", true),
            ("zone=a,zone!=a", false),
            ("other=", false),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<NodeSelector>().unwrap().matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["zone", "!zone", "zone in (a,b)", "=a", "zone=a,", "zone=a=b"] {
            assert!(text.parse::<NodeSelector>().is_err(), "{text}");
        }
        let error = "zone in".parse::<NodeSelector>().unwrap_err();
        assert_eq!(error.to_string(), "\"zone in\" is not key=value, key==value or key!=value");
    }

    #[test]
    fn is_written_as_it_is_read() {
        assert_eq!("a==b, c!=d".parse::<NodeSelector>().unwrap().to_string(), "a=b,c!=d");
    }
}
