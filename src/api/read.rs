//! Answers to requests for metrics.

use axum::response::Response;
use http::StatusCode;

use super::{
    Sources,
    answer::{whole, write_json},
    asked::Asked,
    encode::protobuf,
    item::ItemWriter,
    list::{Form, List},
    list_memory::ListMemory,
    negotiate::{self, Choice, Include, Media, Transform},
    objects::Objects,
    options::ListOptions,
    resource::Resource,
    send::{self, ProtobufForm},
    status::Failure,
    table::Rows,
    version::Version,
    why::why,
};

/// All objects of a resource, or those of a namespace.
pub(super) async fn list(
    sources: &Sources,
    memory: &ListMemory,
    asked: &Asked,
    version: Version,
    resource: Resource,
    namespace: Option<&str>,
) -> Result<Response, Failure> {
    let choice = negotiate::resource(asked, true)?;
    let options = ListOptions::parse(&asked.query)?;
    if options.watch {
        return Err(Failure::WatchNotSupported(resource));
    }
    let objects = |options| Objects::list(sources, resource, namespace, options);
    let writer = ItemWriter::new(sources.clock.now());
    let form = match choice.form {
        None => Form::Objects(version),
        Some(Transform::Table(meta)) => Form::Table(rows(asked, version, meta)?),
        Some(Transform::PartialList(meta)) => Form::Partial(meta),
        Some(Transform::Partial(_)) => {
            let kind = resource.list_kind();
            let message = format!(
                "you requested PartialObjectMetadata, but the requested object is a list (*metrics.{kind})"
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
    if let Some(form) = protobuf_form {
        return Ok(send::protobuf(asked, memory, form, resource, objects(options), writer).await);
    }
    let list = List::new(objects(options), writer, resource, form, choice);
    Ok(send::text(asked, choice.media, list).await)
}

/// One object.
pub(super) async fn object(
    sources: &Sources,
    asked: &Asked,
    version: Version,
    resource: Resource,
    namespace: Option<&str>,
    name: &str,
) -> Result<Response, Failure> {
    let choice = negotiate::resource(asked, false)?;
    if asked.query.flag("export") == Some(true) {
        let message = "the export parameter, deprecated since v1.14, is no longer supported";
        return Err(Failure::BadRequest(message.to_owned()));
    }
    let mut objects = Objects::one(sources, resource, namespace, name)?;
    let mut writer = ItemWriter::new(sources.clock.now());
    let body = write_object(&mut objects, &mut writer, choice, version);
    let body = body.ok_or_else(|| {
        let why = why(sources, resource, namespace, name);
        let name = namespace.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}/{name}"));
        Failure::NoMetrics { resource, name, why }
    })?;
    match choice.form {
        Some(Transform::Table(meta)) => {
            let form = Form::Table(rows(asked, version, meta)?);
            let objects = Objects::one(sources, resource, namespace, name)?;
            let list = List::new(objects, writer, resource, form, choice);
            Ok(send::text(asked, choice.media, list).await)
        }
        Some(Transform::PartialList(_)) => {
            let kind = resource.kind();
            let message = format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*metrics.{kind})"
            );
            Err(Failure::NotAcceptable(message))
        }
        None | Some(Transform::Partial(_)) => {
            let body = match choice.media {
                Media::Protobuf => body,
                _ => write_json(choice, body),
            };
            Ok(whole(asked, StatusCode::OK, choice.media.name(), body))
        }
    }
}

fn rows(asked: &Asked, version: Version, meta: negotiate::MetaVersion) -> Result<Rows, Failure> {
    let include = Include::parse(asked.query.get("includeObject"))?;
    Ok(Rows { include, meta, version })
}

/// The object, or its metadata, as compact JSON or protobuf; `None` when its usage is not known.
fn write_object(
    objects: &mut Objects,
    writer: &mut ItemWriter,
    choice: Choice,
    version: Version,
) -> Option<Vec<u8>> {
    let mut body = None;
    objects.next(|item| {
        let mut out = Vec::with_capacity(512);
        let kind = item.resource().kind();
        match (choice.media, choice.form) {
            (Media::Protobuf, Some(Transform::Partial(meta))) => {
                writer.protobuf_metadata(&mut out, item);
                out = protobuf::document(meta.group_version(), "PartialObjectMetadata", &out);
            }
            (Media::Protobuf, _) => {
                writer.protobuf(&mut out, item);
                out = protobuf::document(version.group_version(), kind, &out);
            }
            (_, Some(Transform::Partial(meta))) => writer.partial(&mut out, item, meta),
            _ => writer.object(&mut out, item, Some(version)),
        }
        body = Some(out);
    });
    body
}
