//! Kubelets as their clients see them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{io, path::Path, sync::Arc, time::Duration};

use cluster_format::{Access, BodyFault, CertificateFault, CertificateKind, Faults, In};
use fake_kubelet::{FakeKubelet, Fleet, KubeletError, KubeletSpec, Recording, Shape};
use flate2::read::GzDecoder;
use net::HostNetwork;
use support::{AT, World, ask, spec};
use tokio::{io::AsyncReadExt, time::Instant};

const METRICS: &str = "/metrics/resource";

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/kubelet-1.36")
}

fn faults(set: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    set(&mut faults);
    faults
}

/// The one chunk that hyper makes of a body.
fn one_chunk(body: &str) -> &str {
    let (length, rest) = body.split_once("\r\n").unwrap();
    &rest[..usize::from_str_radix(length, 16).unwrap()]
}

#[tokio::test(start_paused = true)]
async fn a_replayed_scrape_is_answered_to_the_byte() {
    let world = World::new();
    let recording = Arc::new(Recording::read(&golden()).unwrap());
    let _kubelet = world.start(KubeletSpec { replay: Some(recording), ..spec() }).await;
    let (head, body) = world.get_text(METRICS, "").await;
    let recorded = include_str!("../../tests/golden/kubelet-1.36/resource.1.headers");
    let seen = head.replace("Connection: close\r\n", "").replace("\r\nConnection: close", "");
    assert_eq!(seen, recorded.trim_end());
    assert_eq!(one_chunk(&body), include_str!("../../tests/golden/kubelet-1.36/resource.1.prom"));
    let (_, body) = world.get_text(METRICS, "").await;
    assert_eq!(one_chunk(&body), include_str!("../../tests/golden/kubelet-1.36/resource.2.prom"));
    let summary = "/stats/summary?only_cpu_and_memory=true";
    for recorded in [
        include_str!("../../tests/golden/kubelet-1.36/summary.1.json"),
        include_str!("../../tests/golden/kubelet-1.36/summary.2.json"),
    ] {
        assert_eq!(one_chunk(&world.get_text(summary, "").await.1), recorded);
    }
}

#[tokio::test(start_paused = true)]
async fn usage_is_sampled_and_counted() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let node = |body: &str| {
        let line = body.lines().find(|line| line.starts_with("node_cpu")).unwrap();
        line.split_once(' ').unwrap().1.to_owned()
    };
    // Requested at 09:48:15, measured at 09:48:10, 653 seconds after the node's start.
    assert_eq!(node(&world.get_text(METRICS, "").await.1), "653 1795340890000");
    kubelet.set_usage(Shape::Constant { cpu: 500_000_000, memory: 1 });
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(node(&world.get_text(METRICS, "").await.1), "660.5 1795340900000");
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(node(&world.get_text(METRICS, "").await.1), "660.5 1795340900000");
    assert_eq!(kubelet.sample().node.cpu.unwrap().value, 660_500_000_000);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(node(&world.get_text(METRICS, "").await.1), "665.5 1795340910000");
}

#[tokio::test(start_paused = true)]
async fn the_rest_is_answered_as_by_the_real_one() {
    let world = World::new();
    let _kubelet = world.start(spec()).await;
    let (head, body) = world.get_text("/healthz", "").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, "ok");
    let (head, body) = world.get_text("/nothing", "User-Agent: me/1\r\n").await;
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
    assert!(head.contains("Date: Sun, 22 Nov 2026 09:48:15 GMT"), "{head}");
    assert_eq!(body, "404 page not found\n");
    assert_eq!(
        world.notes.take(),
        [
            "k8s-node1 10.200.100.215:10250 from 10.244.1.6:40000",
            "k8s-node1 GET /healthz Some(200) None None",
            "k8s-node1 10.200.100.215:10250 from 10.244.1.6:40000",
            "k8s-node1 GET /nothing Some(404) Some(\"me/1\") None",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn gzip_is_served_to_clients_that_accept_it() {
    let world = World::new();
    let _kubelet = world.start(spec()).await;
    let plain = world.get_text(METRICS, "").await.1;
    let answer = world.get(METRICS, "Accept-Encoding: gzip\r\n").await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    assert!(head.contains("Content-Encoding: gzip"), "{head}");
    let mut text = String::new();
    io::Read::read_to_string(&mut GzDecoder::new(&answer[end + 4..]), &mut text).unwrap();
    assert_eq!(text, one_chunk(&plain));
}

#[tokio::test(start_paused = true)]
async fn clients_without_credentials_are_refused() {
    let world = World::new();
    let _kubelet = world.start(KubeletSpec { access: Access::Webhook, ..spec() }).await;
    let (head, body) = world.get_text(METRICS, "Authorization: Bearer secret\r\n").await;
    assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/plain; charset=utf-8"), "{head}");
    assert_eq!(body, "Unauthorized\n");
    let seen = "k8s-node1 GET /metrics/resource Some(401) None Some(\"Bearer\")";
    assert_eq!(world.notes.take()[1], seen);
}

#[tokio::test(start_paused = true)]
async fn faults_of_http_come_and_go() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let cases = [
        (faults(|f| f.status = Some(500)), 500, "Internal Server Error\n"),
        (faults(|f| f.status = Some(403)), 403, "Forbidden\n"),
        (faults(|f| f.body = Some(BodyFault::Garbage)), 200, "<html>"),
        (faults(|f| (f.status, f.body) = (Some(503), Some(BodyFault::Garbage))), 503, "<html>"),
    ];
    for (faults, status, start) in cases {
        kubelet.set_faults(faults.clone()).await.unwrap();
        let (head, body) = world.get_text(METRICS, "").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{faults:?}: {head}");
        assert!(body.starts_with(start), "{faults:?}: {body}");
    }
    kubelet.set_faults(Faults::default()).await.unwrap();
    assert!(world.get_text(METRICS, "").await.1.contains("node_cpu_usage_seconds_total"));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_exact() {
    let world = World::new();
    let delayed = faults(|f| f.delay = Some(In(Duration::from_secs(7))));
    let _kubelet = world.start(KubeletSpec { faults: delayed, ..spec() }).await;
    let before = Instant::now();
    world.get_text("/healthz", "").await;
    assert_eq!(before.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_has_disconnected_is_recorded() {
    let world = World::new();
    let delayed = faults(|f| f.delay = Some(In(Duration::from_mins(1))));
    let kubelet = world.start(KubeletSpec { faults: delayed, ..spec() }).await;
    let answer = tokio::time::timeout(Duration::from_secs(10), world.get(METRICS, "")).await;
    assert!(answer.is_err());
    kubelet.stop().await;
    tokio::task::yield_now().await;
    assert_eq!(world.notes.take()[1], "k8s-node1 GET /metrics/resource None None None");
}

#[tokio::test(start_paused = true)]
async fn silence_holds_connections_until_it_ends() {
    let world = World::new();
    let kubelet = world.start(KubeletSpec { faults: faults(|f| f.silence = true), ..spec() }).await;
    let patience = Duration::from_hours(1);
    let mut waiting = std::pin::pin!(world.tls("k8s-node1"));
    assert!(tokio::time::timeout(patience, &mut waiting).await.is_err());
    kubelet.set_faults(Faults::default()).await.unwrap();
    assert_eq!(waiting.await.err().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    world.tls("k8s-node1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_of_faults_cuts_open_connections() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let mut open = world.tls("k8s-node1").await.unwrap();
    ask(&mut open, "GET /healthz", "").await.unwrap();
    let mut seen = [0; 15];
    open.read_exact(&mut seen).await.unwrap();
    kubelet.set_faults(Faults::default()).await.unwrap();
    ask(&mut open, "GET /healthz", "").await.unwrap();
    kubelet.set_faults(faults(|f| f.refuse = true)).await.unwrap();
    let error = world.tls("k8s-node1").await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let end = open.read_to_end(&mut Vec::new()).await.err().unwrap();
    assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    kubelet.set_faults(Faults::default()).await.unwrap();
    world.tls("k8s-node1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn certificates_are_good_and_bad_for_clients_that_verify() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let expired = Some(CertificateFault::Expired);
    let no_ip = Some(CertificateFault::NoIpSan);
    let unknown = Some(CertificateFault::UnknownCa);
    let cases = [
        (None, "10.200.100.215", ""),
        (None, "k8s-node1", ""),
        (None, "10.0.0.1", "not valid for name"),
        (expired, "k8s-node1", "expired"),
        (no_ip, "10.200.100.215", "not valid for name"),
        (no_ip, "k8s-node1", ""),
        (unknown, "k8s-node1", "UnknownIssuer"),
    ];
    for (certificate, name, wrong) in cases {
        kubelet.set_faults(faults(|f| f.certificate = certificate)).await.unwrap();
        let seen = world.tls(name).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(seen.is_empty(), wrong.is_empty(), "{certificate:?} {name}: {seen}");
        assert!(seen.contains(wrong), "{certificate:?} {name}: {seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_self_signed_kubelet_shows_the_ca_it_made() {
    let world = World::new();
    let _kubelet =
        world.start(KubeletSpec { certificate: CertificateKind::SelfSigned, ..spec() }).await;
    let error = world.tls("k8s-node1").await.err().unwrap().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_node_may_move() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let new = "10.0.0.7:10250".parse().unwrap();
    kubelet.set_addresses(&[new], Vec::new(), vec![new.ip()]).await.unwrap();
    assert_eq!(kubelet.listens_on().await, [new]);
    let error = world.tls("k8s-node1").await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    kubelet.set_addresses(&[AT.parse().unwrap(), new], Vec::new(), vec![new.ip()]).await.unwrap();
    world.tls("10.0.0.7").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fleet_is_looked_up_by_node() {
    let world = World::new();
    let named = |index: u8| KubeletSpec {
        name: format!("n{index}"),
        listen: vec![([10, 0, 0, index], 10250).into()],
        ..spec()
    };
    let fleet = Fleet::start((1..=3).map(named), world.surroundings.clone()).await.unwrap();
    let nodes: Vec<_> = fleet.all().iter().map(|kubelet| kubelet.name().to_owned()).collect();
    assert_eq!(nodes, ["n1", "n2", "n3"]);
    let network = &world.surroundings.doors.network;
    network.connect(([10, 0, 0, 2], 10250).into()).await.unwrap();
    fleet.remove("n2").await;
    assert!(fleet.get("n2").is_none());
    assert!(network.connect(([10, 0, 0, 2], 10250).into()).await.is_err());
    fleet.add(named(2)).await.unwrap();
    let twice = KubeletSpec { name: "n9".to_owned(), ..named(1) };
    let error = fleet.add(twice).await.err().unwrap().to_string();
    assert_eq!(error, "kubelet of \"n9\": listen on 10.0.0.1:10250: address in use");
    fleet.stop().await;
    assert!(network.connect(([10, 0, 0, 3], 10250).into()).await.is_err());
}

#[tokio::test]
async fn a_real_port_is_closed_and_opened_again() {
    let mut world = World::new();
    world.surroundings.doors.network = Arc::new(HostNetwork);
    let local = KubeletSpec { listen: vec![([127, 0, 0, 1], 0).into()], ..spec() };
    let kubelet: FakeKubelet = world.start(local).await;
    let at = kubelet.listens_on().await[0];
    let network = &world.surroundings.doors.network;
    network.connect(at).await.unwrap();
    kubelet.set_faults(faults(|f| f.refuse = true)).await.unwrap();
    let error = network.connect(at).await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    kubelet.set_faults(Faults::default()).await.unwrap();
    network.connect(at).await.unwrap();
    let taken = KubeletSpec { listen: vec![at], ..spec() };
    let error = FakeKubelet::start(taken, &world.surroundings).await.err().unwrap();
    assert!(matches!(error, KubeletError::Listen { .. }), "{error}");
}
