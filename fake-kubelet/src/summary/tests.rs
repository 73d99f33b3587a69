use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::*;

const GOLDEN: [&str; 3] = [
    include_str!("../../../tests/golden/kubelet-1.36/summary.1.json"),
    include_str!("../../../tests/golden/kubelet-1.36/summary.2.json"),
    include_str!("../../../tests/golden/kubelet-1.36/summary.3.json"),
];

fn sample(at: i64, cpu: u64) -> NodeSample {
    let at = Timestamp::from_second(at).unwrap();
    let name = |name: &str| Arc::from(name);
    let of = |cpu, memory| Measurements::at(at, cpu, memory);
    let container = ContainerSample {
        name: name("main"),
        started: Some(Timestamp::from_second(1_795_340_409).unwrap()),
        container: of(cpu, 64 << 20),
        swap_limit: None,
    };
    let pod = PodSample {
        namespace: name("default"),
        name: name("p"),
        pod: of(cpu, 65 << 20),
        containers: vec![container],
    };
    NodeSample { node: of(2 * cpu, 1 << 30), pods: vec![pod], failed: false }
}

fn summary(only_cpu_and_memory: bool) -> Summary {
    let (before, now) = (sample(1_795_340_895, 10), sample(1_795_340_905, 5_000_000_010));
    let started = Timestamp::from_second(1_795_340_000).unwrap();
    Summary::new("n1", started, (&before, &now), only_cpu_and_memory)
}

/// The paths of all values; those of lists without their indices.
fn paths(value: &Value, at: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                paths(value, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, at, all)),
        _ => drop(all.insert(at.to_owned())),
    }
}

#[test]
fn a_recorded_summary_is_written_to_the_byte() {
    for golden in GOLDEN {
        let summary: Summary = serde_json::from_str(golden).unwrap();
        assert_eq!(summary.render(), golden);
    }
}

#[test]
fn cpu_and_memory_are_those_of_the_recorded_kubelet() {
    let paths_of = |text: &str| {
        let mut all = BTreeSet::new();
        paths(&serde_json::from_str(text).unwrap(), "", &mut all);
        all
    };
    assert_eq!(paths_of(&summary(true).render()), paths_of(GOLDEN[0]));
}

#[test]
fn usage_is_counted_between_the_samples() {
    let value: Value = serde_json::from_str(&summary(false).render()).unwrap();
    assert_eq!(value["node"]["cpu"]["usageNanoCores"], 1_000_000_000);
    assert_eq!(value["node"]["systemContainers"][0]["cpu"]["usageNanoCores"], 500_000_000);
    let container = &value["pods"][0]["containers"][0];
    assert_eq!(container["cpu"]["usageCoreNanoSeconds"], 5_000_000_010_u64);
    assert_eq!(container["cpu"]["time"], "2026-11-22T09:48:25Z");
    assert_eq!(container["memory"]["workingSetBytes"], 64 << 20);
    assert_eq!(value["node"]["fs"]["capacityBytes"], 100_u64 << 30);
}
