//! `/metrics/resource` as Kubernetes 1.36's kubelet writes it: families by name, series by their
//! label values, families without series left out.

use std::{fmt::Write, ops::Range};

use crate::{
    number::{write_float, write_seconds},
    sample::{ContainerSample, Measured, NodeSample, PodSample},
};

/// Nanoseconds a second, as Go divides counters by it.
const SECOND: f64 = 1e9;

/// Room for the labels of most series, in bytes.
const USUAL_LABELS: usize = 128;

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

/// What can stand behind a series.
trait Written {
    fn write(&self, out: &mut String);

    /// Within a family, the same for those that are written the same.
    fn key(&self) -> u64;
}

struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
}

/// A container or pod with its labels written out.
struct Labelled<'a, T> {
    labels: String,
    of: &'a T,
}

/// Renders what a kubelet measured.
pub fn render(sample: &NodeSample) -> String {
    let mut out = String::with_capacity(4096 + 1024 * sample.pods.len());
    if !sample.failed {
        let containers = containers_in_order(sample);
        let pods = pods_in_order(sample);
        write_containers(&mut out, &containers);
        write_node(&mut out, sample);
        write_pods(&mut out, &pods);
    }
    let failed = if sample.failed { 1.0 } else { 0.0 };
    RESOURCE_SCRAPE_ERROR.write(&mut out, [("", failed, None)]);
    SCRAPE_ERROR.write(&mut out, [("", failed, None)]);
    out
}

fn write_containers(out: &mut String, containers: &[Labelled<'_, ContainerSample>]) {
    CONTAINER_CPU.write_each(out, containers, Unit::Seconds, |c| c.container.cpu);
    CONTAINER_MEMORY.write_each(out, containers, Unit::One, |c| c.container.memory);
    let started = containers.iter().filter_map(|c| {
        let nanos = c.of.started?.as_nanosecond();
        Some((c.labels.as_str(), nanos as f64 / SECOND, None))
    });
    CONTAINER_START.write(out, started);
    CONTAINER_SWAP_LIMIT.write_each(out, containers, Unit::One, |c| c.swap_limit);
    CONTAINER_SWAP.write_each(out, containers, Unit::One, |c| c.container.swap);
}

fn write_node(out: &mut String, sample: &NodeSample) {
    let node = [Labelled { labels: String::new(), of: &sample.node }];
    NODE_CPU.write_each(out, &node, Unit::Seconds, |n| n.cpu);
    NODE_MEMORY.write_each(out, &node, Unit::One, |n| n.memory);
    NODE_SWAP.write_each(out, &node, Unit::One, |n| n.swap);
}

fn write_pods(out: &mut String, pods: &[Labelled<'_, PodSample>]) {
    POD_CPU.write_each(out, pods, Unit::Seconds, |p| p.pod.cpu);
    POD_MEMORY.write_each(out, pods, Unit::One, |p| p.pod.memory);
    POD_SWAP.write_each(out, pods, Unit::One, |p| p.pod.swap);
}

fn containers_in_order(sample: &NodeSample) -> Vec<Labelled<'_, ContainerSample>> {
    let each = |pod| move |container| (container, pod);
    let mut all: Vec<(&ContainerSample, &PodSample)> =
        sample.pods.iter().flat_map(|pod| pod.containers.iter().map(each(pod))).collect();
    all.sort_by_key(|(container, pod)| (&container.name, &pod.namespace, &pod.name));
    all.into_iter()
        .map(|(of, pod)| Labelled {
            labels: labels(&[
                ("container", &of.name),
                ("namespace", &pod.namespace),
                ("pod", &pod.name),
            ]),
            of,
        })
        .collect()
}

fn pods_in_order(sample: &NodeSample) -> Vec<Labelled<'_, PodSample>> {
    let mut all: Vec<&PodSample> = sample.pods.iter().collect();
    all.sort_by_key(|pod| (&pod.namespace, &pod.name));
    all.into_iter()
        .map(|of| Labelled {
            labels: labels(&[("namespace", &of.namespace), ("pod", &of.name)]),
            of,
        })
        .collect()
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(USUAL_LABELS);
    for (index, (name, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        out.push_str(name);
        out.push_str("=\"");
        // Names of Kubernetes have nothing to escape.
        if value.contains(['\\', '"', '\n']) {
            push_escaped(&mut out, value);
        } else {
            out.push_str(value);
        }
        out.push('"');
    }
    out.push('}');
    out
}

fn push_escaped(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

// === impl Family ===

impl Family {
    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, kind }
    }

    fn write_each<T>(
        &self,
        out: &mut String,
        each: &[Labelled<'_, T>],
        unit: Unit,
        measured: impl Fn(&T) -> Option<Measured>,
    ) {
        let series = each.iter().filter_map(|labelled| {
            let Measured { value, at } = measured(labelled.of)?;
            Some((labelled.labels.as_str(), Number { value, unit }, Some(at.as_millisecond())))
        });
        self.write(out, series);
    }

    /// Writes the family with its series: labels, value and timestamp in milliseconds.
    fn write<'a>(
        &self,
        out: &mut String,
        series: impl IntoIterator<Item = (&'a str, impl Written, Option<i64>)>,
    ) {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return;
        }
        let Self { name, help, kind } = self;
        let header = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
        debug_assert!(header.is_ok(), "writing to a string cannot fail");
        // Nearly all series of a kubelet have one time: it is written out once.
        let mut time = (None, String::new());
        // Many containers start together, and none of them swaps: such numbers are copied.
        let mut last = None;
        for (labels, value, at) in series {
            out.push_str(name);
            out.push_str(labels);
            out.push(' ');
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
                time = (at, at.map(|at| format!(" {at}")).unwrap_or_default());
            }
            out.push_str(&time.1);
            out.push('\n');
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
    fn write(&self, out: &mut String) {
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
    fn write(&self, out: &mut String) {
        write_float(out, *self);
    }

    fn key(&self) -> u64 {
        self.to_bits()
    }
}

const CONTAINER_CPU: Family = Family::new(
    "container_cpu_usage_seconds_total",
    Kind::Counter,
    "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
);
const CONTAINER_MEMORY: Family = Family::new(
    "container_memory_working_set_bytes",
    Kind::Gauge,
    "[STABLE] Current working set of the container in bytes",
);
const CONTAINER_START: Family = Family::new(
    "container_start_time_seconds",
    Kind::Gauge,
    "[STABLE] Start time of the container since unix epoch in seconds",
);
const CONTAINER_SWAP_LIMIT: Family = Family::new(
    "container_swap_limit_bytes",
    Kind::Gauge,
    "[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems",
);
const CONTAINER_SWAP: Family = Family::new(
    "container_swap_usage_bytes",
    Kind::Gauge,
    "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems",
);
const NODE_CPU: Family = Family::new(
    "node_cpu_usage_seconds_total",
    Kind::Counter,
    "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
);
const NODE_MEMORY: Family = Family::new(
    "node_memory_working_set_bytes",
    Kind::Gauge,
    "[STABLE] Current working set of the node in bytes",
);
const NODE_SWAP: Family = Family::new(
    "node_swap_usage_bytes",
    Kind::Gauge,
    "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems",
);
const POD_CPU: Family = Family::new(
    "pod_cpu_usage_seconds_total",
    Kind::Counter,
    "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
);
const POD_MEMORY: Family = Family::new(
    "pod_memory_working_set_bytes",
    Kind::Gauge,
    "[STABLE] Current working set of the pod in bytes",
);
const POD_SWAP: Family = Family::new(
    "pod_swap_usage_bytes",
    Kind::Gauge,
    "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
);
const RESOURCE_SCRAPE_ERROR: Family = Family::new(
    "resource_scrape_error",
    Kind::Gauge,
    "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
);
const SCRAPE_ERROR: Family = Family::new(
    "scrape_error",
    Kind::Gauge,
    "[ALPHA] 1 if there was an error while getting container metrics, 0 otherwise",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(labels(&[("a", "q\"b\\s\nn"), ("b", "")]), r#"{a="q\"b\\s\nn",b=""}"#);
    }

    #[test]
    fn a_kubelet_that_could_not_measure_says_only_that() {
        let text = render(&NodeSample { failed: true, ..NodeSample::default() });
        let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(series, ["resource_scrape_error 1", "scrape_error 1"]);
    }

    #[test]
    fn a_node_without_pods_has_no_families_for_them() {
        let node = crate::sample::Measurements::at(jiff::Timestamp::UNIX_EPOCH, 0, 1);
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
