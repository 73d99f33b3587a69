//! GET of one object and LIST.

use axum::response::Response;
use http::StatusCode;

use crate::{
    encode::protobuf,
    group::{ApiGroup, GroupVersion, Objects, Resource, ResourceNames},
    list_memory::ListMemory,
    list_options::ListOptions,
    list_response::{self, ProtobufForm},
    list_writer::{Form, ListWriter},
    negotiate::{self, Choice, Include, Media, MetaVersion, Transform},
    object_writer::{ObjectWriter, write_protobuf, write_protobuf_metadata},
    request_options::RequestOptions,
    response::{whole, write_json},
    status::Failure,
    table::Rows,
};

/// All objects of a resource, or those of a namespace.
pub(crate) async fn list(
    group: &ApiGroup,
    memory: &ListMemory,
    request: &RequestOptions,
    version: GroupVersion,
    resource: &dyn Resource,
    namespace: Option<&str>,
) -> Result<Response, Failure> {
    let names = resource.names();
    let choice = negotiate::resource(request, true, resource.has_protobuf())?;
    let options = ListOptions::parse(&request.query)?;
    if options.watch {
        return Err(Failure::WatchNotSupported { group: group.name, resource: names.plural });
    }
    let form = match choice.form {
        None => Form::Objects(version),
        Some(Transform::Table(meta)) => Form::Table(rows(request, version, meta)?),
        Some(Transform::PartialList(meta)) => Form::Partial(meta),
        Some(Transform::Partial(_)) => {
            let message = format!(
                "you requested PartialObjectMetadata, but the requested object is a list (*{}.{})",
                group.short_name(),
                names.list_kind
            );
            return Err(Failure::NotAcceptable(message));
        }
    };
    let protobuf_form = match form {
        _ if choice.media != Media::Protobuf => None,
        Form::Objects(version) => Some(ProtobufForm::Objects(version)),
        Form::Partial(meta) => Some(ProtobufForm::Partial(meta)),
        // Never negotiated.
        Form::Table(_) => None,
    };
    let objects = resource.list(namespace, options);
    if let Some(form) = protobuf_form {
        return Ok(list_response::protobuf(request, memory, form, names, objects).await);
    }
    let list = ListWriter::new(objects, names, form, choice);
    Ok(list_response::text(request, choice.media, list).await)
}

/// One object.
pub(crate) async fn get(
    group: &ApiGroup,
    request: &RequestOptions,
    version: GroupVersion,
    resource: &dyn Resource,
    namespace: Option<&str>,
    name: &str,
) -> Result<Response, Failure> {
    let names = resource.names();
    let choice = negotiate::resource(request, false, resource.has_protobuf())?;
    if request.query.flag("export") == Some(true) {
        let message = "the export parameter, deprecated since v1.14, is no longer supported";
        return Err(Failure::BadRequest(message.to_owned()));
    }
    let mut objects = resource.get(namespace, name)?;
    let body = write_object(&mut *objects, names, choice, version)
        .ok_or_else(|| resource.unavailable(namespace, name))?;
    match choice.form {
        Some(Transform::Table(meta)) => {
            let form = Form::Table(rows(request, version, meta)?);
            let list = ListWriter::new(resource.get(namespace, name)?, names, form, choice);
            Ok(list_response::text(request, choice.media, list).await)
        }
        Some(Transform::PartialList(_)) => {
            let message = format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*{}.{})",
                group.short_name(),
                names.kind
            );
            Err(Failure::NotAcceptable(message))
        }
        None | Some(Transform::Partial(_)) => {
            let body = match choice.media {
                Media::Protobuf => body,
                _ => write_json(choice, body),
            };
            Ok(whole(request, StatusCode::OK, choice.media.name(), body))
        }
    }
}

fn rows(
    request: &RequestOptions,
    version: GroupVersion,
    meta: MetaVersion,
) -> Result<Rows, Failure> {
    let include = Include::parse(request.query.get("includeObject"))?;
    Ok(Rows { include, meta, version })
}

/// The object, or its metadata, as compact JSON or protobuf; `None` when it has no content.
fn write_object(
    objects: &mut dyn Objects,
    names: ResourceNames,
    choice: Choice,
    version: GroupVersion,
) -> Option<Vec<u8>> {
    let mut body = None;
    let mut writer = ObjectWriter::new(names);
    objects.next(&mut |object| {
        let mut out = Vec::with_capacity(512);
        match (choice.media, choice.form) {
            (Media::Protobuf, Some(Transform::Partial(meta))) => {
                write_protobuf_metadata(&mut out, &object.metadata());
                out = protobuf::document(meta.group_version(), "PartialObjectMetadata", &out);
            }
            (Media::Protobuf, _) => {
                write_protobuf(&mut out, object);
                out = protobuf::document(version.group_version, names.kind, &out);
            }
            (_, Some(Transform::Partial(meta))) => writer.partial(&mut out, object, meta),
            _ => writer.json(&mut out, object, Some(version)),
        }
        body = Some(out);
    });
    body
}
