//! Responses, made from documents in memory.

use std::io::Write;

use axum::{body::Body, response::Response};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, StatusCode, header};

use crate::{
    encode::{pretty::Pretty, yaml},
    negotiate::{self, Choice, Media},
    request_options::RequestOptions,
    status::{Failure, Status},
};

/// Answers that are no longer than this are not worth compressing.
pub(crate) const GZIP_THRESHOLD: usize = 128 * 1024;

/// As the API server: speed counts, not the last percent.
pub(crate) const GZIP_LEVEL: Compression = Compression::new(1);

/// Writes compact JSON in the chosen notation. Protobuf is another matter: the caller has it.
pub(crate) fn write_json<T: Copy>(choice: Choice<T>, mut json: Vec<u8>) -> Vec<u8> {
    match choice.media {
        Media::Yaml => yaml::document(&json),
        _ if choice.pretty => Pretty::document(&json),
        _ => {
            json.push(b'\n');
            json
        }
    }
}

/// A response with a body that is complete.
pub(crate) fn whole(
    asked: &RequestOptions,
    code: StatusCode,
    content_type: &str,
    mut body: Vec<u8>,
) -> Response {
    let compressed = asked.gzip && body.len() > GZIP_THRESHOLD;
    if compressed {
        body = compress(&body);
    }
    let body = if asked.head { Body::empty() } else { Body::from(body) };
    typed(code, content_type, compressed, body)
}

/// A response with any body.
pub(crate) fn typed(
    code: StatusCode,
    content_type: &str,
    compressed: bool,
    body: Body,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    if compressed {
        mark_compressed(&mut response);
    }
    response
}

/// Compresses a body.
pub(crate) fn compress(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), GZIP_LEVEL);
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Sets Content-Encoding.
pub(crate) fn mark_compressed(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// A document for people and simple clients, which is indented always.
pub(crate) fn raw_json(asked: &RequestOptions, code: StatusCode, json: &[u8]) -> Response {
    whole(asked, code, Media::Json.name(), Pretty::document(json))
}

// === impl Status ===

impl Status {
    /// The response for it in the media type that the client accepts, or in JSON if there is none.
    /// The Status is an extension of the response as well, for audit and metrics.
    pub fn respond(&self, asked: &RequestOptions) -> Response {
        let mut response = match negotiate::plain(asked) {
            None => raw_json(asked, self.code(), &self.json()),
            Some(choice) => {
                let body = match choice.media {
                    Media::Protobuf => self.protobuf(),
                    _ => write_json(choice, self.json()),
                };
                whole(asked, self.code(), choice.media.name(), body)
            }
        };
        response.extensions_mut().insert(self.clone());
        response
    }
}

// === impl Failure ===

impl Failure {
    pub(crate) fn respond(&self, asked: &RequestOptions) -> Response {
        self.status().respond(asked)
    }
}
