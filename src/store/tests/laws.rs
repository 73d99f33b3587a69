//! What holds for all samples.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;

const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];
const PODS: [&str; 4] = ["a", "b", "c", "d"];

/// Points with times and counters so close that they often collide.
fn point() -> impl Strategy<Value = Point> {
    (proptest::option::of(0..60_i64), 0..60_i64, 0..60_u64).prop_map(|(start, time, cpu)| {
        let point = at(time, cpu * 100);
        start.map_or(point, |start| point.started(start))
    })
}

/// Something that happens to a node: a sample with these of its pods, or none at all.
fn happening() -> impl Strategy<Value = (usize, Option<Vec<bool>>)> {
    (0..NODES.len(), proptest::option::weighted(0.8, vec(any::<bool>(), PODS.len())))
}

proptest! {
    #[test]
    fn usage_over_its_window_is_the_difference_of_the_counters(
        from in 0..1_i64 << 60,
        window in 1..i64::MAX >> 2,
        before in any::<u64>(),
        used in any::<u64>(),
    ) {
        let (after, seconds) = (before.saturating_add(used), window as f64 / 1e9);
        let point = |time, cpu| Point { start: None, time: Some(time), cpu, memory: 1 };
        let store = store([node(point(from, before)), node(point(from + window, after))]);
        let Some(NodeUsage { span, usage }) = store.node("node-1") else {
            return Err(TestCaseError::fail("no usage"));
        };
        prop_assert_eq!(span.window.as_nanos(), u128::from(window.unsigned_abs()));
        prop_assert_eq!(span.end.as_nanosecond(), i128::from(from + window));
        // Whole nanocores, and no more of them than an `i64` holds.
        let exact = ((after - before) as f64 / seconds).min(u64::MAX as f64);
        let served = usage.cpu.nanos() as f64;
        prop_assert!((exact - served).abs() <= 1.0 + exact * 1e-15, "{} is not {}", served, exact);
    }

    #[test]
    fn usage_is_over_time_that_has_passed_and_ends_with_the_newest_sample(
        points in vec(point(), 1..12),
    ) {
        let store = Store::new(RESOLUTION);
        for point in points {
            store.record("node-1", Sample { node: Some(point), ..pod(&[("a", point)]) });
            let time = point.time.map(i128::from);
            let spans = [
                store.node("node-1").map(|usage| usage.span),
                store.pod("default", "web").and_then(|usage| usage.span),
            ];
            for span in spans.into_iter().flatten() {
                prop_assert!(!span.window.is_zero());
                prop_assert_eq!(Some(span.end.as_nanosecond()), time);
            }
        }
    }

    #[test]
    fn the_order_in_which_nodes_are_recorded_does_not_matter(
        samples in vec(vec(point(), 1..5), NODES.len()),
        order in vec(0..NODES.len(), 16),
    ) {
        // Each node has a pod of its own: of one that two report, the first keeps it.
        let record = |store: &Store, node: usize, point: Point| {
            let containers = [("main", point)];
            let sample = Sample { node: Some(point), ..pods(&[(PODS[node], &containers)]) };
            store.record(NODES[node], sample);
        };
        let (one_by_one, mixed) = (Store::new(RESOLUTION), Store::new(RESOLUTION));
        for (node, points) in samples.iter().enumerate() {
            for point in points {
                record(&one_by_one, node, *point);
            }
        }
        let mut rest: Vec<_> = samples.iter().map(|points| points.iter()).collect();
        for node in order.into_iter().chain((0..NODES.len()).flat_map(|node| [node; 5])) {
            if let Some(point) = rest[node].next() {
                record(&mixed, node, *point);
            }
        }
        for node in 0..NODES.len() {
            prop_assert_eq!(one_by_one.node(NODES[node]), mixed.node(NODES[node]));
            let usage = |store: &Store| store.pod("default", PODS[node]);
            prop_assert_eq!(usage(&one_by_one), usage(&mixed));
        }
        prop_assert_eq!(one_by_one.is_ready(), mixed.is_ready());
    }

    #[test]
    fn a_pod_is_known_as_long_as_a_node_reports_it(happenings in vec(happening(), 1..24)) {
        let store = Store::new(RESOLUTION);
        let mut reported = [const { BTreeSet::<&str>::new() }; NODES.len()];
        for (node, sample) in happenings {
            reported[node].clear();
            if let Some(sample) = sample {
                reported[node].extend(PODS.iter().zip(sample).filter(|(_, is)| *is).map(|(pod, _)| pod));
                let containers = [("main", at(20, 2000).started(0))];
                let sample: Vec<_> = reported[node].iter().map(|pod| (*pod, &containers[..])).collect();
                store.record(NODES[node], pods(&sample));
            } else {
                store.forget(NODES[node]);
            }
            for pod in PODS {
                let known = store.pod("default", pod).is_some();
                prop_assert_eq!(known, reported.iter().any(|pods| pods.contains(pod)), "{}", pod);
            }
        }
    }

    #[test]
    fn a_pod_stays_with_its_node_until_that_lets_it_go_or_a_later_start_comes(
        starts in vec(proptest::option::of(0..3_i64), NODES.len()),
        happenings in vec(happening(), 1..48),
    ) {
        let store = Store::new(RESOLUTION);
        let mut reported = [const { BTreeSet::<&str>::new() }; NODES.len()];
        for (cycle, (node, sample)) in happenings.into_iter().enumerate() {
            let before = owners(&store);
            let reported_before = std::mem::take(&mut reported[node]);
            if let Some(sample) = sample {
                let point = at(20 + cycle as i64, 2000);
                let point = starts[node].map_or(point, |start| point.started(start));
                let containers = [("main", point)];
                let here = PODS.iter().zip(sample).filter(|(_, is)| *is);
                reported[node].extend(here.map(|(pod, _)| pod));
                let sample: Vec<_> = reported[node].iter().map(|pod| (*pod, &containers[..])).collect();
                store.record(NODES[node], pods(&sample));
            } else {
                store.forget(NODES[node]);
            }
            for (pod, owner) in owners(&store) {
                let Some(old) = before.get(&pod).filter(|old| **old != owner) else { continue };
                let old = NODES.iter().position(|node| node == old).unwrap();
                let has_let_go = !reported[old].contains(pod.as_str());
                let comes = owner == NODES[node] && !reported_before.contains(pod.as_str());
                let is_later = starts[old].zip(starts[node]).is_some_and(|(old, new)| old < new);
                prop_assert!(has_let_go || (comes && is_later), "{} goes to {}", pod, owner);
            }
        }
    }
}

/// Each pod of `default` and the node whose report of it is served.
fn owners(store: &Store) -> BTreeMap<String, String> {
    let slots = store.slots.read();
    let pods = slots.owners.get("default").into_iter().flatten();
    pods.map(|(pod, node)| (pod.to_string(), node.to_string())).collect()
}
