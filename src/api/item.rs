//! One node's or pod's metrics, written field by field in the order in which the Go server writes
//! them.

use apiserver::{
    Object, ObjectMeta,
    encode::{
        json, protobuf,
        time::{Moments, display},
    },
    write_protobuf_time,
};
use k8s_text::{duration, quantity::Quantity};

use crate::store::{ContainerUsage, Span, Usage};

/// Usage of one node or pod.
pub(super) struct Item<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    /// `None` when no container's usage can be computed.
    pub(super) span: Option<Span>,
    pub(super) usage: ItemUsage<'a>,
    pub(super) buffers: &'a mut Buffers,
}

/// What it uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum ItemUsage<'a> {
    Node(Usage),
    Pod(&'a [ContainerUsage]),
}

/// What the items of one response share.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    times: Moments,
    quantity: String,
}

// === impl Item ===

impl Item<'_> {
    fn window(&self) -> std::time::Duration {
        self.span.map(|span| span.window).unwrap_or_default()
    }
}

impl Object for Item<'_> {
    fn metadata(&self) -> ObjectMeta<'_> {
        self.metadata
    }

    fn write_json(&mut self, out: &mut Vec<u8>) {
        match self.span {
            Some(span) => {
                out.extend_from_slice(b",\"timestamp\":\"");
                self.buffers.times.write(out, span.end);
                out.push(b'"');
            }
            None => out.extend_from_slice(b",\"timestamp\":null"),
        }
        json::field(out, ",\"window\":", &duration::format(self.window()));
        match self.usage {
            ItemUsage::Node(usage) => {
                out.extend_from_slice(b",\"usage\":");
                write_usage(out, usage);
            }
            ItemUsage::Pod(containers) => {
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
    }

    fn write_protobuf(&mut self, out: &mut Vec<u8>) {
        protobuf::message(out, 2, |out| {
            if let Some(span) = self.span {
                write_protobuf_time(out, span.end);
            }
        });
        let window = self.window().as_nanos() as u64;
        protobuf::message(out, 3, |out| protobuf::number(out, 1, window));
        match self.usage {
            ItemUsage::Node(usage) => self.buffers.write_usage(out, 4, usage),
            ItemUsage::Pod(containers) => {
                for container in containers {
                    protobuf::message(out, 4, |out| {
                        protobuf::string(out, 1, &container.name);
                        self.buffers.write_usage(out, 2, container.usage);
                    });
                }
            }
        }
    }

    fn write_cells(&mut self, out: &mut Vec<u8>) {
        let usage = match self.usage {
            ItemUsage::Node(usage) => Some(usage),
            ItemUsage::Pod(containers) => sum(containers),
        };
        out.extend_from_slice(b",\"");
        // The Go server has fewer cells than columns, or fewer columns than cells, where a pod's
        // containers are all unknown. Zero is what it writes when other pods come first.
        match usage {
            Some(usage) => {
                display(out, usage.cpu);
                out.extend_from_slice(b"\",\"");
                display(out, usage.memory);
            }
            None => out.extend_from_slice(b"0\",\"0"),
        }
        json::field(out, "\",", &duration::format(self.window()));
    }
}

// === impl Buffers ===

impl Buffers {
    fn write_usage(&mut self, out: &mut Vec<u8>, field: u8, usage: Usage) {
        for (name, quantity) in [("cpu", usage.cpu), ("memory", usage.memory)] {
            use std::fmt::Write;
            self.quantity.clear();
            // Writing to a String cannot fail.
            let _ = write!(self.quantity, "{quantity}");
            protobuf::message(out, field, |out| {
                protobuf::string(out, 1, name);
                protobuf::message(out, 2, |out| protobuf::string(out, 1, &self.quantity));
            });
        }
    }
}

fn write_usage(out: &mut Vec<u8>, usage: Usage) {
    out.extend_from_slice(b"{\"cpu\":\"");
    display(out, usage.cpu);
    out.extend_from_slice(b"\",\"memory\":\"");
    display(out, usage.memory);
    out.extend_from_slice(b"\"}");
}

fn sum(containers: &[ContainerUsage]) -> Option<Usage> {
    let total = |amount: fn(&Usage) -> i128| {
        let sum: i128 = containers.iter().map(|container| amount(&container.usage)).sum();
        u64::try_from(sum).unwrap_or(u64::MAX)
    };
    (!containers.is_empty()).then(|| Usage {
        cpu: Quantity::nanocores(total(|usage| usage.cpu.nanos())),
        memory: Quantity::bytes(total(|usage| usage.memory.units())),
    })
}
