//! Rendering a real kubelet's values gives its response, to the byte.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use fake_kubelet::{
    exposition,
    sample::{ContainerSample, Measured, Measurements, NodeSample, PodSample},
};
use jiff::Timestamp;

/// A container: pod, name, start in nanoseconds, CPU counter in nanoseconds, working set in bytes,
/// milliseconds of its measurement.
type Container = (&'static str, &'static str, i64, u64, u64, i64);

/// A pod: name, CPU counter in nanoseconds, working set in bytes, milliseconds of its measurement.
type Pod = (&'static str, u64, u64, i64);

const STARTED: [i64; 4] = [
    1_795_340_409_692_846_800,
    1_795_340_399_727_691_200,
    1_795_340_409_838_267_100,
    1_795_340_399_852_868_800,
];

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}

/// The pods' and containers' order here is not the one they are written in.
fn sample(
    node: (u64, u64, i64),
    swap_measured: i64,
    containers: [Container; 4],
    pods: [Pod; 2],
) -> NodeSample {
    let zero = Some(Measured { value: 0, at: at(swap_measured) });
    let container = |(_, name, started, cpu, memory, measured): Container| ContainerSample {
        name: name.into(),
        started: Timestamp::from_nanosecond(i128::from(started)).ok(),
        container: Measurements { swap: zero, ..Measurements::at(at(measured), cpu, memory) },
        swap_limit: zero,
    };
    let pod = |(name, cpu, memory, measured): Pod| PodSample {
        namespace: "default".into(),
        name: name.into(),
        pod: Measurements::at(at(measured), cpu, memory),
        containers: containers.iter().filter(|c| c.0 == name).copied().map(container).collect(),
    };
    NodeSample {
        node: Measurements::at(at(node.2), node.0, node.1),
        pods: pods.map(pod).into(),
        failed: false,
    }
}

#[test]
fn the_first_scrape() {
    let seen = sample(
        (2_045_935_720_883, 1_046_777_856, 1_795_340_895_081),
        1_795_340_895_169,
        [
            ("real-pod-1", "side", STARTED[2], 196_484_833, 22_753_280, 1_795_340_895_159),
            ("real-pod-1", "main", STARTED[0], 23_145_849_731, 23_068_672, 1_795_340_895_157),
            ("real-pod-2", "side", STARTED[3], 192_858_853, 22_536_192, 1_795_340_895_154),
            ("real-pod-2", "main", STARTED[1], 23_789_080_495, 22_810_624, 1_795_340_895_158),
        ],
        [
            ("real-pod-2", 24_067_783_703, 67_862_528, 1_795_340_891_744),
            ("real-pod-1", 23_160_979_933, 67_903_488, 1_795_340_886_610),
        ],
    );
    let golden = include_str!("../../tests/golden/kubelet-1.36/resource.1.prom");
    assert_eq!(exposition::render(&seen), golden);
}

#[test]
fn the_second_scrape() {
    let seen = sample(
        (2_045_935_720_883, 1_046_777_856, 1_795_340_895_081),
        1_795_340_910_274,
        [
            ("real-pod-1", "main", STARTED[0], 23_892_022_086, 23_068_672, 1_795_340_910_264),
            ("real-pod-1", "side", STARTED[2], 199_661_883, 22_753_280, 1_795_340_910_268),
            ("real-pod-2", "main", STARTED[1], 24_556_619_725, 23_072_768, 1_795_340_910_267),
            ("real-pod-2", "side", STARTED[3], 196_080_375, 22_536_192, 1_795_340_910_263),
        ],
        [
            ("real-pod-1", 24_010_151_445, 68_521_984, 1_795_340_905_074),
            ("real-pod-2", 24_636_148_999, 68_120_576, 1_795_340_903_664),
        ],
    );
    let golden = include_str!("../../tests/golden/kubelet-1.36/resource.2.prom");
    assert_eq!(exposition::render(&seen), golden);
}

#[test]
fn the_third_scrape() {
    let seen = sample(
        (2_051_746_684_000, 1_321_496_576, 1_795_340_913_432),
        1_795_340_925_373,
        [
            ("real-pod-2", "side", STARTED[3], 198_792_600, 22_536_192, 1_795_340_925_366),
            ("real-pod-2", "main", STARTED[1], 25_179_354_249, 23_072_768, 1_795_340_925_362),
            ("real-pod-1", "side", STARTED[2], 202_472_304, 22_753_280, 1_795_340_925_360),
            ("real-pod-1", "main", STARTED[0], 24_537_837_505, 23_068_672, 1_795_340_925_365),
        ],
        [
            ("real-pod-1", 24_716_806_460, 68_521_984, 1_795_340_920_088),
            ("real-pod-2", 25_469_373_279, 68_120_576, 1_795_340_922_444),
        ],
    );
    let golden = include_str!("../../tests/golden/kubelet-1.36/resource.3.prom");
    assert_eq!(exposition::render(&seen), golden);
}
