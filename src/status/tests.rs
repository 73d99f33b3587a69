use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use net::Clock;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::{
    cluster::Node,
    kubelet::{ContainerSample, Known, Page, PodSample, Point, Sample, ScrapeError},
    metrics::observed,
};

const RESOLUTION: Duration = Duration::from_secs(15);

struct Rig {
    sources: Sources,
    router: Router,
}

impl Rig {
    fn new() -> Self {
        let clock = Clock::starting_at("2019-01-04T09:53:00Z".parse().unwrap());
        let flags = BTreeMap::from([("v".to_owned(), "0".to_owned())]);
        let scrapes = Arc::new(Scrapes::new(clock.clone()));
        let telemetry = Arc::new(Telemetry::new(clock, RESOLUTION, flags).unwrap());
        let sources = Sources {
            telemetry: telemetry.clone(),
            cluster: Arc::default(),
            store: Arc::new(Store::new(RESOLUTION)),
            scrapes,
        };
        Self { router: observed(router(&sources), telemetry), sources }
    }

    fn learn_of_the_cluster(&self) {
        let node = Node { name: "k8s-m1".to_owned(), ..Node::default() };
        self.sources.cluster.set_nodes([(node.name.clone(), Arc::new(node))].into());
        self.sources.cluster.set_pods(BTreeMap::new());
    }

    fn scrape_twice(&self) {
        for seconds in [15, 30] {
            let point = Point {
                start: Some(0),
                time: Some(seconds * 1_000_000_000),
                cpu: 7 * seconds as u64,
                memory: 9,
            };
            let container = ContainerSample { name: "c".into(), point };
            let pod =
                PodSample { namespace: "a".into(), name: "b".into(), containers: vec![container] };
            let sample = Sample { node: Some(point), pods: vec![pod], ..Sample::default() };
            self.sources.store.record("k8s-m1", sample);
            let start = self.sources.telemetry.cycle_began();
            self.sources.telemetry.scraped("k8s-m1", Duration::from_millis(3), None);
            let (nodes, containers) = self.sources.store.points();
            self.sources.telemetry.cycle_ended(start, nodes, containers);
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/golden/metrics-api/exchanges.json")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn probes_answer_as_the_go_servers_do() {
    let (warm, cold) = (Rig::new(), Rig::new());
    for rig in [&warm, &cold] {
        rig.learn_of_the_cluster();
    }
    warm.scrape_twice();
    let mut compared = 0;
    for exchange in recorded() {
        let name = exchange["name"].as_str().unwrap();
        let path = exchange["request"]["path"].as_str().unwrap();
        if !["/healthz", "/livez", "/readyz"].iter().any(|probe| path.starts_with(probe)) {
            continue;
        }
        let rig = if name.starts_with("cold") { &cold } else { &warm };
        let (status, body) = rig.get(path).await;
        let expected = exchange["response"]["body"].as_str().unwrap();
        let expected: Vec<_> = expected.lines().collect();
        let seen: Vec<_> = body.lines().collect();
        assert_eq!(
            (status.as_u16(), seen),
            (exchange["response"]["status"].as_u64().unwrap() as u16, expected),
            "{name}"
        );
        compared += 1;
    }
    assert_eq!(compared, 17);
}

#[tokio::test(start_paused = true)]
async fn a_failed_check_gives_its_reason_at_its_own_path_only() {
    let rig = Rig::new();
    let (status, body) = rig.get("/readyz/metric-storage-ready").await;
    assert_eq!(
        (status.as_u16(), body.as_str()),
        (500, "internal server error: no metrics to serve\n")
    );
    let (status, body) = rig.get("/readyz?exclude=metric-storage-ready&exclude=x&exclude=a").await;
    assert_eq!(status.as_u16(), 500);
    assert_eq!(
        body,
        "[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n[+]poststarthook/storage-object-count-tracker-hook ok\n[+]metric-storage-ready excluded: ok\n[-]metric-informer-sync failed: reason withheld\n[-]metadata-informer-sync failed: reason withheld\n[+]shutdown ok\nwarn: some health checks cannot be excluded: no matches for \"a\", \"x\"\nreadyz check failed\n"
    );
    assert_eq!(rig.get("/readyz/whatever").await.0.as_u16(), 404);
}

/// The paths that the Go server lists at `/`.
#[tokio::test(start_paused = true)]
async fn every_path_of_the_go_server_is_here() {
    let exchange = recorded().into_iter().find(|exchange| exchange["name"] == "root").unwrap();
    let listed: Value =
        serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap();
    let mut expected: Vec<_> = listed["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path.as_str().unwrap().to_owned())
        .filter(|path| !path.starts_with("/apis") && !path.starts_with("/openapi"))
        .chain(["/statusz", "/flagz"].map(str::to_owned))
        .collect();
    let mut here: Vec<_> = routes(&Rig::new().sources).into_iter().map(|(path, _)| path).collect();
    expected.sort();
    here.sort();
    assert_eq!(here, expected);
}

#[tokio::test(start_paused = true)]
async fn probes_fail_when_a_cycle_hangs_or_the_server_stops() {
    let rig = Rig::new();
    rig.learn_of_the_cluster();
    rig.scrape_twice();
    tokio::time::advance(RESOLUTION + RESOLUTION / 2).await;
    assert_eq!(rig.get("/livez").await.1, "ok");
    tokio::time::advance(Duration::from_millis(1)).await;
    let (status, body) = rig.get("/livez").await;
    assert_eq!(status.as_u16(), 500);
    assert!(body.contains("[-]metric-collection-timely failed: reason withheld"), "{body}");

    rig.sources.telemetry.stopping();
    let (status, body) = rig.get("/readyz").await;
    assert_eq!(status.as_u16(), 500);
    assert!(body.contains("[-]shutdown failed: reason withheld"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn metrics_have_the_go_servers_names_types_and_labels() {
    let rig = Rig::new();
    rig.scrape_twice();
    rig.sources.telemetry.served("2019-01-04T09:52:45Z".parse().unwrap());
    let (_, metrics) = rig.get("/metrics").await;
    let golden = include_str!("../../tests/golden/metrics-api/self-metrics.txt");
    for line in golden.lines().take_while(|line| !line.is_empty()) {
        let expected = if line.starts_with("# HELP") {
            continue;
        } else if line.starts_with('#') {
            line.to_owned()
        } else {
            // Numbers and other nodes differ.
            line.split_once(' ')
                .unwrap()
                .0
                .replace("k8s-node1", "k8s-m1")
                .replace("k8s-node2", "k8s-m1")
        };
        assert!(metrics.contains(&expected), "{expected} is not in\n{metrics}");
    }
    assert!(metrics.contains("metrics_server_storage_points{type=\"container\"} 1\n"), "{metrics}");
    assert!(metrics.contains("metrics_server_api_metric_freshness_seconds_sum 15\n"), "{metrics}");
    assert!(!metrics.contains("process_"), "a server in a shared process reports on itself only");
    let families =
        |text: &str| text.lines().filter(|line| line.starts_with("# TYPE metrics_server_")).count();
    assert_eq!(families(&metrics), 6);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_by_cause_and_leave_no_trace_of_nodes_that_left() {
    let rig = Rig::new();
    let error = ScrapeError::Status { status: StatusCode::FORBIDDEN, page: Page::Resource };
    for node in ["n1", "n2"] {
        rig.sources.telemetry.scraped(node, Duration::from_millis(3), Some(error.cause()));
    }
    rig.sources.telemetry.forget_node("n1");
    let (_, metrics) = rig.get("/metrics").await;
    assert!(
        metrics.contains("metrics_server_kubelet_scrape_failures_total{cause=\"forbidden\"} 2\n")
    );
    assert!(metrics.contains("metrics_server_kubelet_request_total{success=\"false\"} 2\n"));
    assert!(!metrics.contains("n1") && metrics.contains("n2"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_without_names() {
    let rig = Rig::new();
    rig.get("/healthz?verbose").await;
    rig.get("/apis/metrics.k8s.io/v1beta1/namespaces/a/pods/b").await;
    let (_, metrics) = rig.get("/metrics").await;
    for line in [
        r#"apiserver_request_total{code="200",group="",resource="",scope="",subresource="/healthz",verb="GET",version=""} 1"#,
        r#"apiserver_request_total{code="404",group="metrics.k8s.io",resource="pods",scope="resource",subresource="",verb="GET",version="v1beta1"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_version_has_the_recorded_shape() {
    let (_, body) = Rig::new().get("/version").await;
    let seen: BTreeMap<String, String> = serde_json::from_str(&body).unwrap();
    assert_eq!(seen["gitVersion"], short_version());
    let exchange = recorded().into_iter().find(|exchange| exchange["name"] == "version").unwrap();
    let recorded: BTreeMap<String, String> =
        serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap();
    let own: Vec<_> = seen.keys().collect();
    assert_eq!(own, recorded.keys().collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn pages_are_for_people() {
    let rig = Rig::new();
    tokio::time::advance(Duration::from_secs(3_725)).await;
    rig.scrape_twice();
    let error = ScrapeError::Status { status: StatusCode::FORBIDDEN, page: Page::Resource };
    for name in (0..12).map(|at| format!("n{at:02}")) {
        let node = Node { name, ready: true, ..Node::default() };
        let diagnosis =
            error.diagnose(&Known { node: &node, was_authorized: false, led_astray: None });
        rig.sources.scrapes.note(&node, "10.0.0.1:10250", false, Err(diagnosis));
    }
    insta::assert_snapshot!(rig.get("/statusz").await.1.replace(short_version(), "vX"), @r#"

    metrics-server statusz
    Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.

    Started: Fri Jan  4 09:53:00 UTC 2019
    Up: 1 hr 02 min 05 sec
    Binary version: vX

    Nodes by scrape health
    failing, forbidden: 12
      n00 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n01 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n02 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n03 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n04 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n05 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n06 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n07 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n08 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      n09 at "10.0.0.1:10250": "request failed, status: \"403 Forbidden\"", 1 times, since 0s, never good
      … and 2 more
    "#);
    assert!(rig.get("/flagz").await.1.ends_with("debugging purposes only.\nv: 0\n"));
}

#[tokio::test]
async fn programs_have_flagz_as_an_object() {
    let rig = Rig::new();
    let ask = async |page: &str, accept: &str| {
        let request = Request::get(page).header("accept", accept).body(Body::empty()).unwrap();
        let response = rig.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head, String::from_utf8(body.to_vec()).unwrap())
    };
    let (head, body) = ask("/flagz", "application/json;g=config.k8s.io;v=v1beta1;as=Flagz").await;
    assert_eq!(
        (head.status, head.headers["content-type"].as_bytes()),
        (StatusCode::OK, &b"application/json"[..])
    );
    let object: Value = serde_json::from_str(&body).unwrap();
    let expected = json!({
        "kind": "Flagz",
        "apiVersion": "config.k8s.io/v1beta1",
        "metadata": {"name": "metrics-server"},
        "flags": {"v": "0"},
    });
    assert_eq!(object, expected);
    let (head, body) = ask("/flagz", "application/yaml;g=config.k8s.io;v=v1alpha1;as=Flagz").await;
    let lines = [
        "apiVersion: config.k8s.io/v1alpha1",
        "flags:",
        "  v: \"0\"",
        "kind: Flagz",
        "metadata:",
        "  name: metrics-server",
    ];
    assert_eq!(body.lines().collect::<Vec<_>>(), lines);
    assert!(head.headers["warning"].to_str().unwrap().contains("deprecated"));
    for (page, accepted) in
        [("/flagz", "application/json, application/yaml, text/plain"), ("/statusz", "text/plain")]
    {
        let (head, body) = ask(page, "application/json").await;
        assert_eq!(head.status, StatusCode::NOT_ACCEPTABLE);
        let status: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status["reason"], "NotAcceptable");
        let message = format!("only the following media types are accepted: {accepted}");
        assert_eq!(status["message"], message);
    }
}

#[tokio::test]
async fn a_handler_that_panics_costs_one_answer_and_is_counted() {
    let rig = Rig::new();
    let broken = get(async || -> &'static str { panic!("a mistake") });
    let router = router(&rig.sources).route("/broken", broken);
    let router = observed(router, rig.sources.telemetry.clone());
    let request = Request::get("/broken").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let status: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&status["kind"], &status["reason"]), (&"Status".into(), &"InternalError".into()));
    let metrics = rig.sources.telemetry.metrics().unwrap();
    assert!(metrics.contains("metrics_server_panics_total{task=\"request\"} 1"), "{metrics}");
    let request = Request::get("/version").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::OK);
}
