//! The body of `/stats/summary`, JSON, into a [`Sample`]: what kubelets had before
//! `/metrics/resource`. Of the two it is the one that says whose it is.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

mod bounded;

use self::bounded::{Pod, Room, Summary, read};
use super::{
    Decoded, Limits,
    points::{Key, Points},
};
use crate::kubelet::Point;

/// A container here is three series in `/metrics/resource`.
const SERIES: usize = 3;

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
        /// The node that was asked for.
        wanted: String,
    },
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

/// Reads a value of any kind: a bad one costs that value.
struct Lenient;

enum Value {
    Count(u64),
    Moment(i64),
    Other,
}

/// Decodes what the kubelet of `node` says. What has no time of its own was measured at
/// `default_time`, in milliseconds since the Unix epoch.
pub fn decode(
    body: &[u8],
    node: &str,
    default_time: i64,
    limits: &Limits,
) -> Result<Decoded, SummaryError> {
    let mut room = Room::for_containers(limits.series / SERIES);
    let Summary { node: its, pods } =
        read(body, &mut room).map_err(|error| SummaryError::Form(error.to_string()))?;
    // Older ones may not say; nobody else's usage is to pass for this node's.
    if !its.name.is_empty() && its.name != node {
        return Err(SummaryError::OtherNode {
            found: its.name.into_owned(),
            wanted: node.to_owned(),
        });
    }
    let mut points = Points::default();
    let point = |start, cpu, memory| point(start, cpu, memory, default_time);
    points.set_node(point(Moment(None), its.cpu, its.memory));
    let mut long_labels = 0;
    for Pod { pod_ref, containers } in pods {
        for Container { name, start_time, cpu, memory } in containers {
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
    Ok(Decoded {
        sample: points.complete(),
        first_bad: None,
        bad_lines: 0,
        long_labels,
        too_many: room.is_over(),
        scrape_error: false,
    })
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

// === impl Lenient ===

impl<'de> Visitor<'de> for Lenient {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Count(number))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let sound = (0.0..u64::MAX as f64).contains(&number);
        Ok(if sound { Value::Count(number as u64) } else { Value::Other })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let nanos = text.parse::<Timestamp>().ok().map(Timestamp::as_nanosecond);
        Ok(nanos.and_then(|n| i64::try_from(n).ok()).map_or(Value::Other, Value::Moment))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

// === impl Count ===

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(Lenient)?;
        Ok(if let Value::Count(count) = value { Self(count) } else { Self(0) })
    }
}

// === impl Moment ===

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(Lenient)?;
        Ok(if let Value::Moment(nanos) = value { Self(Some(nanos)) } else { Self(None) })
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
    fn what_is_missing_or_makes_no_sense_counts_as_not_measured() {
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
    fn no_more_is_read_than_there_is_room_for() {
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
    fn what_is_no_summary_is_an_error() {
        for body in ["", "[]", "<html>", r#"{"pods":[]}"#, r#"{"node":{},"pods":[{}]}"#] {
            let error = read(body.as_bytes(), "a").unwrap_err().to_string();
            assert!(error.starts_with("failed parsing summary: "), "{body}: {error}");
        }
    }
}
