//! GET of one object and of lists, whole or in chunks.

use std::sync::Arc;

use axum::response::Response;
use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};

use super::{
    list_options::check_list,
    negotiation::Form,
    object::{Key, Object},
    request_info::Parameters,
    resources::ResourceType,
    response::{json_response, to_json},
    selection::Selection,
    status::Status,
    store::{Store, VersionError},
    table::Table,
};

/// The `continue` token of a list, encoded as by the real API server.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Continue {
    v: String,
    rv: u64,
    start: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    r#continue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_item_count: Option<usize>,
}

/// The object of that key.
pub(super) fn get(
    store: &Store,
    resource: &'static ResourceType,
    key: &Key,
    form: Form,
    table: &Table,
) -> Result<Response, Status> {
    let object = store
        .get(resource, key)
        .ok_or_else(|| Status::not_found(resource.group, resource.plural, &key.name))?;
    Ok(json_response(match form {
        Form::Object => object.alone(),
        Form::Partial => object.partial(),
        Form::Table => {
            let version = object.version.to_string();
            let meta = ListMeta { resource_version: version, ..ListMeta::default() };
            table.whole(&to_json(&meta), &[&object])
        }
    }))
}

/// The objects selected.
pub(super) fn list(
    store: &Store,
    resource: &'static ResourceType,
    selection: &Selection,
    parameters: &Parameters,
    form: Form,
    table: &Table,
) -> Result<Response, Status> {
    check_list(parameters)?;
    let limit = limit(parameters)?;
    let from = Continue::parse(parameters.text("continue"))?;
    let at = from.as_ref().map_or_else(|| at(store, parameters, limit), |it| Ok(Some(it.rv)))?;
    let after = from.as_ref().map(Continue::last);
    let mut snapshot = store
        .snapshot(resource, selection.namespace(), at, after.as_ref())
        .map_err(|error| match error {
            VersionError::TooOld { .. } if from.is_some() => Status::continue_too_old(),
            error => refused(at.unwrap_or_default(), error),
        })?;
    // `remainingItemCount` is set only without selectors: with them, nothing beyond the page is
    // looked at.
    let needed = limit
        .filter(|_| !selection.is_everything())
        .map_or(usize::MAX, |limit| limit.saturating_add(1));
    let selected = snapshot.objects.into_iter().filter(|object| selection.matches(object));
    snapshot.objects = selected.take(needed).collect();
    let mut meta =
        ListMeta { resource_version: snapshot.version.to_string(), ..ListMeta::default() };
    if let Some(limit) = limit.filter(|limit| *limit < snapshot.objects.len()) {
        let remaining = snapshot.objects.len() - limit;
        snapshot.objects.truncate(limit);
        if let Some(last) = snapshot.objects.last() {
            meta.r#continue = Continue::after(&last.key, snapshot.version).to_text();
        }
        meta.remaining_item_count = selection.is_everything().then_some(remaining);
    }
    Ok(json_response(write(resource, &to_json(&meta), &snapshot.objects, form, table)))
}

fn write(
    resource: &ResourceType,
    meta: &str,
    objects: &[Arc<Object>],
    form: Form,
    table: &Table,
) -> String {
    let (kind, api_version) = match form {
        Form::Object => (format!("{}List", resource.kind), resource.api_version()),
        Form::Partial => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
        Form::Table => {
            return table.whole(meta, &objects.iter().map(Arc::as_ref).collect::<Vec<_>>());
        }
    };
    let mut body =
        format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{meta},"items":["#);
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        if form == Form::Partial {
            body.push_str(&object.partial());
        } else {
            body.push_str(object.item());
        }
    }
    body.push_str("]}");
    body
}

/// The limit in force. Version 0, "whatever you have", is answered whole, as the real API server's
/// cache does.
fn limit(parameters: &Parameters) -> Result<Option<usize>, Status> {
    let limit = parameters.number("limit")?.filter(|limit| *limit > 0);
    let any = parameters.text("resourceVersion") == "0";
    Ok(limit.filter(|_| !any).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// The exact version that the client requires; nothing when the present one will do.
fn at(store: &Store, parameters: &Parameters, limit: Option<usize>) -> Result<Option<u64>, Status> {
    let Some(version) = parameters.resource_version()?.filter(|version| *version > 0) else {
        return Ok(None);
    };
    let exact = match parameters.text("resourceVersionMatch") {
        "" => limit.is_some(),
        matching => matching == "Exact",
    };
    let current = store.version();
    if version > current {
        return Err(Status::version_too_large(version, current));
    }
    Ok(exact.then_some(version))
}

fn refused(version: u64, error: VersionError) -> Status {
    match error {
        VersionError::TooOld { oldest } => Status::version_too_old(version, oldest),
        VersionError::TooLarge { current } => Status::version_too_large(version, current),
    }
}

// === impl Continue ===

impl Continue {
    fn after(key: &Key, version: u64) -> Self {
        Self {
            v: "meta.k8s.io/v1".to_owned(),
            rv: version,
            start: format!("{}/{}\0", key.namespace, key.name),
        }
    }

    fn parse(text: &str) -> Result<Option<Self>, Status> {
        if text.is_empty() {
            return Ok(None);
        }
        let decoded: Option<ByteString> = serde_json::from_value(text.into()).ok();
        decoded
            .and_then(|ByteString(bytes)| serde_json::from_slice(&bytes).ok())
            .map(Some)
            .ok_or_else(|| Status::bad_request("continue key is not valid"))
    }

    fn to_text(&self) -> String {
        base64(to_json(self))
    }

    fn last(&self) -> Key {
        let start = self.start.trim_end_matches('\0');
        let (namespace, name) = start.split_once('/').unwrap_or(("", start));
        Key { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// `text` in base64.
pub(super) fn base64(text: impl Into<Vec<u8>>) -> String {
    to_json(&ByteString(text.into())).trim_matches('"').to_owned()
}
