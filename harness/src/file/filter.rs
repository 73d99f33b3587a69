//! Chooses scenarios by name and labels.

use std::{convert::Infallible, str::FromStr};

use super::ScenarioFile;

/// Which scenarios are meant: a part of the path and `[case]`, a pattern with `*` for them, or, as in
/// Kubernetes, labels such as `area=dns,profile!=extension`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Part(String),
    Pattern(String),
    Labels(Vec<Requirement>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    label: String,
    value: String,
    equal: bool,
}

/// Whether `text` matches `pattern`, in which `*` matches anything.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        // All but the last part may stand as early as they can.
        if let Some(before) = last.replace(part) {
            let Some(at) = rest.find(before) else { return false };
            rest = &rest[at + before.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

// === impl Filter ===

impl Filter {
    /// Whether a scenario is meant.
    pub fn matches(&self, file: &ScenarioFile) -> bool {
        let name = file.name();
        match &self.0 {
            Kind::Part(part) => name.contains(part.as_str()),
            Kind::Pattern(pattern) => fits(pattern, &name),
            Kind::Labels(requirements) => requirements.iter().all(|wanted| {
                let label = file.scenario.metadata.labels.get(&wanted.label);
                (label == Some(&wanted.value)) == wanted.equal
            }),
        }
    }
}

impl FromStr for Filter {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let requirement = |part: &str| {
            let (label, value) = part.split_once('=')?;
            let (label, equal) = match label.strip_suffix('!') {
                Some(label) => (label, false),
                None => (label, true),
            };
            let value = value.trim_start_matches('=').trim().to_owned();
            Some(Requirement { label: label.trim().to_owned(), value, equal })
        };
        let labels: Option<Vec<_>> = text.split(',').map(requirement).collect();
        Ok(Self(match labels {
            Some(labels) => Kind::Labels(labels),
            None if text.contains('*') => Kind::Pattern(text.to_owned()),
            None => Kind::Part(text.to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_star_matches_anything() {
        for (pattern, text, expected) in [
            ("node-1", "node-1", true),
            ("node-1", "node-11", false),
            ("node-*", "node-11", true),
            ("*-11", "node-11", true),
            ("n*e-*1", "node-11", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn scenarios_are_chosen_by_path_and_labels() {
        let text = "apiVersion: harness/v1alpha1\nkind: Scenario\nmetadata: {name: a-b, labels: \
                    {area: dns, profile: upstream}}\nspec: {about: A test.}\n";
        let path = Path::new("scenarios/dns/a-b.yaml");
        let file = crate::file::parse(path, text.to_owned()).unwrap().remove(0);
        for (filter, expected) in [
            ("a-b", true),
            ("dns/", true),
            ("c", false),
            ("dns/*", true),
            ("tls/*", false),
            ("area=dns", true),
            ("area=dns,profile=extension", false),
            ("profile!=extension", true),
            ("owner!=me", true),
        ] {
            let filter: Filter = filter.parse().unwrap();
            assert_eq!(filter.matches(&file), expected, "{filter:?}");
        }
    }
}
