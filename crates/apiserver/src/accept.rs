//! `Accept` headers, read and ordered as the API server's library does it, oddities included:
//! clients rely on what the real server picks.

/// More clauses than any client sends. What follows is not looked at.
const CLAUSES: usize = 64;

/// One of the alternatives that a client accepts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clause<'a> {
    pub(crate) kind: &'a str,
    pub(crate) subtype: &'a str,
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

/// The alternatives in `header`, the one to try first first.
pub(crate) fn clauses(header: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<_> = header.split(',').take(CLAUSES).filter_map(Clause::parse).collect();
    // The order is none in the mathematical sense (a wildcard of higher quality is both before and
    // behind a plain type), so the result depends on the algorithm: this one, for the few clauses
    // that clients send.
    for end in 1..clauses.len() {
        let mut at = end;
        while at > 0 && clauses[at].goes_before(&clauses[at - 1]) {
            clauses.swap(at, at - 1);
            at -= 1;
        }
    }
    clauses
}

// === impl Clause ===

impl<'a> Clause<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.trim().split(';');
        let first = parts.next()?;
        let (kind, subtype) = match first.split_once('/') {
            None if first.trim() == "*" => ("*", "*"),
            Some((kind, "")) if kind.trim() == "*" => ("*", "*"),
            None | Some((_, "")) => return None,
            Some((_, subtype)) if subtype.contains('/') => return None,
            Some((kind, subtype)) => (kind.trim(), subtype.trim()),
        };
        let mut clause = Self { kind, subtype, parameters: Vec::new(), quality: 1.0 };
        for part in parts {
            match part.split_once('=') {
                Some((_, value)) if value.is_empty() || value.contains('=') => {}
                Some((name, value)) if name.trim() == "q" => {
                    clause.quality = value.parse().unwrap_or(0.0);
                }
                Some((name, value)) => clause.parameters.push((name.trim(), value.trim())),
                None => {}
            }
        }
        Some(clause)
    }

    fn goes_before(&self, other: &Self) -> bool {
        self.quality > other.quality
            || (self.kind != "*" && other.kind == "*")
            || (self.subtype != "*" && other.subtype == "*")
    }

    /// The last value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_ordered_as_the_api_server_orders_them() {
        let cases = [
            ("", ""),
            ("a/b", "a/b"),
            ("a/b,c/d", "a/b c/d"),
            ("a/b;q=0.5, c/d", "c/d a/b"),
            ("*/*, a/b", "a/b */*"),
            ("*, a/*, a/b", "a/b a/* */*"),
            ("*/*, a/b;q=0.1", "a/b */*"),
            ("a, /, a/, a/b/c, a/b;x", "a/b"),
            ("a/b;q=x, c/d;q=0.1", "c/d a/b"),
        ];
        for (header, expected) in cases {
            let order: Vec<_> = clauses(header)
                .iter()
                .map(|clause| format!("{}/{}", clause.kind, clause.subtype))
                .collect();
            assert_eq!(order.join(" "), expected, "{header}");
        }
    }

    #[test]
    fn parameters_are_kept() {
        let clauses = clauses("application/json; as=Table ;v=v1;v=v2;g=meta.k8s.io;q=0.3;w=a=b");
        let values = ["as", "v", "g", "w", "q"].map(|name| clauses[0].parameter(name));
        assert_eq!(values, [Some("Table"), Some("v2"), Some("meta.k8s.io"), None, None]);
    }
}
