//! Which notation and which form of an object a client gets.

use k8s_text::go;

use crate::{
    accept::{Clause, clauses},
    request_options::RequestOptions,
    status::Failure,
};

/// A notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Yaml,
    Protobuf,
}

/// A version of `meta.k8s.io`. Both have the same types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetaVersion {
    V1,
    V1Beta1,
}

/// Another form than the object's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    Table(MetaVersion),
    Partial(MetaVersion),
    PartialList(MetaVersion),
}

/// What came of the negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice<T = Option<Transform>> {
    pub(crate) media: Media,
    pub(crate) pretty: bool,
    pub(crate) form: T,
}

// === impl Media ===

impl Media {
    /// In the order of preference.
    const ALL: [Self; 3] = [Self::Json, Self::Yaml, Self::Protobuf];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    pub(crate) fn fits(self, clause: &Clause<'_>) -> bool {
        match (clause.kind, clause.subtype) {
            ("*" | "application", "*") => true,
            ("application", subtype) => self.name().strip_prefix("application/") == Some(subtype),
            _ => false,
        }
    }
}

// === impl MetaVersion ===

impl MetaVersion {
    pub(crate) fn group_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// The form in which a resource is written, or why there is none. `streams` is whether it could in
/// principle be watched, which changes only the error's text; `protobuf`, whether it has a protobuf
/// form.
pub(crate) fn resource(
    asked: &RequestOptions,
    streams: bool,
    protobuf: bool,
) -> Result<Choice, Failure> {
    routed(asked, streams)?;
    choose(asked, |media, wanted| match wanted {
        _ if media == Media::Protobuf && !protobuf => None,
        None => Some(None),
        Some((_, _, "Table")) if media == Media::Protobuf => None,
        Some(("meta.k8s.io", version, kind)) => {
            let version = match version {
                "v1" => MetaVersion::V1,
                "v1beta1" => MetaVersion::V1Beta1,
                _ => return None,
            };
            match kind {
                "Table" => Some(Some(Transform::Table(version))),
                "PartialObjectMetadata" => Some(Some(Transform::Partial(version))),
                "PartialObjectMetadataList" => Some(Some(Transform::PartialList(version))),
                _ => None,
            }
        }
        Some(_) => None,
    })
    .ok_or_else(not_acceptable)
}

/// The notation of an object that has one form only, or why there is none.
pub(crate) fn plain(asked: &RequestOptions) -> Option<Choice<()>> {
    choose(asked, |_, wanted| wanted.is_none().then_some(()))
}

/// The same for discovery.
pub(crate) fn discovery(asked: &RequestOptions) -> Result<Choice<()>, Failure> {
    routed(asked, false)?;
    plain(asked).ok_or_else(not_acceptable)
}

/// The media type of the aggregated discovery document, if the client accepts one.
pub(crate) fn aggregated(asked: &RequestOptions) -> Option<Choice<()>> {
    // A missing Accept header accepts anything.
    if asked.accept.is_empty() {
        return None;
    }
    let document = Some(("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList"));
    choose(asked, |_, wanted| (wanted == document).then_some(()))
}

fn not_acceptable() -> Failure {
    let names = Media::ALL.map(Media::name).join(", ");
    Failure::NotAcceptable(format!("only the following media types are accepted: {names}"))
}

/// The check that the framework's router makes before anything is negotiated: it knows whole
/// names and `*/*` only.
fn routed(asked: &RequestOptions, streams: bool) -> Result<(), Failure> {
    let produced = |range: &str| {
        let name = range.split(';').next().unwrap_or_default().trim();
        name == "*/*" || Media::ALL.iter().any(|media| media.name() == name)
    };
    if asked.accept.is_empty() || asked.accept.split(',').any(produced) {
        return Ok(());
    }
    let mut names = Media::ALL.map(|media| media.name().to_owned()).to_vec();
    if streams {
        names.extend([Media::Json, Media::Protobuf].map(|m| format!("{};stream=watch", m.name())));
    }
    Err(Failure::NotProduced(names))
}

/// The first media type in the client's order that `allow` has a form for. `allow` gets the group,
/// version and kind that the client wants the object as.
fn choose<T>(
    asked: &RequestOptions,
    allow: impl Fn(Media, Option<(&str, &str, &str)>) -> Option<T>,
) -> Option<Choice<T>> {
    if asked.accept.is_empty() {
        let form = allow(Media::Json, None)?;
        return Some(Choice { media: Media::Json, pretty: asked.pretty, form });
    }
    for clause in clauses(&asked.accept) {
        for media in Media::ALL.into_iter().filter(|media| media.fits(&clause)) {
            let stream = clause.parameter("stream").unwrap_or_default();
            if !stream.is_empty() && (stream != "watch" || media == Media::Yaml) {
                continue;
            }
            let part = |name| clause.parameter(name);
            let wanted = match (part("g"), part("v"), part("as")) {
                (None, None, None) => None,
                (group, version, kind) => Some((
                    group.unwrap_or_default(),
                    version.unwrap_or_default(),
                    kind.unwrap_or_default(),
                )),
            };
            if let Some(form) = allow(media, wanted) {
                let pretty = asked.pretty || clause.parameter("pretty") == Some("1");
                return Some(Choice { media, pretty, form });
            }
        }
    }
    None
}

/// How much of each object is in a row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

// === impl Include ===

impl Include {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Failure> {
        match text.unwrap_or_default() {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::Nothing),
            "Object" => Ok(Self::Object),
            other => Err(Failure::BadRequest(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', 'None', or empty",
                go::quoted(other)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: &str) -> RequestOptions {
        RequestOptions { accept: accept.to_owned(), ..RequestOptions::default() }
    }

    #[test]
    fn resources_are_negotiated_as_the_api_server_does() {
        use Media::{Json, Protobuf, Yaml};
        let table = Some(Transform::Table(MetaVersion::V1));
        let list = Some(Transform::PartialList(MetaVersion::V1));
        let cases = [
            ("", Some((Json, None))),
            ("*/*", Some((Json, None))),
            ("application/*,*/*", Some((Json, None))),
            ("application/yaml;q=0.1, application/vnd.kubernetes.protobuf", Some((Protobuf, None))),
            ("application/vnd.kubernetes.protobuf, */*", Some((Protobuf, None))),
            ("text/html,application/yaml;q=0.9,*/*;q=0.8", Some((Yaml, None))),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Some((Json, table))),
            (
                "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json",
                Some((Json, None)),
            ),
            (
                "application/json;as=Table;v=v2;g=meta.k8s.io,application/yaml;as=Table;v=v1;g=meta.k8s.io",
                Some((Yaml, table)),
            ),
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
                Some((Protobuf, list)),
            ),
            ("application/json;as=Table;g=apps;v=v1", None),
            ("application/json;stream=watch", Some((Json, None))),
            ("application/yaml;stream=watch", None),
            ("application/json;charset=utf-8", Some((Json, None))),
            ("text/html", None),
            ("application/*", None),
        ];
        for (accept, expected) in cases {
            let choice = resource(&asked(accept), true, true).ok();
            assert_eq!(choice.map(|choice| (choice.media, choice.form)), expected, "{accept}");
        }
    }

    #[test]
    fn not_acceptable_has_two_messages() {
        let message = |accept: &str, streams| {
            resource(&asked(accept), streams, true).unwrap_err().status().message().to_owned()
        };
        let plain = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        assert_eq!(
            message("text/html", false),
            format!("406: Not Acceptable\n\nAvailable representations: {plain}")
        );
        assert_eq!(
            message("text/html", true),
            format!(
                "406: Not Acceptable\n\nAvailable representations: {plain}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
            )
        );
        assert_eq!(
            message("application/json;as=X;g=y;v=z", true),
            format!("only the following media types are accepted: {plain}")
        );
    }
}
