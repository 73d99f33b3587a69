//! How much at once, and for how long.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use apiserver::{
    access::Settings,
    serving::{Filters, Limits},
};
use axum::{Router, extract::Request, routing::any};
use fake_kubelet::Identity;
use http_body_util::BodyExt;
use metrics_server::flags::Flags;
use net::Random;
use tokio::time::{Instant, sleep};

use super::{
    guarded::Guarded,
    support::{Cluster, NODES, settle},
};

/// How long a response takes.
const SLOW: Duration = Duration::from_mins(5);

/// Answers slowly, unless the request has `quick`.
fn slow() -> Router {
    Router::new().fallback(any(async |request: Request| {
        let is_quick = request.uri().query() == Some("quick");
        if !is_quick && !request.headers().contains_key("x-quick") {
            sleep(SLOW).await;
        }
        "done"
    }))
}

async fn limited(cluster: &Cluster, reading: u64, writing: u64) -> Guarded {
    let settings = Settings {
        max_requests_in_flight: reading,
        max_mutating_requests_in_flight: writing,
        ..Settings::default()
    };
    let access = cluster.access(&settings);
    let mut server = cluster.serve_router(Limits::default(), access.guard(slow()));
    server.keep(async move { access.follow().await });
    settle().await;
    server
}

/// A user with every permission who is not in system:masters.
fn admin(cluster: &Cluster) -> Identity {
    cluster.introduce("admin", vec![super::support::rule("*", "*", &["*"])]);
    cluster.certificate(&cluster.clients, "admin", None)
}

async fn ask(server: &Guarded, who: &Identity, method: &str, quick: bool) -> (u16, String) {
    let mut connection = server.connect(Some(who)).await;
    let headers: &[(&str, &str)] = if quick { &[("x-quick", "1")] } else { &[] };
    let answer = connection.send(method, NODES, headers).await.unwrap();
    let retry = answer.headers.get("retry-after").map(|after| after.to_str().unwrap().to_owned());
    (answer.status.as_u16(), format!("{}{}", answer.body, retry.unwrap_or_default()))
}

#[tokio::test(start_paused = true)]
async fn requests_beyond_the_limit_get_429() {
    let cluster = Cluster::new();
    let server = limited(&cluster, 2, 1).await;
    let (admin, master) =
        (admin(&cluster), cluster.certificate(&cluster.clients, "root", Some("system:masters")));
    let done = (200, "done".to_owned());
    let refused = (429, "Too many requests, please try again later.\n1".to_owned());
    let crowd = futures::future::join(
        ask(&server, &admin, "GET", false),
        ask(&server, &admin, "GET", false),
    );
    let others = async {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(ask(&server, &admin, "GET", true).await, refused);
        assert_eq!(ask(&server, &master, "GET", true).await, done, "masters get in");
        assert_eq!(ask(&server, &admin, "DELETE", true).await, done, "that has a limit of its own");
        let probe = server.ask(None, "/readyz", &[("x-quick", "1")]).await;
        assert_eq!(probe.status, 200, "probes get in");
    };
    let (crowd, ()) = Box::pin(futures::future::join(crowd, others)).await;
    assert_eq!(crowd, (done.clone(), done.clone()));
    assert_eq!(ask(&server, &admin, "GET", true).await, done, "there is room again");
}

#[tokio::test(start_paused = true)]
async fn zero_means_no_limit() {
    let cluster = Cluster::new();
    let server = limited(&cluster, 0, 1).await;
    let admin = admin(&cluster);
    let crowd = (0..20).map(|_| ask(&server, &admin, "GET", false));
    for (status, _) in futures::future::join_all(crowd).await {
        assert_eq!(status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_disconnects_frees_its_place() {
    let cluster = Cluster::new();
    let server = limited(&cluster, 1, 1).await;
    let admin = admin(&cluster);
    let impatient = ask(&server, &admin, "GET", false);
    assert!(tokio::time::timeout(Duration::from_secs(1), impatient).await.is_err());
    settle().await;
    assert_eq!(ask(&server, &admin, "GET", true).await.0, 200);
}

/// The status of each answer, and how long all of them took.
async fn flood(
    server: &Guarded,
    requests: usize,
    request: impl Fn(usize) -> (String, Option<String>),
) -> (BTreeMap<u16, usize>, Duration) {
    let began = Instant::now();
    let answers = (0..requests).map(|at| {
        let (path, token) = request(at);
        async move {
            let authorization = token.map(|token| format!("Bearer {token}"));
            let headers: Vec<_> =
                authorization.iter().map(|value| ("authorization", value.as_str())).collect();
            let answer = server.ask(None, &path, &headers).await;
            let refused = answer.status == 429;
            assert_eq!(refused, answer.headers.contains_key("retry-after"), "{answer:?}");
            answer.status.as_u16()
        }
    });
    let mut statuses = BTreeMap::new();
    for status in futures::future::join_all(answers).await {
        *statuses.entry(status).or_default() += 1;
    }
    (statuses, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn reviews_of_unknown_clients_do_not_delay_others() {
    type Request = fn(usize) -> (String, Option<String>);
    let cluster = Cluster::new();
    // Fewer places than requests wait: waiting for a review takes none.
    let server = limited(&cluster, 2, 1).await;
    let admin = admin(&cluster);
    cluster.delay.store(1_000, Ordering::Relaxed);
    let floods: [(&str, Request, u16); 2] = [
        ("paths", |at| (format!("/healthz/{at}"), None), 403),
        ("tokens", |at| ("/healthz".to_owned(), Some(format!("token-{at}"))), 401),
    ];
    for (what, request, answered) in floods {
        let legitimate = async {
            sleep(Duration::from_millis(100)).await;
            let began = Instant::now();
            let (status, body) = ask(&server, &admin, "GET", true).await;
            (status, body, began.elapsed())
        };
        let ((statuses, took), (status, body, waited)) =
            Box::pin(futures::future::join(flood(&server, 900, request), legitimate)).await;
        // 32 reviews at a time and 64 that wait, of one address.
        assert_eq!(statuses, BTreeMap::from([(answered, 96), (429, 804)]), "{what}");
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        assert_eq!((status, &*body), (200, "done"), "{what}");
        assert!(waited < Duration::from_secs(3), "{what}: {waited:?}");
    }
    let lines = cluster.log().lines().filter(|line| line.contains("the request")).count();
    assert!(lines <= 4, "{}", cluster.log());
}

#[tokio::test(start_paused = true)]
async fn clients_that_do_not_read_responses_do_not_block_others() {
    let cluster = Cluster::new();
    let server = limited(&cluster, 8, 1).await;
    let (eve, bob) = (admin(&cluster), admin(&cluster));
    let mut hungry = server.connect_with_window(Some(&eve), 0).await;
    let mut untaken = Vec::new();
    for round in 0..20 {
        for _ in 0..8 {
            untaken.push(hungry.head("/version?quick").await.unwrap());
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(ask(&server, &bob, "GET", true).await.0, 200, "{round}");
    }
    for answer in untaken.drain(..8) {
        assert!(answer.into_body().collect().await.is_err(), "it gave way");
    }
}

/// Behind the filters that `flags` configure.
fn filtered(cluster: &Cluster, flags: &[&str]) -> Guarded {
    let flags = Flags::parse_from_args(flags.iter().map(ToString::to_string)).unwrap();
    let filters = Filters::new((&flags.generic).into(), None, &Random::seeded(1));
    cluster.serve_router(Limits::default(), filters.before(slow()))
}

#[tokio::test(start_paused = true)]
async fn requests_end_at_the_request_timeout() {
    let cluster = Cluster::new();
    for (flag, query, seconds) in [
        ("--request-timeout=1m", "", 60),
        ("--request-timeout=7s", "", 7),
        ("--request-timeout=7s", "?timeout=3s", 3),
        ("--request-timeout=7s", "?timeout=30s", 7),
        ("--request-timeout=7s", "?timeout=0", 7),
        ("--request-timeout=7s", "?timeout=-3s", 7),
        ("--request-timeout=7s", "?timeout=", 7),
    ] {
        let server = filtered(&cluster, &[flag]);
        let mut connection = server.connect(None).await;
        let began = Instant::now();
        let answer = connection.get(&format!("{NODES}{query}"), &[]).await;
        assert_eq!((answer.status.as_u16(), began.elapsed().as_secs()), (504, seconds), "{query}");
        assert_eq!(
            answer.body,
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Timeout: request did not complete within the allotted timeout\",\"reason\":\"Timeout\",\"details\":{},\"code\":504}\n"
        );
        let quick = connection.get(NODES, &[("x-quick", "1")]).await;
        assert_eq!((quick.status.as_u16(), &*quick.body), (200, "done"));
    }
    let server = filtered(&cluster, &[]);
    let answer = server.ask(None, &format!("{NODES}?timeout=soon"), &[]).await;
    assert_eq!(
        answer.short(),
        "400 invalid timeout specified in the request URL - time: invalid duration \"soon\""
    );
    assert_eq!(answer.headers["cache-control"], "no-cache, private");
}

#[tokio::test(start_paused = true)]
async fn refusals_have_the_requested_media_type() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    for (accept, content_type, beginning) in [
        ("application/yaml", "application/yaml", "apiVersion: v1\ncode: 403\n"),
        ("application/json", "application/json", "{\"kind\":\"Status\",\"apiVersion\":\"v1\""),
        (
            "application/vnd.kubernetes.protobuf",
            "application/vnd.kubernetes.protobuf",
            "k8s\0\n\x0c\n\x02v1\x12\x06Status",
        ),
        ("text/html", "application/json", "{\n  \"kind\": \"Status\""),
    ] {
        let answer = server.ask(None, NODES, &[("accept", accept)]).await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.headers["content-type"], content_type);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.body.starts_with(beginning), "{:?}", answer.body);
        let headers = [("accept", accept), ("authorization", "Bearer nope")];
        let unknown = server.ask(None, NODES, &headers).await;
        assert_eq!(
            (unknown.status.as_u16(), &unknown.headers["content-type"]),
            (401, &answer.headers["content-type"])
        );
    }
    let pretty = server.ask(None, NODES, &[("user-agent", "curl/8")]).await;
    assert!(pretty.body.starts_with("{\n  \"kind\": \"Status\""), "{}", pretty.body);
}
