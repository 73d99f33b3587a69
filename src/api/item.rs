//! One node's or pod's metrics, written field by field in the order in which the Go server writes
//! them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_text::duration;

use super::{
    encode::{
        json, protobuf,
        time::{Moments, display},
    },
    negotiate::MetaVersion,
    resource::Resource,
    version::Version,
};
use crate::store::{ContainerUsage, Span, Usage};

/// What is said of one node or pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) labels: &'a BTreeMap<String, String>,
    /// `None` when the usage of no container makes sense.
    pub(super) span: Option<Span>,
    pub(super) used: Used<'a>,
}

/// What it uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Used<'a> {
    Node(Usage),
    Pod(&'a [ContainerUsage]),
}

/// Writes items of one answer, all of which are created at the same moment.
#[derive(Debug)]
pub(super) struct ItemWriter {
    now: Timestamp,
    now_text: Vec<u8>,
    moments: Moments,
    scratch: String,
}

// === impl ItemWriter ===

impl ItemWriter {
    pub(super) fn new(now: Timestamp) -> Self {
        let (mut now_text, mut moments) = (Vec::new(), Moments::default());
        moments.write(&mut now_text, now);
        Self { now, now_text, moments, scratch: String::new() }
    }

    /// An object as it stands in a list or, with `version`, by itself.
    pub(super) fn object(&mut self, out: &mut Vec<u8>, item: &Item<'_>, version: Option<Version>) {
        out.push(b'{');
        if let Some(version) = version {
            type_fields(out, item.resource().kind(), version.group_version());
        }
        self.metadata(out, item);
        match item.span {
            Some(span) => {
                out.extend_from_slice(b",\"timestamp\":\"");
                self.moments.write(out, span.end);
                out.push(b'"');
            }
            None => out.extend_from_slice(b",\"timestamp\":null"),
        }
        json::field(out, ",\"window\":", &duration::format(item.window()));
        match item.used {
            Used::Node(usage) => {
                out.extend_from_slice(b",\"usage\":");
                write_usage(out, usage);
            }
            Used::Pod(containers) => {
                let mut before = ",\"containers\":[{\"name\":";
                for container in containers {
                    json::field(out, before, &container.name);
                    out.extend_from_slice(b",\"usage\":");
                    write_usage(out, container.usage);
                    before = "},{\"name\":";
                }
                let end: &[u8] = if containers.is_empty() { b",\"containers\":[]" } else { b"}]" };
                out.extend_from_slice(end);
            }
        }
        out.push(b'}');
    }

    /// Its metadata alone.
    pub(super) fn partial(&self, out: &mut Vec<u8>, item: &Item<'_>, version: MetaVersion) {
        out.push(b'{');
        type_fields(out, "PartialObjectMetadata", version.group_version());
        self.metadata(out, item);
        out.push(b'}');
    }

    fn metadata(&self, out: &mut Vec<u8>, item: &Item<'_>) {
        json::field(out, "\"metadata\":{\"name\":", item.name);
        if let Some(namespace) = item.namespace {
            json::field(out, ",\"namespace\":", namespace);
        }
        out.extend_from_slice(b",\"creationTimestamp\":\"");
        out.extend_from_slice(&self.now_text);
        out.push(b'"');
        if !item.labels.is_empty() {
            out.extend_from_slice(b",\"labels\":");
            json::strings(out, item.labels);
        }
        out.push(b'}');
    }

    /// An object's message.
    pub(super) fn protobuf(&mut self, out: &mut Vec<u8>, item: &Item<'_>) {
        self.protobuf_metadata(out, item);
        protobuf::message(out, 2, |out| {
            if let Some(span) = item.span {
                write_moment(out, span.end);
            }
        });
        let window = item.window().as_nanos() as u64;
        protobuf::message(out, 3, |out| protobuf::number(out, 1, window));
        match item.used {
            Used::Node(usage) => self.protobuf_usage(out, 4, usage),
            Used::Pod(containers) => {
                for container in containers {
                    protobuf::message(out, 4, |out| {
                        protobuf::string(out, 1, &container.name);
                        self.protobuf_usage(out, 2, container.usage);
                    });
                }
            }
        }
    }

    /// Its metadata, which is the first field of every object.
    pub(super) fn protobuf_metadata(&self, out: &mut Vec<u8>, item: &Item<'_>) {
        protobuf::message(out, 1, |out| {
            protobuf::string(out, 1, item.name);
            protobuf::string(out, 2, "");
            protobuf::string(out, 3, item.namespace.unwrap_or_default());
            (4..=6).for_each(|field| protobuf::string(out, field, ""));
            protobuf::number(out, 7, 0);
            protobuf::message(out, 8, |out| write_moment(out, self.now));
            for (key, value) in item.labels {
                protobuf::message(out, 11, |out| {
                    protobuf::string(out, 1, key);
                    protobuf::string(out, 2, value);
                });
            }
        });
    }

    fn protobuf_usage(&mut self, out: &mut Vec<u8>, field: u8, usage: Usage) {
        for (name, quantity) in [("cpu", usage.cpu), ("memory", usage.memory)] {
            use std::fmt::Write;
            self.scratch.clear();
            // Writing to a String cannot fail.
            let _ = write!(self.scratch, "{quantity}");
            protobuf::message(out, field, |out| {
                protobuf::string(out, 1, name);
                protobuf::message(out, 2, |out| protobuf::string(out, 1, &self.scratch));
            });
        }
    }
}

// === impl Item ===

impl Item<'_> {
    pub(super) fn resource(&self) -> Resource {
        match self.used {
            Used::Node(_) => Resource::Nodes,
            Used::Pod(_) => Resource::Pods,
        }
    }

    pub(super) fn window(&self) -> std::time::Duration {
        self.span.map(|span| span.window).unwrap_or_default()
    }
}

/// Writes what says of an object which type it is, up to the next field.
fn type_fields(out: &mut Vec<u8>, kind: &str, api_version: &str) {
    json::field(out, "\"kind\":", kind);
    json::field(out, ",\"apiVersion\":", api_version);
    out.push(b',');
}

fn write_usage(out: &mut Vec<u8>, usage: Usage) {
    out.extend_from_slice(b"{\"cpu\":\"");
    display(out, usage.cpu);
    out.extend_from_slice(b"\",\"memory\":\"");
    display(out, usage.memory);
    out.extend_from_slice(b"\"}");
}

/// To the second: what JSON clients cannot see, protobuf clients are not told either.
fn write_moment(out: &mut Vec<u8>, moment: Timestamp) {
    let seconds = moment.as_nanosecond().div_euclid(1_000_000_000) as i64;
    protobuf::number(out, 1, seconds as u64);
    protobuf::number(out, 2, 0);
}
