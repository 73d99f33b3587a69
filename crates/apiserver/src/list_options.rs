//! The parameters of a LIST.

use std::collections::BTreeMap;

use k8s_text::{
    go,
    selector::{FieldSelector, LabelSelector},
};

use crate::{
    query::Query,
    status::{Cause, Failure},
};

/// The parameters of a LIST. `limit` and `resourceVersion` are parsed, as in the API server, and
/// have no effect: there is always one page, the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only objects with these labels.
    pub labels: LabelSelector,
    /// Only objects with these values of fields.
    pub fields: FieldSelector,
    /// Watch instead of list.
    pub watch: bool,
}

// === impl ListOptions ===

impl ListOptions {
    /// Whether an object is selected.
    pub fn selects(
        &self,
        name: &str,
        namespace: Option<&str>,
        labels: &BTreeMap<String, String>,
    ) -> bool {
        let field = |field: &str| match field {
            "metadata.name" => name,
            // What has no namespace has the empty one.
            _ => namespace.unwrap_or_default(),
        };
        self.fields.matches(field) && self.labels.matches(labels)
    }

    /// The number of requirements of both selectors.
    pub fn requirements(&self) -> usize {
        self.fields.len() + self.labels.len()
    }

    /// Reads and checks in the API server's order, which decides what is complained of first.
    pub(crate) fn parse(query: &Query) -> Result<Self, Failure> {
        for number in ["timeoutSeconds", "limit"] {
            if let Some(error) = query.get(number).and_then(go::parse_int_error) {
                return Err(Failure::BadRequest(error));
            }
        }
        let selector = |name| query.get(name).unwrap_or_default();
        let bad = |error: &dyn std::error::Error| Failure::BadRequest(error.to_string());
        let labels = LabelSelector::parse(selector("labelSelector")).map_err(|e| bad(&e))?;
        let fields = FieldSelector::parse(selector("fieldSelector")).map_err(|e| bad(&e))?;
        let watch = query.flag("watch").unwrap_or_default();
        let causes = if watch { watch_mistakes(query) } else { list_mistakes(query) };
        if !causes.is_empty() {
            return Err(Failure::InvalidOptions(causes));
        }
        // An unknown field is reported last.
        let fields = fields.metadata_only().map_err(|e| bad(&e))?;
        Ok(Self { labels, fields, watch })
    }
}

const MATCH: &str = "resourceVersionMatch";
const INITIAL: &str = "sendInitialEvents";

fn list_mistakes(query: &Query) -> Vec<Cause> {
    let version = query.get("resourceVersion").unwrap_or_default();
    let mut causes = Vec::new();
    if let Some(rule) = query.get(MATCH).filter(|rule| !rule.is_empty()) {
        if version.is_empty() {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden(MATCH, why));
        }
        if is_continued(query) {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            causes.push(Cause::forbidden(MATCH, why));
        }
        if rule != "Exact" && rule != "NotOlderThan" {
            causes.push(Cause::unsupported(MATCH, rule, r#""Exact", "NotOlderThan", """#));
        }
        if rule == "Exact" && version == "0" {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            causes.push(Cause::forbidden(MATCH, why));
        }
    }
    if query.get(INITIAL).is_some() {
        causes.push(Cause::forbidden(INITIAL, "sendInitialEvents is forbidden for list"));
    }
    causes
}

fn watch_mistakes(query: &Query) -> Vec<Cause> {
    let rule = query.get(MATCH).unwrap_or_default();
    let initial = query.get(INITIAL).is_some();
    let mut causes = Vec::new();
    if initial && rule != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        causes.push(Cause::forbidden(MATCH, why));
    }
    // The API server reads a watch from the beginning as one that begins with what there is.
    let begins = ["", "0"].contains(&query.get("resourceVersion").unwrap_or_default());
    let is_implied = begins && !initial && rule.is_empty();
    if is_implied && is_continued(query) {
        let why = "resourceVersionMatch is forbidden when continue is provided";
        causes.push(Cause::forbidden(MATCH, why));
    }
    if !rule.is_empty() {
        if !initial {
            let why =
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            causes.push(Cause::forbidden(MATCH, why));
        }
        if rule != "NotOlderThan" {
            causes.push(Cause::unsupported(MATCH, rule, r#""NotOlderThan""#));
        }
        if is_continued(query) {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            causes.push(Cause::forbidden(MATCH, why));
        }
    }
    causes
}

fn is_continued(query: &Query) -> bool {
    query.get("continue").is_some_and(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> Option<String> {
        let refused = ListOptions::parse(&Query::parse(query)).err()?;
        Some(refused.status().message().to_owned())
    }

    #[test]
    fn options_are_checked_as_the_api_server_checks_them() {
        let cases = [
            ("limit=1&resourceVersion=x&continue=y&foo=bar&timeoutSeconds=5", None),
            ("limit=x", Some(r#"strconv.ParseInt: parsing "x": invalid syntax"#)),
            ("limit=x&labelSelector=a+b", Some(r#"strconv.ParseInt: parsing "x": invalid syntax"#)),
            ("fieldSelector=x&labelSelector=a,", Some("found '', expected: identifier after ','")),
            ("resourceVersion=1&resourceVersionMatch=Exact", None),
            (
                "resourceVersionMatch=Exact",
                Some(
                    "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
                ),
            ),
            (
                "resourceVersion=1&resourceVersionMatch=x&sendInitialEvents=true",
                Some(
                    "ListOptions.meta.k8s.io \"\" is invalid: [resourceVersionMatch: Unsupported value: \"x\": supported values: \"Exact\", \"NotOlderThan\", \"\", sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]",
                ),
            ),
            ("watch=true", None),
            ("watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", None),
            ("watch=1&resourceVersion=5&continue=x", None),
            (
                "watch=1&resourceVersion=0&continue=x",
                Some(
                    "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided",
                ),
            ),
            (
                "watch=1&sendInitialEvents=true",
                Some(
                    "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                ),
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(refusal(query).as_deref(), expected, "{query}");
        }
    }
}
