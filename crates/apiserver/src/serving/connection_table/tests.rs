use super::*;

/// A table for 16 connections: two of a class are its own, and four are a source's share.
fn table() -> ConnectionTable {
    ConnectionTable::new(&Limits { connections: 16, ..Limits::default() })
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 40_000))
}

/// Makes a connection what it should be.
type Become = fn(&ConnectionHandle);

const SILENT: Become = |_| {};
const HANDSHAKING: Become = ConnectionHandle::handshake_begun;
const IDLE: Become = ConnectionHandle::handshake_done;
const BUSY: Become = |handle| {
    handle.handshake_done();
    handle.set_busy(true);
};
const AUTHENTICATED: Become = |handle| {
    handle.handshake_done();
    handle.set_authenticated();
};
const AUTHENTICATED_BUSY: Become = |handle| {
    AUTHENTICATED(handle);
    handle.set_busy(true);
};
const FRONT_PROXY: Become = |handle| {
    handle.handshake_done();
    handle.set_front_proxy();
};

/// Connections from hosts of their own.
fn fill(table: &ConnectionTable, first: u8, count: u8, what: Become) -> Vec<Place> {
    let places = (first..first + count).map(|host| {
        let (place, evicted) = table.enter(address(host));
        assert_eq!(evicted, None);
        what(place.handle());
        place
    });
    places.collect()
}

fn is_open(place: &Place) -> bool {
    let ConnectionHandle { id, table, .. } = place.handle();
    table.0.lock().by_id.contains_key(id)
}

#[test]
fn classes_are_evicted_in_order_and_the_oldest_first() {
    let cases = [
        ([SILENT, HANDSHAKING], Closed::Handshaking),
        ([HANDSHAKING, IDLE], Closed::Handshaking),
        ([IDLE, BUSY], Closed::Unauthenticated),
        ([BUSY, AUTHENTICATED], Closed::Unauthenticated),
        ([AUTHENTICATED, AUTHENTICATED_BUSY], Closed::Idle),
        ([AUTHENTICATED_BUSY, FRONT_PROXY], Closed::Busy),
    ];
    for ([first, later], expected) in cases {
        let table = table();
        let later = fill(&table, 100, 8, later);
        let first = fill(&table, 10, 8, first);
        let (_newcomer, evicted) = table.enter(address(1));
        assert_eq!(evicted, Some(expected));
        assert!(!is_open(&first[0]), "the oldest of its class: {expected:?}");
        assert!(first[1..].iter().chain(&later).all(is_open), "{expected:?}");
    }
}

#[test]
fn a_few_handshakes_and_new_connections_survive_a_crowd_of_another_class() {
    let cases = [
        (SILENT, HANDSHAKING),
        (IDLE, HANDSHAKING),
        (HANDSHAKING, IDLE),
        (BUSY, HANDSHAKING),
        (BUSY, SILENT),
    ];
    for (crowd, few) in cases {
        let table = table();
        let few = fill(&table, 1, 2, few);
        let _crowd = fill(&table, 100, 14, crowd);
        for host in 0..100 {
            let (place, evicted) = table.enter(address(150 + host));
            assert!(evicted.is_some());
            crowd(place.handle());
            // The newcomer stays, as one of the crowd.
            std::mem::forget(place);
        }
        assert!(few.iter().all(is_open));
    }
}

#[test]
fn the_source_with_the_most_connections_is_evicted_first() {
    for what in [SILENT, HANDSHAKING, IDLE, BUSY, AUTHENTICATED] {
        let table = table();
        let one = fill(&table, 10, 1, what);
        let mut sources: Vec<Vec<_>> = Vec::new();
        for (host, count) in [(1, 9), (2, 6)] {
            sources.push((0..count).map(|_| table.enter(address(host)).0).collect());
        }
        sources.iter().flatten().for_each(|place| what(place.handle()));
        for _ in 0..10 {
            let (newcomer, _) = table.enter(address(3));
            what(newcomer.handle());
            std::mem::forget(newcomer);
        }
        assert!(one.iter().all(is_open));
        let open = |places: &Vec<Place>| places.iter().filter(|place| is_open(place)).count();
        let left: Vec<_> = sources.iter().map(open).collect();
        assert!(left == [4, 5], "{left:?}");
    }
}

#[test]
fn a_connection_that_is_used_again_is_no_longer_the_oldest() {
    let table = table();
    let places = fill(&table, 1, 16, IDLE);
    places[0].handle().set_busy(true);
    places[0].handle().set_busy(false);
    let (_newcomer, evicted) = table.enter(address(100));
    assert_eq!(evicted, Some(Closed::Unauthenticated));
    assert!(is_open(&places[0]) && !is_open(&places[1]));
}

#[test]
fn a_network_of_ipv6_is_one_source() {
    let cases = [
        ("2001:db8::1", "2001:db8::2", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
    ];
    for (one, other, same) in cases {
        let [a, b] = [one, other].map(|text| source(text.parse().unwrap()));
        assert_eq!(a == b, same, "{one} {other}");
    }
}

#[tokio::test]
async fn few_requests_at_a_time_before_authentication() {
    let limits = Limits { unauthenticated_requests: 1, ..Limits::default() };
    let (place, _) = ConnectionTable::new(&limits).enter(address(1));
    let handle = place.handle();
    let first = handle.turn().await;
    assert!(first.is_some());
    let second = tokio::spawn({
        let handle = handle.clone();
        async move { handle.turn().await }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    handle.set_authenticated();
    assert!(second.await.unwrap().is_none());
    assert!(handle.turn().await.is_none());
}
