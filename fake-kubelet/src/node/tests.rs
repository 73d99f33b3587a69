use super::*;
use crate::usage::{Curve, Level};

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn constant(millicores: u64, memory: u64) -> Shape {
    Shape::Constant { cpu: millicores * 1_000_000, memory }
}

fn container(name: &str, started: i64, shape: Shape) -> Container {
    Container { name: name.into(), usage: Usage::new(second(started), shape) }
}

fn pod(name: &str, containers: Vec<Container>) -> Pod {
    Pod { namespace: "default".into(), name: name.into(), containers }
}

fn two_pods(shape: Option<Shape>) -> Node {
    Node::new(
        second(0),
        shape,
        vec![
            pod(
                "a",
                vec![container("x", 0, constant(100, 10)), container("y", 50, constant(1_000, 1))],
            ),
            pod("b", vec![container("x", 100, constant(2_000, 5))]),
        ],
    )
}

fn cpu_and_memory(sample: &NodeSample) -> (u64, u64) {
    (sample.node.cpu.unwrap().value / 1_000_000, sample.node.memory.unwrap().value)
}

#[test]
fn nodes_and_pods_use_what_their_containers_use() {
    let sample = two_pods(None).sample(second(60));
    assert_eq!(cpu_and_memory(&sample), (6_000 + 10_000, 11));
    let pods: Vec<_> = sample.pods.iter().map(|p| (&*p.name, p.containers.len())).collect();
    assert_eq!(pods, [("a", 2)], "b has not started yet");
    assert_eq!(sample.pods[0].pod, Measurements::at(second(60), 16_000_000_000, 11));
    assert_eq!(sample.pods[0].containers[1].started, Some(second(50)));
}

#[test]
fn a_node_may_have_a_usage_of_its_own() {
    assert_eq!(
        cpu_and_memory(&two_pods(Some(constant(3_000, 99))).sample(second(10))),
        (30_000, 99)
    );
}

#[test]
fn usage_set_later_continues_the_counter_and_keeps_the_past() {
    for (shape, at_20, at_30) in
        [(None, (2_000, 10), (7_000, 7)), (Some(constant(1_000, 99)), (20_000, 99), (25_000, 7))]
    {
        let mut node = two_pods(shape.clone());
        node.set_usage(second(20), constant(500, 7));
        assert_eq!(cpu_and_memory(&node.sample(second(30))), at_30);
        let before = two_pods(shape.clone()).sample(second(20));
        assert_eq!(cpu_and_memory(&before), at_20);
        assert_eq!(node.sample(second(19)), two_pods(shape).sample(second(19)));
    }
}

#[test]
fn containers_change_one_by_one() {
    let mut node = two_pods(None);
    assert!(node.set_container_usage(("default", "a", "x"), second(10), constant(0, 3)));
    assert_eq!(cpu_and_memory(&node.sample(second(20))), (1_000, 3));
    assert!(!node.set_container_usage(("default", "a", "z"), second(10), constant(0, 3)));
}

#[test]
fn the_nodes_counter_outlives_its_pods() {
    let mut node = two_pods(None);
    assert!(node.remove_pod(second(60), "default", "a"));
    assert!(!node.remove_pod(second(60), "default", "a"));
    assert_eq!(cpu_and_memory(&node.sample(second(60))), (16_000, 0));
    let again = pod("b", vec![container("x", 70, constant(1_000, 2))]);
    node.add_pod(second(60), again.clone());
    node.add_pod(second(80), again);
    assert_eq!(cpu_and_memory(&node.sample(second(80))), (16_000 + 10_000 + 10_000, 2));
}

#[test]
fn the_exposition_is_that_of_the_sample() {
    let mut node = two_pods(None);
    let leak = |to| {
        let level = |memory| Level { cpu: 400_000_000, memory };
        Curve::leak(level(10), level(to), Duration::from_secs(7))
    };
    assert!(node.set_container_usage(("default", "a", "y"), second(60), Shape::from(leak(90))));
    node.add_pod(second(70), pod("0", vec![container("m", 75, constant(7, 7))]));
    node.add_pod(
        second(80),
        pod("c\"", vec![container("m", 85, constant(u64::MAX / 1_000_000, 9))]),
    );
    let own = two_pods(Some(constant(3_000, 99)));
    for node in [two_pods(None), node, own, Node::new(second(0), None, Vec::new())] {
        for at in -1..200 {
            let sampled = exposition::render(&node.sample(second(at)));
            let written = String::from_utf8(node.exposition(second(at))).unwrap();
            assert_eq!(written, sampled, "{at}");
        }
    }
}

#[test]
fn nothing_is_measured_before_the_node_started() {
    assert_eq!(two_pods(None).sample(second(-1)), NodeSample::default());
}

#[test]
fn objects_may_each_be_measured_at_their_own_time() {
    let sampling = Sampling { apart: true, ..Sampling::default() };
    let node = two_pods(None);
    let now = Timestamp::from_millisecond(1_234_567).unwrap();
    let sample = node.sample_apart(sampling, now);
    assert_eq!(sample.node, node.sample(second(1_230)).node);
    let age = |of: &Measured| now.as_millisecond() - of.at.as_millisecond();
    let turns: Vec<_> = sample.pods.iter().map(|pod| age(&pod.pod.cpu.unwrap())).collect();
    assert!(turns.iter().all(|age| (0..10_000).contains(age)) && turns[0] != turns[1], "{turns:?}");
    for (sampled, pod) in sample.pods.iter().zip(&node.pods) {
        let at = sampled.pod.cpu.unwrap().at;
        assert_eq!(sampled.pod, pod.sample(at).unwrap().pod);
        for (sampled, container) in sampled.containers.iter().zip(&pod.containers) {
            let cpu = sampled.container.cpu.unwrap();
            assert_eq!(cpu.value, container.usage.cumulative_cpu(cpu.at));
            assert!((1..=15).contains(&age(&cpu)), "{cpu:?}");
            assert_eq!(sampled.container.swap.unwrap().at, now);
            assert_eq!(sampled.swap_limit.unwrap().at, now);
        }
    }
    let young = Timestamp::from_millisecond(50_020).unwrap();
    let pod = &node.sample_apart(sampling, young).pods[0];
    assert_eq!((pod.containers.len(), pod.pod.cpu.unwrap().at < second(50)), (2, true));
    assert_eq!(node.sample_apart(sampling, second(-20)), NodeSample::default());
}
