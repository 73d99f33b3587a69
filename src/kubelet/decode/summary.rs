//! The body of `/stats/summary`, JSON, into a [`Sample`]: what kubelets had before
//! `/metrics/resource`. Of the two it is the one that names its node.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    Decoded, Limits,
    points::{Key, Points},
};
use crate::kubelet::Point;

/// A container here is three series in `/metrics/resource`.
const SERIES: usize = 3;

/// The most objects in a summary for each container: the container, its CPU, memory and swap, and
/// the pod with as many of its own.
const OBJECTS: usize = 16;

/// A summary that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// It is not JSON, or not of this form.
    #[error("failed parsing summary: {0}")]
    Form(String),
    /// It is another node's.
    #[error("the summary there is that of node {found}, not of {wanted}")]
    OtherNode {
        /// The node it names.
        found: String,
        /// The node that was meant.
        wanted: String,
    },
}

#[derive(Deserialize)]
struct Summary<'b> {
    #[serde(borrow)]
    node: Node<'b>,
    #[serde(borrow, default)]
    pods: Option<Vec<Pod<'b>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pod<'b> {
    #[serde(borrow)]
    pod_ref: PodReference<'b>,
    #[serde(borrow, default)]
    containers: Option<Vec<Container<'b>>>,
}

#[derive(Deserialize)]
struct Node<'b> {
    #[serde(borrow, default, rename = "nodeName")]
    name: Cow<'b, str>,
    #[serde(default)]
    cpu: Option<Cpu>,
    #[serde(default)]
    memory: Option<Memory>,
}

#[derive(Deserialize)]
struct PodReference<'b> {
    #[serde(borrow)]
    name: Cow<'b, str>,
    #[serde(borrow)]
    namespace: Cow<'b, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'b> {
    #[serde(borrow)]
    name: Cow<'b, str>,
    #[serde(default)]
    start_time: Moment,
    #[serde(default)]
    cpu: Option<Cpu>,
    #[serde(default)]
    memory: Option<Memory>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cpu {
    #[serde(default)]
    time: Moment,
    #[serde(default)]
    usage_core_nano_seconds: Count,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Memory {
    #[serde(default)]
    time: Moment,
    #[serde(default)]
    working_set_bytes: Count,
}

/// A counter; 0, as if it had not been measured, where there is anything but a sound number.
#[derive(Clone, Copy, Default)]
struct Count(u64);

/// Nanoseconds since the Unix epoch; none where there is anything but a time.
#[derive(Clone, Copy, Default)]
struct Moment(Option<i64>);

/// Decodes the summary of `node`'s kubelet. What has no time of its own was measured at
/// `default_time`, in milliseconds since the Unix epoch.
pub fn decode(
    body: &[u8],
    node: &str,
    default_time: i64,
    limits: &Limits,
) -> Result<Decoded, SummaryError> {
    let most = limits.series / SERIES;
    // A short object such as `{"name":""}` takes up ten times its size once it is read.
    let objects = memchr::memchr_iter(b'{', body).count();
    let mut too_many = objects > most.saturating_add(1).saturating_mul(OBJECTS);
    if too_many {
        return Ok(Decoded { too_many, ..Decoded::default() });
    }
    let summary: Summary<'_> =
        serde_json::from_slice(body).map_err(|error| SummaryError::Form(error.to_string()))?;
    let (its, pods) = (summary.node, summary.pods.unwrap_or_default());
    // Older kubelets may not name it. Another node's usage must not count as this one's.
    if !its.name.is_empty() && its.name != node {
        return Err(SummaryError::OtherNode {
            found: its.name.into_owned(),
            wanted: node.to_owned(),
        });
    }
    let mut points = Points::default();
    let point = |start, cpu, memory| point(start, cpu, memory, default_time);
    points.set_node(point(Moment(None), its.cpu, its.memory));
    let (mut long_labels, mut containers_left) = (0, most);
    too_many |= pods.len() > most;
    for Pod { pod_ref, containers } in pods {
        for Container { name, start_time, cpu, memory } in containers.unwrap_or_default() {
            too_many |= containers_left == 0;
            containers_left = containers_left.saturating_sub(1);
            let key = Key {
                container: name,
                namespace: pod_ref.namespace.clone(),
                pod: pod_ref.name.clone(),
            };
            if key.longest() > limits.label {
                long_labels += 1;
                continue;
            }
            points.set_container(key, point(start_time, cpu, memory));
        }
    }
    let (sample, conflicts) = points.complete();
    Ok(Decoded { sample, conflicts, long_labels, too_many, ..Decoded::default() })
}

/// The time is that of the CPU counter: usage is its difference over time.
fn point(start: Moment, cpu: Option<Cpu>, memory: Option<Memory>, default_time: i64) -> Point {
    let (cpu, memory) = (cpu.unwrap_or_default(), memory.unwrap_or_default());
    let time = cpu.time.0.or(memory.time.0).unwrap_or(default_time.saturating_mul(1_000_000));
    Point {
        start: start.0,
        time: Some(time),
        cpu: cpu.usage_core_nano_seconds.0,
        memory: memory.working_set_bytes.0,
    }
}

// === impl Count ===

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let fraction = || text.parse().ok().filter(|n: &f64| (0.0..u64::MAX as f64).contains(n));
        Ok(Self(text.parse().ok().or_else(|| fraction().map(|n| n as u64)).unwrap_or_default()))
    }
}

// === impl Moment ===

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let time = text.trim_matches('"').parse::<Timestamp>().ok();
        Ok(Self(time.and_then(|time| i64::try_from(time.as_nanosecond()).ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: i64 = 1_546_595_626_000;

    fn read(body: &[u8], node: &str) -> Result<Decoded, SummaryError> {
        decode(body, node, TIME, &Limits::default())
    }

    #[test]
    fn a_real_kubelet_is_read_whole() {
        let body = include_bytes!("../../../tests/golden/kubelet-1.36/summary.1.json");
        let sample = read(body, "real-1").unwrap().sample;
        let node = sample.node.unwrap();
        assert_eq!(node.cpu, 2_045_935_720_883);
        assert_eq!(node.time, Some(1_795_340_895_000_000_000));
        let resource = include_bytes!("../../../tests/golden/kubelet-1.36/resource.1.prom");
        let resource = super::super::decode(resource, TIME).unwrap().sample;
        let names = |sample: &crate::kubelet::Sample| {
            let pods = sample.pods.iter();
            pods.map(|pod| (pod.namespace.clone(), pod.name.clone(), pod.containers.len()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&sample), names(&resource));
        assert!(sample.pods[0].containers[0].point.start.is_some());
    }

    #[test]
    fn a_summary_of_another_node_is_refused() {
        let error = read(br#"{"node":{"nodeName":"b"},"pods":[]}"#, "a").unwrap_err();
        assert_eq!(error.to_string(), "the summary there is that of node b, not of a");
    }

    #[test]
    fn missing_or_invalid_values_count_as_not_measured() {
        let sound = r#"{"time":"2019-01-04T09:53:46Z","usageCoreNanoSeconds":7}"#;
        let memory = r#"{"workingSetBytes":5}"#;
        let cases = [
            ("sound", sound, memory, Some((7, 5))),
            ("no CPU", "null", memory, None),
            ("no memory", sound, "null", None),
            ("no counter", r#"{"time":"2019-01-04T09:53:46Z"}"#, memory, None),
            ("negative", r#"{"usageCoreNanoSeconds":-7}"#, memory, None),
            ("a text", r#"{"usageCoreNanoSeconds":"7"}"#, memory, None),
            ("an object", r#"{"usageCoreNanoSeconds":{"a":[1]}}"#, memory, None),
            ("a fraction", r#"{"usageCoreNanoSeconds":7.5}"#, memory, Some((7, 5))),
            ("too large", r#"{"usageCoreNanoSeconds":1e300}"#, memory, None),
            (
                "64 bits",
                r#"{"usageCoreNanoSeconds":18446744073709551615}"#,
                memory,
                Some((u64::MAX, 5)),
            ),
            ("a bad time", r#"{"usageCoreNanoSeconds":7,"time":"now"}"#, memory, Some((7, 5))),
        ];
        for (name, cpu, memory, expected) in cases {
            let body = format!(
                r#"{{"node":{{"nodeName":"a","cpu":{cpu},"memory":{memory}}},
                "pods":[{{"podRef":{{"name":"p","namespace":"n","uid":""}},
                "containers":[{{"name":"c","cpu":{cpu},"memory":{memory}}}]}}]}}"#
            );
            let sample = read(body.as_bytes(), "a").unwrap().sample;
            let seen = |point: Point| (point.cpu, point.memory);
            assert_eq!(sample.node.map(seen), expected, "{name}");
            let pod = sample.pods.first().map(|pod| seen(pod.containers[0].point));
            assert_eq!(pod, expected, "{name}");
        }
    }

    #[test]
    fn no_more_is_read_than_the_limits_allow() {
        let containers = |count: usize| vec![r#"{"name":""}"#; count].join(",");
        let pod = |containers: &str| {
            format!(r#"{{"containers":[{containers}],"podRef":{{"name":"p","namespace":"n"}}}}"#)
        };
        let empty = vec![pod(""); 5].join(",");
        for (pods, too_many) in [
            (pod(&containers(4)), false),
            (pod(&containers(5)), true),
            ([pod(&containers(2)), pod(&containers(3))].join(","), true),
            (empty, true),
        ] {
            let body = format!(r#"{{"node":{{"nodeName":"a"}},"pods":[{pods}]}}"#);
            let limits = Limits { series: 12, ..Limits::default() };
            let decoded = decode(body.as_bytes(), "a", TIME, &limits).unwrap();
            assert_eq!(decoded.too_many, too_many, "{body}");
        }
    }

    #[test]
    fn an_invalid_summary_is_an_error() {
        for body in ["", "[]", "<html>", r#"{"pods":[]}"#, r#"{"node":{},"pods":[{}]}"#] {
            let error = read(body.as_bytes(), "a").unwrap_err().to_string();
            assert!(error.starts_with("failed parsing summary: "), "{body}: {error}");
        }
    }
}
