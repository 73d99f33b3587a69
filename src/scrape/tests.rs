use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt;
use http::StatusCode;
use k8s_text::klog::Klog;
use net::Clock;
use tracing_subscriber::layer::SubscriberExt;

use super::{ScrapeHealth, Scrapes, log::ScrapeLog};
use crate::{
    cluster::Node,
    kubelet::{
        ContainerSample, Dropped, Known, Page, PodSample, Point, Sample, ScrapeError,
        decode::Conflicts,
    },
};

const RESOLUTION: Duration = Duration::from_mins(1);
const ADDRESS: &str = "10.0.0.1:10250";

/// Scrapes and what is logged of them.
struct Rig {
    scrapes: Scrapes,
    log: ScrapeLog,
}

fn node(name: &str) -> Node {
    Node { name: name.to_owned(), ready: true, ..Node::default() }
}

fn status(code: u16) -> ScrapeError {
    ScrapeError::Status { status: StatusCode::from_u16(code).unwrap(), page: Page::Resource }
}

/// A node and a container, measured at `second`.
fn sample(second: i64) -> Sample {
    let point = Point { time: Some(second * 1_000_000_000), cpu: 1, memory: 1, start: None };
    let containers = vec![ContainerSample { name: "c".into(), point }];
    let pod = PodSample { namespace: "n".into(), name: "p".into(), containers };
    Sample { node: Some(point), pods: vec![pod], ..Sample::default() }
}

/// The lines logged by `act`, from their severity on without time and place.
fn logged(verbosity: u8, act: impl FnOnce(&mut Rig)) -> Vec<String> {
    let clock = Clock::starting_at("2019-01-04T09:53:00Z".parse().unwrap());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let sink = Arc::new(move |line: &str| {
        let (head, said) = line.split_once("] ").unwrap();
        sink.lock().unwrap().push(format!("{} {said}", &head[..1]));
    });
    let klog = Klog::new(clock.clone(), 1, verbosity, sink);
    let mut rig = Rig { scrapes: Scrapes::new(clock), log: ScrapeLog::new(RESOLUTION) };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(klog), || act(&mut rig));
    let lines = lines.lock().unwrap();
    lines.clone()
}

// === impl Rig ===

impl Rig {
    fn fails(&mut self, node: &Node, error: &ScrapeError) {
        let diagnosis = error.diagnose(&Known { node, was_authorized: false, led_astray: None });
        let transition = self.scrapes.note(node, ADDRESS, true, Err(diagnosis.clone()));
        self.log.failed(node, ADDRESS, error, &diagnosis, &transition);
    }

    /// A cycle later.
    fn answers(&mut self, node: &Node, mut sample: Sample) {
        tokio::time::advance(RESOLUTION).now_or_never();
        let transition = self.scrapes.note(node, ADDRESS, true, Ok(&mut sample));
        self.log.succeeded(node, ADDRESS, &transition);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_logged_once_and_then_every_five_minutes() {
    let lines = logged(0, |rig| {
        for cycle in 0..11 {
            rig.fails(&node("n1"), &status(if cycle < 7 { 500 } else { 503 }));
            rig.log.end_cycle(500_000);
        }
        for _ in 0..2 {
            rig.answers(&node("n1"), sample(1));
            rig.log.end_cycle(500_000);
        }
    });
    let named: Vec<_> = lines.iter().filter(|line| !line.starts_with('W')).cloned().collect();
    insta::assert_snapshot!(named.join("\n"));
    assert_eq!(lines.len() - named.len(), 11, "one summary a cycle that has failures");
}

#[tokio::test(start_paused = true)]
async fn thousands_that_fail_alike_are_counted() {
    let nodes: Vec<_> = (0..5_000).map(|at| node(&format!("n{at}"))).collect();
    let lines = logged(0, |rig| {
        for _ in 0..2 {
            for node in &nodes {
                rig.fails(node, &status(403));
            }
            rig.log.end_cycle(500_000);
        }
        for node in &nodes {
            rig.answers(node, sample(1));
        }
        rig.log.end_cycle(500_000);
    });
    assert_eq!(lines.len(), 20 + 1 + 1 + 20 + 1, "{lines:#?}");
    assert_eq!(
        lines[20],
        r#"W "Some nodes could not be scraped" failed=5000 nodes=5000 causes="forbidden 5000" unnamed=4980"#
    );
    assert_eq!(
        lines[21],
        r#"W "Some nodes could not be scraped" failed=5000 nodes=5000 causes="forbidden 5000""#
    );
    assert_eq!(lines[42], r#"I "Node scrapes recovered" nodes=4980"#);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_not_ready_are_logged_at_verbosity_2() {
    let act = |rig: &mut Rig| {
        let not_ready = Node { ready: false, ..node("n1") };
        rig.fails(&not_ready, &status(500));
        rig.log.end_cycle(500_000);
        rig.answers(&not_ready, sample(1));
        rig.log.end_cycle(500_000);
    };
    assert_eq!(logged(0, act), Vec::<String>::new());
    assert_eq!(logged(2, act).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_becomes_ready_and_still_fails_is_named() {
    let lines = logged(0, |rig| {
        rig.fails(&Node { ready: false, ..node("n1") }, &status(500));
        rig.fails(&node("n1"), &status(500));
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_problem_is_logged_when_it_begins_and_when_it_ends() {
    let without = |node: bool, pods: bool| {
        let mut sample = sample(100);
        sample.node = sample.node.filter(|_| node);
        sample.pods.retain(|_| pods);
        sample
    };
    let lines = logged(0, |rig| {
        let n1 = node("n1");
        for sample in [
            sample(1),
            without(false, false),
            without(false, false),
            without(true, false),
            without(false, true),
        ] {
            rig.answers(&n1, sample);
        }
        for second in [200, 200, 200, 200, 200, 201] {
            rig.answers(&n1, sample(second));
        }
    });
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_leave_are_forgotten() {
    logged(0, |rig| {
        rig.fails(&node("n1"), &status(500));
        rig.answers(&node("n2"), sample(1));
        assert_eq!(rig.scrapes.failing(), (2, [("http_status", 1)].into()));
        rig.scrapes.retain(|name| name == "n2");
        assert_eq!(rig.scrapes.of("n1"), None);
        let health: Vec<_> = rig.scrapes.by_health(1).into_keys().collect();
        assert_eq!(health, [ScrapeHealth::Healthy]);
    });
}

#[tokio::test(start_paused = true)]
async fn dropped_lines_are_logged_once_and_then_every_five_minutes() {
    let over = |lines, long_labels| {
        let first = "line 3".to_owned();
        let conflicts = Conflicts::default();
        let what = Dropped { lines, first, long_labels, limit: 256, conflicts };
        Sample { dropped: Some(Box::new(what)), ..sample(1) }
    };
    let lines = logged(0, |rig| {
        // Their number changes from response to response, which is not logged again.
        for cycle in 0..7 {
            rig.answers(&node("n1"), over(1 + cycle, 0));
            rig.log.end_cycle(500_000);
        }
        rig.answers(&node("n1"), over(1, 2));
        rig.answers(&node("n1"), Sample { dropped: None, ..sample(200) });
        rig.answers(&node("n1"), over(0, 2));
    });
    let said: Vec<_> = lines.iter().filter(|line| line.contains("Dropped ")).collect();
    let count = |text| said.iter().filter(|line| line.contains(text)).count();
    assert_eq!((said.len(), count("lines=1"), count("series=2")), (5, 2, 2), "{said:#?}");
    assert!(said[1].ends_with("lines=6 err=\"line 3\" responses=6"), "{said:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_measures_every_five_minutes_is_healthy() {
    let stale =
        |lines: Vec<String>| lines.iter().filter(|l| l.contains("no newer samples")).count();
    let lines = logged(0, |rig| {
        for cycle in 0..40 {
            rig.answers(&node("n1"), sample(cycle / 5 * 300));
        }
    });
    assert_eq!(stale(lines), 0, "housekeeping takes five minutes");
    let lines = logged(0, |rig| {
        for cycle in 0..40 {
            rig.answers(&node("n1"), sample(cycle.min(20) * 60));
        }
    });
    assert!(lines[0].contains(r#"interval="1m0s""#), "{lines:#?}");
    assert_eq!(stale(lines), 1, "it measures no more");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_joins_has_no_containers_at_once() {
    let empty = |second| Sample { pods: Vec::new(), ..sample(second) };
    let lines = logged(0, |rig| {
        rig.answers(&node("joins"), empty(1));
        rig.answers(&node("joins"), empty(2));
        rig.answers(&node("joins"), sample(3));
        for second in 1..5 {
            rig.answers(&node("never"), empty(second));
        }
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains(r#"node="never""#), "{lines:#?}");
}
