//! What is kept of nodes that send more than the limit.

use super::*;

/// The pods that the API server knows.
const KNOWN: [&str; 3] = ["web", "db", "cache"];

/// The pods of `default` that are served, among those that these tests use, such as `web,db`.
fn served(store: &Store) -> String {
    let names = ["cache", "db", "web", "x0", "x1", "x2", "x3"];
    let served = names.into_iter().filter(|name| store.pod("default", name).is_some());
    served.collect::<Vec<_>>().join(",")
}

fn crowd(second: i64, names: &[&str]) -> Sample {
    let containers = [("main", at(second, second.unsigned_abs() * 10))];
    let each: Vec<_> = names.iter().map(|name| (*name, &containers[..])).collect();
    pods(&each)
}

fn small(most: usize) -> Store {
    Store::new(RESOLUTION).with_limit(most, |_, name| KNOWN.contains(&name))
}

#[test]
fn unknown_pods_are_dropped_before_those_that_the_api_server_knows() {
    // Limit, what node-1 and node-2 send, what is served, how many pods a cycle drops.
    type Case<'c> = (usize, &'c [&'c str], &'c [&'c str], &'c str, usize);
    let cases: [Case<'_>; 7] = [
        (5, &["db", "x0"], &["web"], "db,web,x0", 0),
        (3, &["db", "x0"], &["web"], "db,web,x0", 0),
        (2, &["db", "x0"], &["web"], "db,web", 1),
        (2, &["x0", "x1", "x2", "x3"], &["db", "web"], "db,web", 4),
        (3, &["x0", "x1", "x2"], &["x0", "x1", "x2"], "", 6),
        // One that another node reports does not count.
        (3, &["cache", "db", "web"], &["cache", "db", "web"], "cache,db,web", 3),
        (1, &["db"], &["cache", "web"], "db", 2),
    ];
    for (most, first, second, expected, dropped) in cases {
        let store = small(most);
        let mut passed = 0;
        for cycle in 1..=4 {
            passed = store.record("node-1", crowd(cycle * 15, first)).dropped_pods
                + store.record("node-2", crowd(cycle * 15, second)).dropped_pods;
            let kept = store.slots.read().kept;
            assert!(kept <= most, "{kept} containers of {most} {first:?} {second:?}");
        }
        assert_eq!(served(&store), expected, "{most} {first:?} {second:?}");
        assert_eq!(passed, dropped, "{most} {first:?} {second:?}");
    }
}

#[test]
fn a_good_node_is_kept_though_bad_ones_came_first() {
    let store = small(4);
    for cycle in 1..=2 {
        store.record("bad", crowd(cycle * 15, &["x0", "x1", "x2", "x3"]));
    }
    assert_eq!(served(&store), "x0,x1,x2,x3");
    for cycle in 3..=4 {
        assert_eq!(store.record("good", crowd(cycle * 15, &["web"])).dropped_pods, 0);
    }
    assert_eq!(served(&store), "web");
    store.forget("bad");
    store.forget("good");
    assert_eq!(store.points(), (0, 0));
    let slots = store.slots.read();
    assert_eq!((slots.sent, slots.kept), (0, 0));
    assert!(slots.owners.is_empty() && slots.rivals.is_empty());
}

#[test]
fn thousands_of_bad_nodes_stay_within_the_limit() {
    let store = Store::new(RESOLUTION).with_limit(1000, |_, name| name.starts_with("real"));
    for cycle in 1..=3 {
        for node in 0..1000 {
            let names: Vec<_> = (0..100).map(|pod| format!("x{node}-{pod:03}")).collect();
            let mut names: Vec<_> = names.iter().map(String::as_str).collect();
            let real = format!("real-{node}");
            names.insert(0, &real);
            store.record(&format!("node-{node}"), crowd(cycle * 15, &names));
        }
        let slots = store.slots.read();
        assert!(slots.kept <= 1000);
        assert_eq!(slots.owners.values().map(BTreeMap::len).sum::<usize>(), slots.kept);
    }
    assert_eq!(store.points().1, 1000, "all that are real are there");
}
