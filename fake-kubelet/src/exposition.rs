//! `/metrics/resource` as Kubernetes 1.36's kubelet writes it: families by name, series by their
//! label values, families without series left out.

mod families;
mod rows;

use std::ops::Range;

use jiff::Timestamp;

pub(crate) use self::rows::{Order, Rows};
use self::{
    families::{
        CONTAINER_CPU, CONTAINER_MEMORY, CONTAINER_START, CONTAINER_SWAP, CONTAINER_SWAP_LIMIT,
        NODE_CPU, NODE_MEMORY, NODE_SWAP, POD_CPU, POD_MEMORY, POD_SWAP, RESOURCE_SCRAPE_ERROR,
        SCRAPE_ERROR,
    },
    rows::Row,
};
use crate::{
    go_number::{write_float, write_seconds},
    sample::{Measured, Measurements, NodeSample},
};

/// Nanoseconds a second, as Go divides counters by it.
const SECOND: f64 = 1e9;

/// The bytes of a series without its labels, and of all lines with HELP and TYPE: with this
/// capacity hardly any text is moved as it grows.
const USUAL_SERIES: usize = 72;
const USUAL_HEADERS: usize = 4096;

/// Series of each container and of each pod.
const OF_CONTAINER: usize = 5;

/// How families are typed.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// How a measured number is turned into the one that is written.
#[derive(Clone, Copy)]
enum Unit {
    /// As it is.
    One,
    /// From nanoseconds to seconds.
    Seconds,
}

/// A measured number in its unit.
struct Number {
    value: u64,
    unit: Unit,
}

/// A value that can follow a series.
trait Written {
    fn write(&self, out: &mut Vec<u8>);

    /// Within a family, the same for those that are written the same.
    fn key(&self) -> u64;
}

struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
}

/// Renders what a kubelet measured.
pub fn render(sample: &NodeSample) -> String {
    let order = Order::new(sample.pods.iter().map(|pod| {
        let containers = pod.containers.iter().map(|container| &*container.name);
        (&*pod.namespace, &*pod.name, containers)
    }));
    let mut table = Rows::new(&order);
    for pod in &sample.pods {
        table.begin_pod(&pod.namespace, &pod.name);
        for it in &pod.containers {
            table.add_container(&it.name, it.container, it.started, it.swap_limit);
        }
        table.pod_runs(pod.pod);
    }
    let out = write(&table, &sample.node, sample.failed);
    debug_assert!(std::str::from_utf8(&out).is_ok(), "names are text, and so are numbers");
    String::from_utf8(out).unwrap_or_default()
}

/// The text of a table and of the node itself.
pub(crate) fn write(table: &Rows<'_>, node: &Measurements, failed: bool) -> Vec<u8> {
    let series = OF_CONTAINER * (table.containers.len() + table.pods.len());
    let room = OF_CONTAINER * table.size_of_labels() + USUAL_SERIES * series + USUAL_HEADERS;
    let mut out = Vec::with_capacity(room);
    if !failed {
        write_containers(&mut out, table);
        write_node(&mut out, node);
        write_pods(&mut out, table);
    }
    let failed = if failed { 1.0 } else { 0.0 };
    RESOURCE_SCRAPE_ERROR.write(&mut out, [(ALONE, failed, None)]);
    SCRAPE_ERROR.write(&mut out, [(ALONE, failed, None)]);
    out
}

/// Stands in place of labels where there are none.
const ALONE: &[u8] = b" ";

fn write_containers(out: &mut Vec<u8>, table: &Rows<'_>) {
    let rows = || in_order(table, &table.order.containers, &table.containers);
    CONTAINER_CPU.write_each(out, rows(), Unit::Seconds, |row| row.of.cpu);
    CONTAINER_MEMORY.write_each(out, rows(), Unit::One, |row| row.of.memory);
    let started = rows().filter_map(|(labels, row)| {
        let nanos = row.started?.as_nanosecond();
        Some((labels, nanos as f64 / SECOND, None))
    });
    CONTAINER_START.write(out, started);
    CONTAINER_SWAP_LIMIT.write_each(out, rows(), Unit::One, |row| row.swap_limit);
    CONTAINER_SWAP.write_each(out, rows(), Unit::One, |row| row.of.swap);
}

fn write_node(out: &mut Vec<u8>, node: &Measurements) {
    let node = || [(ALONE, node)].into_iter();
    NODE_CPU.write_each(out, node(), Unit::Seconds, |node| node.cpu);
    NODE_MEMORY.write_each(out, node(), Unit::One, |node| node.memory);
    NODE_SWAP.write_each(out, node(), Unit::One, |node| node.swap);
}

fn write_pods(out: &mut Vec<u8>, table: &Rows<'_>) {
    let rows = || in_order(table, &table.order.pods, &table.pods);
    POD_CPU.write_each(out, rows(), Unit::Seconds, |row| row.of.cpu);
    POD_MEMORY.write_each(out, rows(), Unit::One, |row| row.of.memory);
    POD_SWAP.write_each(out, rows(), Unit::One, |row| row.of.swap);
}

/// The rows that are there, with their labels.
fn in_order<'a>(
    table: &'a Rows<'_>,
    order: &'a [u32],
    rows: &'a [Option<Row>],
) -> impl Iterator<Item = (&'a [u8], &'a Row)> {
    order.iter().filter_map(|index| {
        let row = rows.get(*index as usize)?.as_ref()?;
        Some((table.labels(row), row))
    })
}

// === impl Family ===

impl Family {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, kind }
    }

    fn write_each<'a, T: 'a>(
        &self,
        out: &mut Vec<u8>,
        each: impl Iterator<Item = (&'a [u8], &'a T)>,
        unit: Unit,
        measured: impl Fn(&T) -> Option<Measured>,
    ) {
        let series = each.filter_map(|(labels, of)| {
            let Measured { value, at } = measured(of)?;
            Some((labels, Number { value, unit }, Some(at)))
        });
        self.write(out, series);
    }

    /// Writes the family with its series: labels and the space behind them, value and time.
    fn write<'a>(
        &self,
        out: &mut Vec<u8>,
        series: impl IntoIterator<Item = (&'a [u8], impl Written, Option<Timestamp>)>,
    ) {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return;
        }
        let Self { name, help, kind } = self;
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind.name(), "\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        // Nearly all series of a kubelet have one time: it is written out once, with the line's end.
        let mut time = (None, b"\n".to_vec());
        // Many containers start together, and none of them swaps: such numbers are copied.
        let mut last = None;
        for (labels, value, at) in series {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(labels);
            match &last {
                Some((key, range)) if *key == value.key() => {
                    out.extend_from_within(Range::clone(range));
                }
                _ => {
                    let start = out.len();
                    value.write(out);
                    last = Some((value.key(), start..out.len()));
                }
            }
            if at != time.0 {
                let text = at.map(|at| format!(" {}\n", at.as_millisecond()));
                time = (at, text.unwrap_or_else(|| "\n".to_owned()).into_bytes());
            }
            out.extend_from_slice(&time.1);
        }
    }
}

// === impl Kind ===

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

// === impl Written ===

impl Written for Number {
    fn write(&self, out: &mut Vec<u8>) {
        match self.unit {
            Unit::One => write_float(out, self.value as f64),
            Unit::Seconds => write_seconds(out, self.value),
        }
    }

    fn key(&self) -> u64 {
        self.value
    }
}

impl Written for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        write_float(out, *self);
    }

    fn key(&self) -> u64 {
        self.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_that_could_not_measure_reports_only_that() {
        let text = render(&NodeSample { failed: true, ..NodeSample::default() });
        let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(series, ["resource_scrape_error 1", "scrape_error 1"]);
    }

    #[test]
    fn a_node_without_pods_has_no_families_for_them() {
        let node = Measurements::at(Timestamp::UNIX_EPOCH, 0, 1);
        let text = render(&NodeSample { node, ..NodeSample::default() });
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(
            names,
            [
                "node_cpu_usage_seconds_total counter",
                "node_memory_working_set_bytes gauge",
                "node_swap_usage_bytes gauge",
                "resource_scrape_error gauge",
                "scrape_error gauge",
            ]
        );
    }
}
