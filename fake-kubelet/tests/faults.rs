//! Faults by time, address and count, as clients see them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use std::{io, time::Duration};

use cluster_format::{
    BodyFault, Faults, In, Notation, Probability, SampleFault, TlsFault, TransferFault, Trickle,
    When,
};
use fake_kubelet::KubeletSpec;
use support::{AT, World, spec};
use tokio::time::{Instant, advance};

const METRICS: &str = "/metrics/resource";

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

async fn status(world: &World) -> String {
    let (head, _) = world.get_text(METRICS, "").await;
    head.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn answers_fail_on_a_schedule() {
    let world = World::new();
    let when = When {
        after: Some(In(seconds(5))),
        for_: Some(In(seconds(10))),
        every: Some(In(seconds(30))),
        ..When::default()
    };
    let faults = Faults { status: Some(500), when: Some(when), ..Faults::default() };
    let _kubelet = world.start(KubeletSpec { faults, ..spec() }).await;
    let mut seen = Vec::new();
    for _ in 0..9 {
        seen.push(status(&world).await);
        advance(seconds(5)).await;
    }
    assert_eq!(seen, ["200", "500", "500", "200", "200", "200", "200", "500", "500"]);
}

#[tokio::test(start_paused = true)]
async fn a_port_closes_and_opens_on_schedule() {
    let world = World::new();
    let when = When { after: Some(In(seconds(5))), for_: Some(In(seconds(10))), ..When::default() };
    let faults = Faults { refuse: true, when: Some(when), ..Faults::default() };
    let _kubelet = world.start(KubeletSpec { faults, ..spec() }).await;
    assert_eq!(status(&world).await, "200");
    tokio::time::sleep(seconds(6)).await;
    let error = world.tls("k8s-node1").await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    tokio::time::sleep(seconds(10)).await;
    assert_eq!(status(&world).await, "200");
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_from_when_faults_were_set() {
    let world = World::new();
    let when = When { after_requests: Some(2), for_requests: Some(1), ..When::default() };
    let faults = Faults { status: Some(503), when: Some(when), ..Faults::default() };
    let kubelet = world.start(KubeletSpec { faults: faults.clone(), ..spec() }).await;
    for _ in 0..2 {
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(status(&world).await);
        }
        assert_eq!(seen, ["200", "200", "503", "200"]);
        kubelet.set_faults(Faults::default()).await.unwrap();
        kubelet.set_faults(faults.clone()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn faults_have_a_place() {
    let world = World::new();
    let elsewhere = Faults {
        status: Some(500),
        at: Some(vec![In("192.0.2.1".parse().unwrap())]),
        ..Faults::default()
    };
    let here =
        Faults { at: Some(vec![In("10.200.100.215".parse().unwrap())]), ..elsewhere.clone() };
    let kubelet = world.start(KubeletSpec { faults: elsewhere.clone(), ..spec() }).await;
    assert_eq!(status(&world).await, "200");
    let both = Faults { also: vec![here], ..elsewhere };
    kubelet.set_faults(both).await.unwrap();
    assert_eq!(status(&world).await, "500", "at {AT}");
}

#[tokio::test(start_paused = true)]
async fn the_dice_are_the_seeds() {
    let world = World::new();
    let when = When { probability: Some(In(Probability::read("0.5").unwrap())), ..When::default() };
    let faults = Faults { status: Some(500), when: Some(when), ..Faults::default() };
    let _kubelet = world.start(KubeletSpec { faults: faults.clone(), ..spec() }).await;
    let again = World::new();
    let _other = again.start(KubeletSpec { faults, ..spec() }).await;
    let mut failed = 0;
    for _ in 0..40 {
        let seen = status(&world).await;
        assert_eq!(seen, status(&again).await);
        failed += usize::from(seen == "500");
    }
    assert!((10..30).contains(&failed), "{failed} of 40");
}

#[tokio::test(start_paused = true)]
async fn connections_break_and_are_slow() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let cut = Faults { cut_after: Some(100), ..Faults::default() };
    kubelet.set_faults(cut).await.unwrap();
    assert_eq!(world.tls("k8s-node1").await.err().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    let trickle = Some(Trickle { bytes: 500, every: In(seconds(1)) });
    kubelet.set_faults(Faults { trickle, ..Faults::default() }).await.unwrap();
    let before = Instant::now();
    world.get_text(METRICS, "").await;
    assert!(before.elapsed() > seconds(3), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn tls_fails_in_its_own_ways() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    for (tls, words) in
        [(TlsFault::InternalError, "InternalError"), (TlsFault::Plaintext, "InvalidContentType")]
    {
        kubelet.set_faults(Faults { tls: Some(tls), ..Faults::default() }).await.unwrap();
        let error = world.tls("k8s-node1").await.err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
    let demanded = Some(TlsFault::ClientCertificate);
    kubelet.set_faults(Faults { tls: demanded, ..Faults::default() }).await.unwrap();
    let error = world.get(METRICS, "").await.err().unwrap().to_string();
    assert!(error.contains("CertificateRequired"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn answers_end_too_early() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let set = |transfer| Faults { transfer: Some(transfer), ..Faults::default() };
    for transfer in [TransferFault::NoAnswer, TransferFault::CutShort, TransferFault::CutChunks] {
        kubelet.set_faults(set(transfer)).await.unwrap();
        let error = world.get(METRICS, "").await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{transfer:?}");
    }
    kubelet.set_faults(set(TransferFault::GzipBomb)).await.unwrap();
    let answer = world.get(METRICS, "").await.unwrap();
    assert!(answer.len() < 2 << 20, "{}", answer.len());
}

#[tokio::test(start_paused = true)]
async fn samples_freeze_and_have_wrong_times() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    let set = |samples| Faults { samples: Some(samples), ..Faults::default() };
    let node = |body: &str| {
        let line = body.lines().find(|line| line.starts_with("node_cpu")).unwrap();
        line.split_once(' ').unwrap().1.to_owned()
    };
    // Now it is 09:48:15; measured at 09:48:10.
    let frozen = SampleFault { frozen: true, ..SampleFault::default() };
    let ahead = SampleFault { ahead: Some(In(seconds(60))), ..SampleFault::default() };
    let untimed = SampleFault { untimed: true, ..SampleFault::default() };
    let reset = SampleFault { reset: true, ..SampleFault::default() };
    for (fault, expected) in [
        (frozen, "653 1795340890000"),
        (ahead, "693 1795340990000"),
        (untimed, "713"),
        (reset, "20 1795340970000"),
    ] {
        kubelet.set_faults(set(fault)).await.unwrap();
        advance(seconds(20)).await;
        assert_eq!(node(&world.get_text(METRICS, "").await.1), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn other_pages_are_served() {
    let world = World::new();
    let kubelet = world.start(spec()).await;
    for (page, part) in [
        ("/stats/summary?only_cpu_and_memory=true", "\"usageNanoCores\": 1000000000"),
        ("/stats/summary", "\"capacityBytes\""),
        ("/metrics", "kubelet_running_pods 1\n"),
        ("/metrics/cadvisor", "container_memory_working_set_bytes{container=\"c\""),
        ("/pods", "\"kind\":\"PodList\""),
        ("/configz", "\"kubeletconfig\""),
    ] {
        let (head, body) = world.get_text(page, "").await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{page}: {head}");
        assert!(body.contains(part), "{page}: {body}");
    }
    let empty = Faults { body: Some(BodyFault::Empty), ..Faults::default() };
    kubelet.set_faults(empty).await.unwrap();
    assert_eq!(world.get_text("/stats/summary", "").await.1, "");
}
