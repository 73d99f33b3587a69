//! Writes objects in JSON and protobuf, field by field in the order of Go servers.

use jiff::Timestamp;

use crate::{
    encode::{json, protobuf, time::Moments},
    group::{GroupVersion, Object, ObjectMeta, ResourceNames},
    negotiate::MetaVersion,
};

/// Writes the objects of one response.
#[derive(Debug)]
pub(crate) struct ObjectWriter {
    names: ResourceNames,
    times: Moments,
}

// === impl ObjectWriter ===

impl ObjectWriter {
    pub(crate) fn new(names: ResourceNames) -> Self {
        Self { names, times: Moments::default() }
    }

    /// An object as an item of a list or, with `version`, as a response of its own.
    pub(crate) fn json(
        &mut self,
        out: &mut Vec<u8>,
        object: &mut dyn Object,
        version: Option<GroupVersion>,
    ) {
        out.push(b'{');
        if let Some(version) = version {
            type_fields(out, self.names.kind, version.group_version);
        }
        self.metadata(out, &object.metadata());
        object.write_json(out);
        out.push(b'}');
    }

    /// Its metadata alone.
    pub(crate) fn partial(&mut self, out: &mut Vec<u8>, object: &dyn Object, version: MetaVersion) {
        out.push(b'{');
        type_fields(out, "PartialObjectMetadata", version.group_version());
        self.metadata(out, &object.metadata());
        out.push(b'}');
    }

    fn metadata(&mut self, out: &mut Vec<u8>, meta: &ObjectMeta<'_>) {
        json::field(out, "\"metadata\":{\"name\":", meta.name);
        if let Some(namespace) = meta.namespace {
            json::field(out, ",\"namespace\":", namespace);
        }
        out.extend_from_slice(b",\"creationTimestamp\":\"");
        self.times.write(out, meta.created);
        out.push(b'"');
        if !meta.labels.is_empty() {
            out.extend_from_slice(b",\"labels\":");
            json::strings(out, meta.labels);
        }
        out.push(b'}');
    }
}

/// An object's message.
pub(crate) fn write_protobuf(out: &mut Vec<u8>, object: &mut dyn Object) {
    write_protobuf_metadata(out, &object.metadata());
    object.write_protobuf(out);
}

/// Its metadata, which is the first field of every object.
pub(crate) fn write_protobuf_metadata(out: &mut Vec<u8>, meta: &ObjectMeta<'_>) {
    protobuf::message(out, 1, |out| {
        protobuf::string(out, 1, meta.name);
        protobuf::string(out, 2, "");
        protobuf::string(out, 3, meta.namespace.unwrap_or_default());
        (4..=6).for_each(|field| protobuf::string(out, field, ""));
        protobuf::number(out, 7, 0);
        protobuf::message(out, 8, |out| write_protobuf_time(out, meta.created));
        for (key, value) in meta.labels {
            protobuf::message(out, 11, |out| {
                protobuf::string(out, 1, key);
                protobuf::string(out, 2, value);
            });
        }
    });
}

/// A `metav1.Time`, to the second: JSON has no more, so protobuf gets no more either.
pub fn write_protobuf_time(out: &mut Vec<u8>, time: Timestamp) {
    let seconds = time.as_nanosecond().div_euclid(1_000_000_000) as i64;
    protobuf::number(out, 1, seconds as u64);
    protobuf::number(out, 2, 0);
}

/// Writes the type of an object, up to the next field.
fn type_fields(out: &mut Vec<u8>, kind: &str, api_version: &str) {
    json::field(out, "\"kind\":", kind);
    json::field(out, ",\"apiVersion\":", api_version);
    out.push(b',');
}
