//! Content negotiation: the Accept header.

use http::{HeaderMap, header};

use super::status::Status;

/// How objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Object,
    /// Their metadata alone.
    Partial,
    /// As the rows that kubectl prints.
    Table,
}

/// What is answered: metadata alone have another kind in lists than elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseKind {
    One,
    List,
    Watch,
}

/// One alternative of an Accept header.
struct Range<'a> {
    media_type: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

/// The form of the response. Protobuf is never chosen: clients that accept it accept JSON as well.
pub(super) fn negotiate(headers: &HeaderMap, kind: ResponseKind) -> Result<Form, Status> {
    let text = accept(headers);
    if text.trim().is_empty() {
        return Ok(Form::Object);
    }
    ranges(&text)
        .into_iter()
        .filter(Range::is_json)
        .find_map(|range| range.form(kind))
        .ok_or_else(Status::not_acceptable)
}

/// The requested version of aggregated discovery, when the client accepts that form.
pub(super) fn aggregated_discovery(headers: &HeaderMap) -> Option<&'static str> {
    let text = accept(headers);
    let chosen = ranges(&text).into_iter().filter(Range::is_json).find_map(|range| {
        match (range.parameter("as"), range.parameter("g"), range.parameter("v")) {
            ("", ..) => Some(None),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => Some(Some("v2")),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2beta1") => Some(Some("v2beta1")),
            _ => None,
        }
    });
    chosen.flatten()
}

// === impl Range ===

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let parameters = parts.filter_map(|part| part.split_once('=')).collect();
        Self { media_type, parameters }
    }

    fn parameter(&self, name: &str) -> &'a str {
        let found = self.parameters.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    fn quality(&self) -> f64 {
        self.parameter("q").parse().unwrap_or(1.0)
    }

    fn is_json(&self) -> bool {
        matches!(self.media_type, "application/json" | "application/*" | "*/*")
    }

    fn form(&self, kind: ResponseKind) -> Option<Form> {
        let of_meta = self.parameter("g") == "meta.k8s.io" && self.parameter("v") == "v1";
        match (self.parameter("as"), kind) {
            ("", _) => Some(Form::Object),
            ("Table", _) if of_meta => Some(Form::Table),
            ("PartialObjectMetadataList", ResponseKind::List)
            | ("PartialObjectMetadata", ResponseKind::One | ResponseKind::Watch)
                if of_meta =>
            {
                Some(Form::Partial)
            }
            _ => None,
        }
    }
}

fn accept(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::ACCEPT).into_iter();
    values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",")
}

/// The alternatives, by quality, then in the order given.
fn ranges(text: &str) -> Vec<Range<'_>> {
    let mut ranges: Vec<Range<'_>> = text.split(',').map(Range::parse).collect();
    ranges.sort_by(|one, other| other.quality().total_cmp(&one.quality()));
    ranges
}
