//! Lists as responses: short ones whole, long ones while they are written.

use std::{convert::Infallible, io::Write, iter, mem};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use flate2::write::GzEncoder;
use futures::stream;
use http::StatusCode;

use crate::{
    encode::protobuf,
    group::{GroupVersion, Objects, ResourceNames},
    list_memory::{ListMemory, Piece},
    list_writer::ListWriter,
    negotiate::{Media, MetaVersion},
    object_writer::{write_protobuf, write_protobuf_metadata},
    request_options::RequestOptions,
    response::{GZIP_LEVEL, GZIP_THRESHOLD, typed, whole},
};

/// The size of one piece.
const PIECE: usize = 64 * 1024;

/// Sends a list as text.
pub(crate) async fn text(asked: &RequestOptions, media: Media, mut list: ListWriter) -> Response {
    let mut start = Vec::new();
    while list.write(&mut start, GZIP_THRESHOLD + 1) {
        if start.len() > GZIP_THRESHOLD {
            let body = Body::from_stream(pieces(start, list, asked.gzip));
            return typed(StatusCode::OK, media.name(), asked.gzip, body);
        }
        tokio::task::yield_now().await;
    }
    whole(asked, StatusCode::OK, media.name(), start)
}

/// The start of a list, and the next pieces as soon as the client can take them.
fn pieces(
    start: Vec<u8>,
    list: ListWriter,
    gzip: bool,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    let encoder = gzip.then(|| GzEncoder::new(Vec::new(), GZIP_LEVEL));
    stream::unfold(Some((start, list, encoder)), async |state| {
        let (mut piece, mut list, mut encoder) = state?;
        let mut more = true;
        if piece.is_empty() {
            piece.reserve(PIECE + PIECE / 4);
            while more && piece.len() < PIECE {
                more = list.write(&mut piece, PIECE);
                tokio::task::yield_now().await;
            }
        }
        if let Some(encoder) = &mut encoder {
            // Writing to a Vec cannot fail.
            let _ = encoder.write_all(&piece);
            piece = mem::take(encoder.get_mut());
        }
        if more {
            return Some((Ok(piece.into()), Some((Vec::new(), list, encoder))));
        }
        if let Some(encoder) = encoder {
            piece.extend(encoder.finish().unwrap_or_default());
        }
        Some((Ok(piece.into()), None))
    })
}

/// What a list's items are in protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProtobufForm {
    Objects(GroupVersion),
    Partial(MetaVersion),
}

/// Sends a list as protobuf, whose length is at its start, so it must be complete first.
pub(crate) async fn protobuf(
    asked: &RequestOptions,
    memory: &ListMemory,
    form: ProtobufForm,
    names: ResourceNames,
    mut objects: Box<dyn Objects>,
) -> Response {
    let mut list = memory.begin(asked.exchange.as_ref());
    let mut items = Vec::new();
    protobuf::list_metadata(&mut items);
    let (mut looked, looks) = (0_usize, objects.batch());
    while objects.next(&mut |object| {
        protobuf::message(&mut items, 2, |out| match form {
            ProtobufForm::Objects(_) => write_protobuf(out, object),
            ProtobufForm::Partial(_) => write_protobuf_metadata(out, &object.metadata()),
        });
    }) {
        if items.len() >= PIECE {
            list.push(mem::replace(&mut items, Vec::with_capacity(PIECE + PIECE / 4))).await;
        }
        looked += 1;
        if looked.is_multiple_of(looks) {
            tokio::task::yield_now().await;
        }
    }
    list.push(items).await;
    let (version, kind) = match form {
        ProtobufForm::Objects(version) => (version.group_version, names.list_kind),
        ProtobufForm::Partial(version) => (version.group_version(), "PartialObjectMetadataList"),
    };
    let mut before = Vec::new();
    protobuf::envelope(&mut before, version, kind, list.length());
    let (length, items) = (list.length(), list.finish());
    let ends = [Piece::free(before), Piece::free(protobuf::ENVELOPE_END)];
    let [before, after] = ends;
    let pieces = iter::once(before).chain(items).chain(iter::once(after));
    let content_type = Media::Protobuf.name();
    if length <= GZIP_THRESHOLD {
        let body = pieces.flat_map(|piece| piece.bytes).collect();
        return whole(asked, StatusCode::OK, content_type, body);
    }
    let body = Body::from_stream(stream::iter(compressed(pieces, asked.gzip)));
    typed(StatusCode::OK, content_type, asked.gzip, body)
}

/// The same pieces, compressed one by one if the client accepts it. The memory of each is freed
/// when the next one is requested.
fn compressed(
    pieces: impl Iterator<Item = Piece>,
    gzip: bool,
) -> impl Iterator<Item = Result<Bytes, Infallible>> {
    let mut encoder = gzip.then(|| GzEncoder::new(Vec::new(), GZIP_LEVEL));
    // The last one is for what the encoder still has.
    let mut pieces = pieces.map(Some).chain(gzip.then_some(None));
    let mut sent = None;
    iter::from_fn(move || {
        let piece = pieces.next()?;
        let bytes = match (&mut encoder, &piece) {
            (None, piece) => piece.as_ref()?.bytes.clone(),
            (Some(encoder), Some(piece)) => {
                // Writing to a Vec cannot fail.
                let _ = encoder.write_all(&piece.bytes);
                mem::take(encoder.get_mut()).into()
            }
            (Some(_), None) => encoder.take()?.finish().unwrap_or_default().into(),
        };
        drop(mem::replace(&mut sent, piece));
        Some(Ok(bytes))
    })
}
