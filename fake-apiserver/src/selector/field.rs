use crate::{object::Object, resources::ResourceType};

/// Fields that must or must not have a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    wanted: bool,
    value: String,
}

// === impl FieldSelector ===

impl FieldSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let terms = split(text).into_iter().filter(|term| !term.is_empty()).map(|term| {
            Term::parse(&term)
                .ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{term}'"))
        });
        terms.collect::<Result<_, _>>().map(Self)
    }

    /// Refuses fields that the resource cannot be selected by.
    pub(crate) fn check(&self, resource: &ResourceType) -> Result<(), String> {
        let known: &[&str] = match resource.plural {
            "pods" => &["spec.nodeName", "status.phase", "status.podIP"],
            "nodes" => &["spec.unschedulable"],
            "namespaces" => &["status.phase"],
            _ => &[],
        };
        let unknown = self.0.iter().map(|term| term.field.as_str()).find(|field| {
            let everywhere = *field == "metadata.name"
                || *field == "metadata.namespace" && (resource.namespaced || known.is_empty());
            !everywhere && !known.contains(field)
        });
        match unknown {
            None => Ok(()),
            Some(field) if known.is_empty() => Err(format!(
                "{field:?} is not a known field selector: only \"metadata.name\", \
                 \"metadata.namespace\""
            )),
            Some(field) => Err(format!("field label not supported: {field}")),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one value that a field must have.
    pub(crate) fn exact(&self, field: &str) -> Option<String> {
        let term = self.0.iter().find(|term| term.field == field && term.wanted)?;
        Some(term.value.clone())
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.0.iter().all(|term| (value(object, &term.field) == term.value) == term.wanted)
    }
}

// === impl Term ===

impl Term {
    fn parse(term: &str) -> Option<Self> {
        let mut escaped = false;
        for (at, character) in term.char_indices() {
            let (operator, wanted) = match &term[at..] {
                _ if escaped => ("", true),
                rest if rest.starts_with("!=") => ("!=", false),
                rest if rest.starts_with("==") => ("==", true),
                rest if rest.starts_with('=') => ("=", true),
                _ => ("", true),
            };
            if !operator.is_empty() {
                let value = unescape(&term[at + operator.len()..])?;
                return Some(Self { field: term[..at].to_owned(), wanted, value });
            }
            escaped = character == '\\' && !escaped;
        }
        None
    }
}

fn value<'a>(object: &'a Object, field: &str) -> &'a str {
    match field {
        "metadata.name" => &object.key.name,
        "metadata.namespace" => &object.key.namespace,
        field => object
            .fields
            .iter()
            .find_map(|(name, value)| (*name == field).then_some(value.as_str()))
            .unwrap_or_default(),
    }
}

/// Parts between commas; one behind a backslash is part of a value.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == ',' && !escaped {
            terms.push(String::new());
        } else if let Some(term) = terms.last_mut() {
            term.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    terms
}

fn unescape(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        value.push(match character {
            '\\' => characters.next().filter(|next| matches!(next, '\\' | ',' | '='))?,
            '=' => return None,
            other => other,
        });
    }
    Some(value)
}
