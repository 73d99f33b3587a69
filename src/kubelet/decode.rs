//! The body of `/metrics/resource`, Prometheus' text format, into a [`Sample`].
//!
//! What counts as complete, and every conversion of a number, is as in the Go server, so that
//! equal bodies give equal usage.

use std::{borrow::Cow, collections::BTreeMap};

use super::{ContainerSample, PodSample, Point, Sample};

/// A body that holds no metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed parsing metrics: line {line}: expected a metric, got {text:?}")]
pub struct DecodeError {
    /// The first line that cannot be read, counted from 1.
    pub line: usize,
    /// Its beginning.
    pub text: String,
}

/// A sample and how many lines were passed over because they cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What the sound lines say.
    pub sample: Sample,
    /// The first bad line, if there is one among sound ones.
    pub first_bad: Option<DecodeError>,
    /// How many lines are bad.
    pub bad_lines: usize,
}

/// How much of a bad line an error quotes, in characters.
const QUOTED: usize = 200;

/// One line of the body.
struct Series<'b> {
    name: &'b str,
    labels: &'b str,
    value: f64,
    /// Milliseconds since the Unix epoch.
    time: Option<i64>,
}

/// The labels that identify a container.
struct ContainerLabels<'b> {
    namespace: Cow<'b, str>,
    pod: Cow<'b, str>,
    container: Cow<'b, str>,
}

type Pods<'b> = BTreeMap<(Cow<'b, str>, Cow<'b, str>), BTreeMap<Cow<'b, str>, Point>>;

#[derive(Default)]
struct Points<'b> {
    node: Point,
    pods: Pods<'b>,
}

/// Decodes a body. Series without a time of their own get `default_time`, in milliseconds since
/// the Unix epoch. A line that cannot be read costs that line, unless nothing else is there.
pub fn decode(body: &[u8], default_time: i64) -> Result<Decoded, DecodeError> {
    let mut points = Points::default();
    let (mut first_bad, mut bad_lines, mut good_lines) = (None, 0_usize, 0_usize);
    for (index, line) in lines(body).enumerate() {
        let read = std::str::from_utf8(line).ok().map(str::trim);
        match read {
            Some(line) if line.is_empty() || line.starts_with('#') => {}
            Some(line) if parse(line).is_some_and(|series| points.take(&series, default_time)) => {
                good_lines += 1;
            }
            _ => {
                bad_lines += 1;
                first_bad.get_or_insert_with(|| DecodeError { line: index + 1, text: quote(line) });
            }
        }
    }
    match first_bad {
        Some(error) if good_lines == 0 => Err(error),
        first_bad => Ok(Decoded { sample: points.complete(), first_bad, bad_lines }),
    }
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

fn quote(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().take(QUOTED).collect()
}

fn parse(line: &str) -> Option<Series<'_>> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
    if name.is_empty() || !sound || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_at(closing_brace(rest)?),
        None => ("", rest),
    };
    let mut fields = rest.strip_prefix('}').unwrap_or(rest).split_ascii_whitespace();
    let value = fields.next()?.parse().ok()?;
    let time = fields.next().map(str::parse).transpose().ok()?;
    fields.next().is_none().then_some(Series { name, labels, value, time })
}

/// Where the labels end: the first `}` outside quotes.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn container_labels(mut text: &str) -> Option<ContainerLabels<'_>> {
    let (mut namespace, mut pod, mut container) = (None, None, None);
    while let Some((name, rest)) = text.split_once('=') {
        let rest = rest.strip_prefix('"')?;
        let end = closing_quote(rest)?;
        let value = unescape(&rest[..end]);
        match name.trim() {
            "namespace" => namespace = Some(value),
            "pod" => pod = Some(value),
            "container" => container = Some(value),
            _ => {}
        }
        text = rest[end + 1..].trim_start().trim_start_matches(',').trim_start();
    }
    Some(ContainerLabels { namespace: namespace?, pod: pod?, container: container? })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            (c, false) => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

// === impl Points ===

impl<'b> Points<'b> {
    /// Takes one series in; false when it is one of ours but lacks the labels that say whose, or
    /// says what cannot be: Go would make 9 EB of an infinite memory.
    fn take(&mut self, series: &Series<'b>, default_time: i64) -> bool {
        let sound = series.value.is_finite() && series.value >= 0.0;
        let time = Some(series.time.unwrap_or(default_time).saturating_mul(1_000_000));
        let core_nanos = (series.value * 1e9) as u64;
        match series.name {
            "node_cpu_usage_seconds_total" | "node_memory_working_set_bytes" if !sound => {
                return false;
            }
            "node_cpu_usage_seconds_total" => (self.node.cpu, self.node.time) = (core_nanos, time),
            "node_memory_working_set_bytes" => {
                (self.node.memory, self.node.time) = (series.value as u64, time);
            }
            "container_cpu_usage_seconds_total"
            | "container_memory_working_set_bytes"
            | "container_start_time_seconds" => {
                let Some(labels) = container_labels(series.labels) else { return false };
                let pod = self.pods.entry((labels.namespace, labels.pod)).or_default();
                let point = pod.entry(labels.container).or_default();
                match series.name {
                    // The container is known to be there, and not to be measured.
                    _ if !sound => return false,
                    "container_cpu_usage_seconds_total" => {
                        (point.cpu, point.time) = (core_nanos, time);
                    }
                    "container_memory_working_set_bytes" => {
                        (point.memory, point.time) = (series.value as u64, time);
                    }
                    _ => point.start = Some((series.value * 1e9) as i64),
                }
            }
            _ => {}
        }
        true
    }

    /// A node or container without CPU or memory was caught half-measured: the node is left out,
    /// and so is the container's whole pod, whose sum would mislead autoscalers.
    fn complete(self) -> Sample {
        let node = Some(self.node).filter(|node| node.time.is_some() && is_measured(node));
        let pods = self
            .pods
            .into_iter()
            .filter(|(_, containers)| containers.values().all(is_measured))
            .map(|((namespace, name), containers)| PodSample {
                namespace: namespace.into(),
                name: name.into(),
                containers: containers
                    .into_iter()
                    .map(|(name, point)| ContainerSample { name: name.into(), point })
                    .collect(),
            })
            .collect();
        Sample { node, pods }
    }
}

fn is_measured(point: &Point) -> bool {
    point.cpu != 0 && point.memory != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: i64 = 1_546_595_626_000;
    const NANOS: Option<i64> = Some(TIME * 1_000_000);

    fn sample(body: &str) -> Sample {
        decode(body.as_bytes(), TIME).unwrap().sample
    }

    #[test]
    fn a_real_kubelet_is_read_whole() {
        let body = include_str!("../../tests/golden/kubelet-1.36/resource.1.prom");
        let decoded = decode(body.as_bytes(), TIME).unwrap();
        assert_eq!(decoded.bad_lines, 0);
        let node = decoded.sample.node.unwrap();
        assert_eq!((node.cpu, node.memory), (2_045_935_720_883, 1_046_777_856));
        assert_eq!(node.time, Some(1_795_340_895_081_000_000));
        let names: Vec<_> = decoded
            .sample
            .pods
            .iter()
            .flat_map(|pod| {
                pod.containers
                    .iter()
                    .map(move |c| format!("{}/{}/{}", pod.namespace, pod.name, c.name))
            })
            .collect();
        assert_eq!(
            names,
            [
                "default/real-pod-1/main",
                "default/real-pod-1/side",
                "default/real-pod-2/main",
                "default/real-pod-2/side"
            ]
        );
        let main = decoded.sample.pods[0].containers[0].point;
        assert_eq!((main.cpu, main.memory), (23_145_849_731, 23_068_672));
        assert_eq!(main.start, Some(1_795_340_409_692_846_848));
    }

    #[test]
    fn what_is_half_measured_is_left_out() {
        let whole = "container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\"} 1\n\
                     container_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"p\"} 2\n";
        assert_eq!(sample(whole).pods.len(), 1);
        let cases = [
            (
                "no memory",
                "container_cpu_usage_seconds_total{container=\"d\",namespace=\"n\",pod=\"p\"} 1\n",
            ),
            (
                "no CPU",
                "container_memory_working_set_bytes{container=\"d\",namespace=\"n\",pod=\"p\"} 1\n",
            ),
            (
                "only a start",
                "container_start_time_seconds{container=\"d\",namespace=\"n\",pod=\"p\"} 1\n",
            ),
        ];
        for (name, more) in cases {
            assert_eq!(sample(&format!("{whole}{more}")).pods, [], "{name}");
        }
        assert_eq!(sample("node_cpu_usage_seconds_total 1\n").node, None);
        assert_eq!(
            sample("node_cpu_usage_seconds_total 0\nnode_memory_working_set_bytes 1\n").node,
            None
        );
        let node = sample("node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 1\n").node;
        assert_eq!(node.unwrap().time, NANOS);
    }

    #[test]
    fn a_bad_line_costs_that_line() {
        let body = "node_cpu_usage_seconds_total 1 5\nnode_memory_working_set_bytes 2 5\n";
        for bad in [
            "container_cpu_usage_seconds_total 1",
            "container_cpu_usage_seconds_total{pod=\"p\",namespace=\"n\"} 1",
            "container_cpu_usage_seconds_total{pod=\"p",
            "container_cpu_usage_seconds_total{pod=p} 1",
            "node_cpu_usage_seconds_total x",
            "node_cpu_usage_seconds_total NaN",
            "node_memory_working_set_bytes +Inf",
            "container_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"p\"} -1",
            "node_cpu_usage_seconds_total 1 2 3",
            "<html>",
            "\u{0}",
        ] {
            let decoded = decode(format!("{bad}\n{body}").as_bytes(), TIME).unwrap();
            assert_eq!((decoded.bad_lines, decoded.sample.node.is_some()), (1, true), "{bad}");
            assert_eq!(decoded.first_bad.unwrap().line, 1);
        }
    }

    #[test]
    fn a_body_without_metrics_is_an_error() {
        let error = decode(b"# fine\n<html><body>not a kubelet</body></html>\n", TIME).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed parsing metrics: line 2: expected a metric, got \"<html><body>not a kubelet</body></html>\""
        );
        assert_eq!(decode(b"", TIME).unwrap().sample, Sample::default());
    }

    #[test]
    fn label_values_may_hold_anything() {
        let body = "container_cpu_usage_seconds_total{container=\"a\\\"}b\",namespace=\"n\\\\\",pod=\"p\\n, x=\"} 1 7\n\
                    container_memory_working_set_bytes{pod=\"p\\n, x=\",container=\"a\\\"}b\",namespace=\"n\\\\\"} 2 7\n";
        let pods = sample(body).pods;
        let pod = &pods[0];
        assert_eq!(
            (&*pod.namespace, &*pod.name, &*pod.containers[0].name),
            ("n\\", "p\n, x=", "a\"}b")
        );
    }
}
