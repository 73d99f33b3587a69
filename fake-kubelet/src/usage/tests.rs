use super::*;

const MI: u64 = 1 << 20;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn constant(cpu: u64, memory: u64) -> Shape {
    Shape::Constant { cpu, memory }
}

#[test]
fn counters_are_the_integral_of_usage() {
    let mut usage = Usage::new(second(1_000), constant(250_000_000, 64 * MI));
    usage.set(second(1_100), constant(1_000_000_000, 128 * MI));
    usage.set(second(1_110), constant(0, 0));
    let cases = [
        (0, 0, 0),
        (999, 0, 0),
        (1_000, 0, 64 * MI),
        (1_001, 250_000_000, 64 * MI),
        (1_099, 24_750_000_000, 64 * MI),
        (1_100, 25_000_000_000, 128 * MI),
        (1_109, 34_000_000_000, 128 * MI),
        (1_110, 35_000_000_000, 0),
        (9_999, 35_000_000_000, 0),
    ];
    for (at, cpu, memory) in cases {
        let at = second(at);
        assert_eq!((usage.cumulative_cpu(at), usage.memory(at)), (cpu, memory), "{at}");
    }
}

#[test]
fn a_change_replaces_later_changes() {
    let mut usage = Usage::new(second(0), constant(1_000_000_000, 1));
    usage.set(second(20), constant(5_000_000_000, 5));
    usage.set(second(10), constant(2_000_000_000, 2));
    assert_eq!(usage.cumulative_cpu(second(30)), 50_000_000_000);
    usage.set(second(-5), constant(3_000_000_000, 3));
    assert_eq!(usage.cumulative_cpu(second(30)), 90_000_000_000);
    assert_eq!(usage.memory(second(-1)), 0);
}

#[test]
fn a_counter_may_start_above_zero() {
    let usage = Usage::carrying(second(10), 7, constant(1, 0));
    assert_eq!(usage.cumulative_cpu(second(9)), 0);
    assert_eq!(usage.cumulative_cpu(second(10)), 7);
    assert_eq!(usage.cumulative_cpu(second(13)), 10);
}

#[test]
fn setting_the_same_shape_again_changes_no_counter() {
    let shape = constant(333_333_333, 1);
    let whole = Usage::new(second(0), shape.clone());
    let mut cut = whole.clone();
    for at in (1..100).step_by(7) {
        cut.set(second(at), shape.clone());
    }
    for at in 0..200 {
        assert_eq!(cut.cumulative_cpu(second(at)), whole.cumulative_cpu(second(at)));
    }
}

#[test]
fn counters_never_fall() {
    let mut usage = Usage::new(second(0), constant(1, 0));
    for at in 1..50 {
        usage.set(second(at), constant(u64::try_from(at * 7_919 % 13).unwrap(), 0));
    }
    let counters: Vec<u64> = (0..60).map(|at| usage.cumulative_cpu(second(at))).collect();
    assert!(counters.is_sorted());
}

#[test]
fn the_largest_usage_over_the_longest_time_does_not_overflow() {
    let usage = Usage::new(Timestamp::MIN, constant(u64::MAX, u64::MAX));
    assert_eq!(usage.cumulative_cpu(Timestamp::MAX), u64::MAX);
}

#[test]
fn a_restart_resets_the_counter_and_the_total_continues() {
    let mut usage = Usage::carrying(second(0), 7, constant(1_000_000_000, 1));
    usage.restart(second(10));
    let at = second(13);
    assert_eq!(usage.cumulative_cpu(at), 3_000_000_000);
    assert_eq!(usage.total_cpu(at), 13_000_000_007);
    assert_eq!(usage.last_started(at), second(10));
    assert_eq!(usage.last_started(second(9)), second(0));
    assert_eq!(usage.cumulative_cpu(second(9)), 9_000_000_007);
}

#[test]
fn a_leak_restarts_each_time_it_is_killed() {
    let level = |memory| Level { cpu: 500_000_000, memory };
    let leak = Curve::leak(level(10), level(110), std::time::Duration::from_secs(10));
    let mut usage = Usage::new(second(0), constant(500_000_000, 10));
    usage.set(second(100), leak.into());
    for (at, started, cpu, memory) in [
        (100, 0, 50_000, 10),
        (105, 0, 52_500, 60),
        (110, 110, 0, 10),
        (119, 110, 4_500, 100),
        (135, 130, 2_500, 60),
    ] {
        let at = second(at);
        let seen = (usage.last_started(at), usage.cumulative_cpu(at), usage.memory(at));
        assert_eq!(seen, (second(started), cpu * 1_000_000, memory), "{at}");
    }
    assert_eq!(usage.total_cpu(second(135)), 67_500_000_000);
}
