//! The summary of the recorded state of CPU and memory: the recorded bytes, except for the values
//! of fields that a fake kubelet cannot know. Of those the types must be the same.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use fake_kubelet::{
    sample::{ContainerSample, Measured, Measurements, NodeSample, PodSample},
    summary::Summary,
};
use jiff::Timestamp;
use serde_json::Value;

/// Fields of the machine, of memory that is not in the working set, of pods that were made by an
/// API server, and of rates: the real kubelet takes them from samples that it does not expose.
const UNKNOWABLE: [&str; 7] = [
    "uid",
    "availableBytes",
    "usageBytes",
    "rssBytes",
    "pageFaults",
    "usageNanoCores",
    "majorPageFaults",
];

const RECORDED: [&str; 3] = [
    include_str!("../../tests/golden/kubelet-1.36/summary.1.json"),
    include_str!("../../tests/golden/kubelet-1.36/summary.2.json"),
    include_str!("../../tests/golden/kubelet-1.36/summary.3.json"),
];

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn measurements(of: &Value) -> Measurements {
    let measured = |of: &Value, name: &str| {
        Some(Measured { value: of[name].as_u64()?, at: moment(&of["time"]) })
    };
    Measurements {
        cpu: measured(&of["cpu"], "usageCoreNanoSeconds"),
        memory: measured(&of["memory"], "workingSetBytes"),
        swap: measured(&of["swap"], "swapUsageBytes"),
    }
}

/// What the recorded kubelet must have measured.
fn sample(recorded: &Value) -> NodeSample {
    let container = |of: &Value| ContainerSample {
        name: of["name"].as_str().unwrap().into(),
        started: Some(moment(&of["startTime"])),
        container: measurements(of),
        swap_limit: None,
    };
    let pod = |of: &Value| PodSample {
        namespace: of["podRef"]["namespace"].as_str().unwrap().into(),
        name: of["podRef"]["name"].as_str().unwrap().into(),
        pod: measurements(of),
        containers: of["containers"].as_array().unwrap().iter().map(container).collect(),
    };
    NodeSample {
        node: measurements(&recorded["node"]),
        pods: recorded["pods"].as_array().unwrap().iter().map(pod).collect(),
        failed: false,
    }
}

/// The text with the values that cannot be known replaced by their types. The cgroup of all pods has
/// a start, a time and a sum of its own, so that of it only the fields are compared.
fn known(text: &str) -> String {
    let mut within_system_containers = false;
    let each = text.lines().map(|line| {
        within_system_containers |= line == "  \"systemContainers\": [";
        within_system_containers &= line != "  ],";
        let Some((name, value)) = line.split_once(": ") else { return line.to_owned() };
        let bare = value.trim_end_matches(',');
        let is_leaf = !bare.ends_with(['[', '{']);
        let field = name.trim().trim_matches('"');
        if is_leaf && (within_system_containers || UNKNOWABLE.contains(&field)) {
            let kind = if bare.starts_with('"') { "text" } else { "number" };
            format!("{name}: {kind}{}", &value[bare.len()..])
        } else {
            line.to_owned()
        }
    });
    each.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_recorded_state_gives_the_recorded_summary() {
    for recorded in RECORDED {
        let value: Value = serde_json::from_str(recorded).unwrap();
        let sample = sample(&value);
        let name = value["node"]["nodeName"].as_str().unwrap();
        let started = moment(&value["node"]["startTime"]);
        let told = Summary::new(name, started, (&sample, &sample), true).render();
        assert_eq!(known(&told), known(recorded));
    }
}

#[test]
fn most_of_what_is_compared_is_compared_to_the_byte() {
    let recorded = RECORDED[0];
    let masked = known(recorded);
    let same = recorded.lines().zip(masked.lines()).filter(|(one, other)| one == other).count();
    assert_eq!(recorded.lines().count(), masked.lines().count());
    assert!(same * 4 > recorded.lines().count() * 3, "{same} lines");
}
