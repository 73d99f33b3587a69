//! The usage that the store derives from samples, row by row. The rules are the Go server's, except
//! where a row says otherwise.

mod laws;
mod limit;

use k8s_text::duration;

use super::*;
use crate::kubelet::{ContainerSample, PodSample, Point};

/// A container that is younger than this is fresh.
const RESOLUTION: Duration = Duration::from_secs(30);

/// The second that rows count from: 2019-01-04T09:53:00Z.
const START: i64 = 1_546_595_580;

const SECOND: i64 = 1_000_000_000;

/// Measured at this second, with this much CPU used so far, in core-milliseconds.
fn at(second: i64, cpu: u64) -> Point {
    exactly(second * SECOND, cpu * 1_000_000)
}

/// Measured this many nanoseconds after the first second, with this much CPU used so far, in
/// core-nanoseconds.
fn exactly(time: i64, cpu: u64) -> Point {
    Point { start: None, time: Some(START * SECOND + time), cpu, memory: 64 << 20 }
}

fn untimed(cpu: u64) -> Point {
    Point { time: None, ..at(0, cpu) }
}

impl Point {
    fn started(self, second: i64) -> Self {
        Self { start: Some((START + second) * SECOND), ..self }
    }

    fn memory(self, memory: u64) -> Self {
        Self { memory, ..self }
    }
}

fn node(point: Point) -> Sample {
    Sample { node: Some(point), ..Sample::default() }
}

/// A sample with the pod `default/web` and its containers, ordered by name.
fn pod(containers: &[(&str, Point)]) -> Sample {
    pods(&[("web", containers)])
}

/// A sample with pods of the namespace `default`, ordered by name.
fn pods(pods: &[(&str, &[(&str, Point)])]) -> Sample {
    let container =
        |(name, point): &(&str, Point)| ContainerSample { name: Box::from(*name), point: *point };
    let pods = pods.iter().map(|(name, containers)| PodSample {
        namespace: "default".into(),
        name: Box::from(*name),
        containers: containers.iter().map(container).collect(),
    });
    Sample { pods: pods.collect(), ..Sample::default() }
}

/// A store that has taken these samples from `node-1`.
fn store(samples: impl IntoIterator<Item = Sample>) -> Store {
    let store = Store::new(RESOLUTION);
    for sample in samples {
        store.record("node-1", sample);
    }
    store
}

/// Such as `100m over 15s until 15s`; `-` where nothing is served.
fn node_usage(store: &Store) -> String {
    store
        .node("node-1")
        .map_or("-".to_owned(), |NodeUsage { span, usage }| format!("{} {}", usage.cpu, time(span)))
}

/// Such as `a 100m, b 20m over 15s until 15s`; `-` where the pod is not listed.
fn pod_usage(store: &Store) -> String {
    let Some(PodUsage { span, containers }) = store.pod("default", "web") else {
        return "-".to_owned();
    };
    let containers: Vec<_> = containers
        .iter()
        .map(|ContainerUsage { name, usage }| format!("{name} {}", usage.cpu))
        .collect();
    match span {
        Some(span) => format!("{} {}", containers.join(", "), time(span)),
        None => format!("[{}]", containers.join(", ")),
    }
}

fn time(span: Span) -> String {
    let end = Duration::from_nanos(
        u64::try_from(span.end.as_nanosecond() - i128::from(START * SECOND)).unwrap(),
    );
    format!("over {} until {}", duration::format(span.window), duration::format(end))
}

/// Rows of: what is shown, the samples, and the usage of `node-1` after them.
#[test]
fn a_nodes_usage_follows_from_its_last_two_points() {
    #[rustfmt::skip]
    let rows: [(&str, &[Point], &str); 13] = [
        ("nothing is known after no sample", &[], "-"),
        ("one point says nothing", &[at(0, 500)], "-"),
        ("two do", &[at(0, 500), at(15, 2000)], "100m over 15s until 15s"),
        ("of three, the last two do", &[at(0, 0), at(15, 9000), at(30, 12_000)], "200m over 15s until 30s"),
        ("what was used counts, not what there is", &[at(0, 7000), at(10, 7000)], "0 over 10s until 10s"),
        ("the window is the kubelet's, whatever the resolution", &[at(0, 0), at(7, 700)], "100m over 7s until 7s"),
        ("the same point again keeps the one before", &[at(0, 0), at(15, 1500), at(15, 1500)], "100m over 15s until 15s"),
        ("however often", &[at(0, 0), at(15, 1500), at(15, 1500), at(15, 1500)], "100m over 15s until 15s"),
        ("the same first point again is still one point", &[at(0, 500), at(0, 500)], "-"),
        ("an older point keeps the one before if that is older still", &[at(0, 0), at(15, 1500), at(10, 1000)], "100m over 10s until 10s"),
        ("and drops it if it is not", &[at(5, 0), at(15, 1500), at(5, 0)], "-"),
        ("a counter that fell gives nothing", &[at(0, 1500), at(15, 300)], "-"),
        ("until it has risen again", &[at(0, 1500), at(15, 300), at(30, 1800)], "100m over 15s until 30s"),
    ];
    for (what, points, expected) in rows {
        let store = store(points.iter().copied().map(node));
        assert_eq!(node_usage(&store), expected, "{what}");
    }
}

#[test]
fn a_node_that_is_missed_once_needs_two_points_again() {
    let store = store([node(at(0, 0)), node(at(15, 1500))]);
    store.forget("node-1");
    assert_eq!((node_usage(&store), store.node_names().len()), ("-".to_owned(), 0));
    store.record("node-1", node(at(45, 9000)));
    assert_eq!(node_usage(&store), "-");
    store.record("node-1", node(at(60, 12_000)));
    assert_eq!(node_usage(&store), "200m over 15s until 1m0s");
}

#[test]
fn a_node_whose_own_point_is_missing_once_needs_two_again_but_its_pods_do_not() {
    let whole =
        |second, cpu| Sample { node: Some(at(second, cpu)), ..pod(&[("a", at(second, cpu))]) };
    let store = store([whole(0, 0), pod(&[("a", at(15, 1500))]), whole(30, 3000)]);
    assert_eq!((&*node_usage(&store), &*pod_usage(&store)), ("-", "a 100m over 15s until 30s"));
    store.record("node-1", whole(45, 4500));
    assert_eq!(node_usage(&store), "100m over 15s until 45s");
}

/// Rows of: what is shown, the points of the only container, and the pod after them.
#[test]
fn a_containers_usage_follows_from_its_last_two_points() {
    #[rustfmt::skip]
    let rows: [(&str, &[Point], &str); 12] = [
        ("one point says nothing", &[at(100, 500)], "-"),
        ("two do", &[at(100, 500), at(115, 2000)], "a 100m over 15s until 1m55s"),
        ("so they do with a start long ago", &[at(100, 500).started(0), at(115, 2000).started(0)], "a 100m over 15s until 1m55s"),
        ("the same point again keeps the one before", &[at(100, 0), at(115, 1500), at(115, 1500)], "a 100m over 15s until 1m55s"),
        ("an older point keeps the one before if that is older still", &[at(100, 0), at(115, 1500), at(110, 1000)], "a 100m over 10s until 1m50s"),
        ("and drops it if it is not", &[at(105, 0), at(115, 1500), at(105, 0)], "-"),
        ("a restart drops what was before it", &[at(100, 9000).started(0), at(135, 500).started(101)], "-"),
        ("and so does one at the very moment of the stored point", &[at(100, 9000).started(0), at(135, 500).started(100)], "-"),
        ("after which two points are needed", &[at(100, 9000).started(0), at(135, 500).started(101), at(150, 2000).started(101)], "a 100m over 15s until 2m30s"),
        ("a counter that fell without a restart costs the container", &[at(100, 9000).started(0), at(115, 500).started(0)], "[]"),
        ("so does a start that moved back", &[at(100, 1000).started(50), at(115, 2500).started(0)], "[]"),
        ("and a start that went missing", &[at(100, 1000).started(0), at(115, 2500)], "[]"),
    ];
    for (what, points, expected) in rows {
        let store = store(points.iter().map(|point| pod(&[("a", *point)])));
        assert_eq!(pod_usage(&store), expected, "{what}");
    }
}

/// Rows of: what is shown, the points of the only container, and the pod after them. Such a
/// container counts from its start, when its counter was zero.
#[test]
fn one_point_is_enough_of_a_fresh_container() {
    #[rustfmt::skip]
    let rows: [(&str, &[Point], &str); 9] = [
        ("20 s after its start it is fresh", &[at(20, 2000).started(0)], "a 100m over 20s until 20s"),
        ("10 s after its start too", &[at(10, 1000).started(0)], "a 100m over 10s until 10s"),
        ("a moment before that it is too young", &[exactly(10 * SECOND - 1, 1).started(0)], "-"),
        ("a moment before a resolution has passed it still is fresh", &[exactly(30 * SECOND - 1, 3 * SECOND as u64).started(0)], "a 100m over 29.999999999s until 29.999999999s"),
        ("then it is too old", &[at(30, 3000).started(0)], "-"),
        ("a start after the point is no start", &[at(0, 1000).started(20)], "-"),
        ("and neither is one at the same moment", &[at(10, 1000).started(10)], "-"),
        ("its start counts even where there are two points", &[at(12, 600).started(0), at(27, 2700).started(0)], "a 100m over 27s until 27s"),
        ("it has restarted: its new start counts, not the point before", &[at(100, 9000).started(0), at(115, 1000).started(105)], "a 100m over 10s until 1m55s"),
    ];
    for (what, points, expected) in rows {
        let store = store(points.iter().map(|point| pod(&[("a", *point)])));
        assert_eq!(pod_usage(&store), expected, "{what}");
    }
}

/// Rows of: what is shown, the pod's containers in one sample after the other, and the pod after
/// them.
#[test]
fn a_pod_is_served_whole_or_not_at_all() {
    type Containers<'a> = &'a [(&'a str, Point)];
    #[rustfmt::skip]
    let rows: [(&str, &[Containers], &str); 11] = [
        ("two points of each container", &[&[("a", at(0, 0)), ("b", at(0, 0))], &[("a", at(15, 1500)), ("b", at(15, 300))]], "a 100m, b 20m over 15s until 15s"),
        ("a container that has come since has but one: the pod waits for it", &[&[("a", at(0, 0))], &[("a", at(15, 1500)), ("b", at(15, 300))]], "-"),
        ("unless it is fresh", &[&[("a", at(0, 0))], &[("a", at(15, 1500)), ("b", at(15, 300).started(0))]], "a 100m, b 20m over 15s until 15s"),
        ("a container that has gone is gone", &[&[("a", at(0, 0)), ("b", at(0, 0))], &[("b", at(15, 300))]], "b 20m over 15s until 15s"),
        ("one that was away needs two points again", &[&[("a", at(0, 0)), ("b", at(0, 0))], &[("a", at(15, 0))], &[("a", at(30, 0)), ("b", at(30, 0))]], "-"),
        ("one that makes no sense costs only itself", &[&[("a", at(0, 900)), ("b", at(0, 0))], &[("a", at(15, 0)), ("b", at(15, 300))]], "b 20m over 15s until 15s"),
        ("all that make no sense leave an empty pod", &[&[("a", at(0, 900)), ("b", at(0, 900))], &[("a", at(15, 0)), ("b", at(15, 0))]], "[]"),
        ("the time is that of the container measured first, whichever that is", &[&[("a", at(1, 0)), ("b", at(0, 0))], &[("a", at(16, 1500)), ("b", at(14, 280))]], "a 100m, b 20m over 14s until 14s"),
        ("of containers measured at once, the first one's window, where Go takes any", &[&[("a", at(5, 0)), ("b", at(0, 0))], &[("a", at(15, 1000)), ("b", at(15, 300))]], "a 100m, b 20m over 10s until 15s"),
        ("one without a point before that repeats itself has one point; Go takes the year 1 for its other", &[&[("a", at(0, 0))], &[("a", at(15, 1500)), ("b", at(15, 300))], &[("a", at(15, 1500)), ("b", at(15, 300))]], "-"),
        ("a missing time gives no usage; Go takes the year 1 for it", &[&[("a", untimed(0))], &[("a", at(15, 1500))]], "-"),
    ];
    for (what, samples, expected) in rows {
        let store = store(samples.iter().map(|containers| pod(containers)));
        assert_eq!(pod_usage(&store), expected, "{what}");
    }
}

/// Rows of: what is shown, counter and nanoseconds before, the same after, and the usage. Where
/// what comes out does not fit 64 bits, the processor decides what Go gets; here it is the most.
#[test]
fn numbers_at_the_edge_of_64_bits_hold() {
    const MOST: u64 = u64::MAX;
    let rows = [
        ("the least rise of a high counter", (MOST - 1, 0), (MOST, SECOND), "1n"),
        ("less than a nanocore", (0, 0), (1, 2 * SECOND), "0"),
        ("a signed number", (0, 0), (1 << 62, SECOND), "4611686018427387904n"),
        ("more than that", (0, 0), (1 << 63, SECOND), "9223372036854775800n"),
        ("the highest rise of all", (0, 0), (MOST, SECOND), "18446744073709551610n"),
        ("in the shortest window", (0, 0), (MOST, 1), "18446744073709551610n"),
    ];
    for (what, (cpu, time), (more_cpu, later), expected) in rows {
        let store = store([node(exactly(time, cpu)), node(exactly(later, more_cpu))]);
        assert_eq!(store.node("node-1").unwrap().usage.cpu.to_string(), expected, "{what}");
    }
    for (memory, expected) in [
        (i64::MAX as u64, "9223372036854775807"),
        (i64::MAX as u64 + 1, "9223372036854775800"),
        (MOST, "18446744073709551610"),
    ] {
        let store = store([node(at(0, 0)), node(at(1, 1).memory(memory))]);
        assert_eq!(store.node("node-1").unwrap().usage.memory.to_string(), expected);
    }
    let first = Point { time: Some(i64::MIN), ..at(0, 0) };
    let last = Point { time: Some(i64::MAX), ..at(0, 1) };
    assert_eq!(store([node(first), node(last)]).node("node-1"), None, "times 584 years apart");
}

#[test]
fn memory_is_that_of_the_newest_point() {
    let store = store([node(at(0, 0).memory(1 << 30)), node(at(15, 0).memory(5 << 20))]);
    assert_eq!(store.node("node-1").unwrap().usage.memory.to_string(), "5Mi");
}

/// Rows of: what is shown, the samples, and whether the store is ready after them.
#[test]
fn it_is_ready_with_usage_of_a_node_or_of_a_container() {
    let whole = |second| Sample { node: Some(at(second, 0)), ..pod(&[("a", at(second, 0))]) };
    #[rustfmt::skip]
    let rows: [(&str, Vec<Sample>, bool); 5] = [
        ("nothing", vec![], false),
        ("one point of each", vec![whole(0)], false),
        ("two points of each", vec![whole(0), whole(15)], true),
        ("no pods", vec![node(at(0, 0)), node(at(15, 0))], true),
        ("pods but no node", vec![pod(&[("a", at(0, 0))]), pod(&[("a", at(15, 0))])], true),
    ];
    for (what, samples, expected) in rows {
        assert_eq!(store(samples).is_ready(), expected, "{what}");
    }
}

/// The Go server serves whichever kubelet comes first in each cycle; here the pod stays with one
/// node.
#[test]
fn a_pod_that_two_nodes_report_stays_with_one_of_them() {
    let sample = |second, cpu| pod(&[("a", at(second, cpu))]);
    let store = store([sample(0, 0)]);
    store.record("node-2", sample(0, 0));
    for (first, second) in [("node-1", "node-2"), ("node-2", "node-1")] {
        let counter = |node| if node == "node-1" { 1500 } else { 9000 };
        store.record(first, sample(15, counter(first)));
        store.record(second, sample(15, counter(second)));
        assert_eq!(pod_usage(&store), "a 100m over 15s until 15s", "{first} answers first");
    }
}

/// Rows of: what, the start of the pod on the first node, on the second, and whose usage is served.
#[test]
fn of_two_nodes_that_report_a_pod_the_one_where_it_started_later_has_it() {
    type Start = Option<i64>;
    let rows: [(&str, Start, Start, &str); 4] = [
        ("it has moved", Some(-900), Some(-60), "a 600m over 15s until 15s"),
        ("the first is the newer one", Some(-60), Some(-900), "a 100m over 15s until 15s"),
        ("both at once", Some(-60), Some(-60), "a 100m over 15s until 15s"),
        ("who knows when", None, Some(-60), "a 100m over 15s until 15s"),
    ];
    for (what, first, second, expected) in rows {
        let point = |start: Start, second, cpu| {
            start.map_or(at(second, cpu), |start| at(second, cpu).started(start))
        };
        let store = store([pod(&[("a", point(first, 0, 0))])]);
        store.record("node-2", pod(&[("a", point(second, 0, 0))]));
        store.record("node-2", pod(&[("a", point(second, 15, 9000))]));
        store.record("node-1", pod(&[("a", point(first, 15, 1500))]));
        assert_eq!(pod_usage(&store), expected, "{what}");
        // The pod of the other node is used once this one is removed.
        store.forget(if expected.starts_with("a 600m") { "node-2" } else { "node-1" });
        assert_ne!(pod_usage(&store), "-", "{what}");
    }
}

/// A pod with a stable name has moved, and its new node is scraped before its old one.
#[test]
fn a_pod_stays_known_when_the_first_of_two_nodes_drops_it() {
    type LetsGo = fn(&Store);
    let sample = |second, cpu| pod(&[("a", at(second, cpu))]);
    let ways: [(&str, LetsGo); 3] = [
        ("it reports other pods", |store| _ = store.record("node-1", pods(&[("other", &[])]))),
        ("it reports none", |store| _ = store.record("node-1", Sample::default())),
        ("it is missed", |store| store.forget("node-1")),
    ];
    for (what, let_go) in ways {
        let store = store([sample(0, 0)]);
        store.record("node-2", sample(1, 0));
        let_go(&store);
        store.record("node-2", sample(16, 1500));
        assert_eq!(pod_usage(&store), "a 100m over 15s until 16s", "{what}");
        store.forget("node-2");
        assert_eq!(pod_usage(&store), "-", "{what}");
    }
}

/// Rows of: the node's capacity, two samples of a container, and what is served of its pod.
#[test]
fn usage_beyond_the_nodes_capacity_is_not_served() {
    let capacity = |cores: u64, mebibytes: u64| Capacity {
        nanocores: Some(cores * 1_000_000_000),
        memory: Some(mebibytes << 20),
    };
    let unknown = Capacity::default();
    let (small, none) = (at(15, 3000), "-");
    let rows = [
        (capacity(1, 64), at(15, 30_000), "main 2 over 15s until 15s", None),
        (capacity(1, 64), at(15, 30_001), none, Some("cpu_beyond_capacity")),
        (unknown, at(15, 699_420_000), "main 46628 over 15s until 15s", None),
        (capacity(1, 64), small, "main 200m over 15s until 15s", None),
        (capacity(1, 63), small, none, Some("memory_beyond_capacity")),
    ];
    for (capacity, second, expected, cause) in rows {
        let store = Store::new(RESOLUTION);
        store.record_within("node-1", pod(&[("main", at(0, 0))]), capacity);
        let recorded = store.record_within("node-1", pod(&[("main", second)]), capacity);
        assert_eq!(pod_usage(&store), expected, "{capacity:?} {second:?}");
        assert_eq!(recorded.unusable.into_keys().next(), cause, "{capacity:?} {second:?}");
        let reason = store.why_pod_is_missing("default", "web");
        assert_eq!(matches!(reason, MissingUsage::Unusable(_)), cause.is_some(), "{reason:?}");
    }
}
