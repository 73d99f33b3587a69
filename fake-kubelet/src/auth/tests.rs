use std::sync::Mutex;

use async_trait::async_trait;
use http::Request;

use super::*;

/// Knows two tokens; counts its reviews.
#[derive(Default)]
struct Reviews {
    asked: Mutex<Vec<String>>,
    allowed: Mutex<Vec<&'static str>>,
    down: Mutex<bool>,
}

#[async_trait]
impl Reviewer for Reviews {
    async fn user(&self, token: &str) -> Result<Option<User>, ReviewError> {
        self.asked.lock().unwrap().push(format!("token {token}"));
        if token == "unsure" {
            return Err(ReviewError::Undecided("no idea".to_owned()));
        }
        let name = ["alice", "bob"].into_iter().find(|name| *name == token);
        Ok(name.map(|name| User { name: name.to_owned(), ..User::default() }))
    }

    async fn allowed(&self, user: &User, attempt: &NodeAttributes) -> Result<bool, ReviewError> {
        let NodeAttributes { verb, subresource, node } = attempt;
        self.asked.lock().unwrap().push(format!("{} {verb} {subresource} {node}", user.name));
        if *self.down.lock().unwrap() {
            return Err(ReviewError::Undecided("down".to_owned()));
        }
        Ok(self.allowed.lock().unwrap().contains(subresource))
    }
}

impl Reviews {
    fn allowing(subresources: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { allowed: Mutex::new(subresources.to_vec()), ..Self::default() })
    }

    fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn gate(reviewer: Arc<dyn Reviewer>) -> Authorizer {
    let now = "2026-11-22T09:48:15Z".parse().unwrap();
    let certificates = crate::Certificates::new(now).unwrap();
    let clients = crate::tls::verifier(certificates.clients()).unwrap();
    Authorizer::new("n1", reviewer, clients, Clock::starting_at(now))
}

async fn check(
    gate: &Authorizer,
    method: &str,
    path: &str,
    authorization: &str,
) -> Result<(), Denied> {
    let request = Request::builder().method(method).uri(path);
    let request = match authorization {
        "" => request,
        value => request.header(AUTHORIZATION, value),
    };
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let peer = Peer { address: "192.0.2.1:1".parse().unwrap(), certificates: Vec::new() };
    gate.check(&peer, &parts).await
}

/// The status and body of the answer; 200 if it may pass.
async fn answer(gate: &Authorizer, method: &str, path: &str, authorization: &str) -> (u16, String) {
    match check(gate, method, path, authorization).await {
        Ok(()) => (200, String::new()),
        Err(denied) => (denied.status().as_u16(), denied.to_string()),
    }
}

#[tokio::test(start_paused = true)]
async fn every_client_is_allowed_or_refused_as_by_the_real_kubelet() {
    let reviews = Reviews::allowing(&["metrics"]);
    let gate = gate(reviews);
    let metrics = "/metrics/resource";
    let forbidden = |verb: &str, subresources: &str| {
        format!(
            "Forbidden (user=alice, verb={verb}, resource=nodes, subresource(s)=[{subresources}])"
        )
    };
    let unauthorized = || "Unauthorized".to_owned();
    let cases = [
        ("GET", metrics, "Bearer alice", 200, String::new()),
        ("GET", metrics, "bearer  alice", 401, unauthorized()),
        ("GET", metrics, " bearer alice more", 200, String::new()),
        ("POST", metrics, "Bearer alice", 200, String::new()),
        ("GET", metrics, "", 401, unauthorized()),
        ("GET", metrics, "Basic alice", 401, unauthorized()),
        ("GET", metrics, "Bearer", 401, unauthorized()),
        ("GET", metrics, "Bearer eve", 401, unauthorized()),
        ("GET", metrics, "Bearer unsure", 401, unauthorized()),
        ("GET", "/stats/summary", "Bearer alice", 403, forbidden("get", "stats")),
        ("DELETE", "/stats", "Bearer alice", 403, forbidden("delete", "stats")),
        ("GET", "/logs/", "Bearer alice", 403, forbidden("get", "log")),
        ("GET", "/healthz", "Bearer alice", 403, forbidden("get", "healthz proxy")),
        ("GET", "/pods", "Bearer alice", 403, forbidden("get", "pods proxy")),
        ("PUT", "/metricsx", "Bearer alice", 403, forbidden("update", "proxy")),
        ("HEAD", "/", "Bearer alice", 403, forbidden("", "proxy")),
    ];
    for (method, path, authorization, status, body) in cases {
        let seen = answer(&gate, method, path, authorization).await;
        assert_eq!(seen, (status, body), "{method} {path} {authorization:?}");
    }
}

/// The reviews and their order, by what is allowed: `pkg/kubelet/server/auth.go` with
/// `KubeletFineGrainedAuthz`. One review for each subresource, until one allows.
#[tokio::test(start_paused = true)]
async fn reviews_end_with_the_first_that_allows() {
    let cases: [(&str, &[&'static str], u16, &[&str]); 14] = [
        ("/metrics/resource", &["metrics"], 200, &["metrics"]),
        ("/metrics/resource", &["proxy"], 403, &["metrics"]),
        ("/metrics/cadvisor", &["metrics"], 200, &["metrics"]),
        ("/stats/summary", &["stats"], 200, &["stats"]),
        ("/stats/summary", &["metrics", "proxy"], 403, &["stats"]),
        ("/logs/", &["proxy"], 403, &["log"]),
        ("/healthz", &["healthz", "proxy"], 200, &["healthz"]),
        ("/healthz", &["proxy"], 200, &["healthz", "proxy"]),
        ("/healthz", &[], 403, &["healthz", "proxy"]),
        ("/pods", &["pods"], 200, &["pods"]),
        ("/pods", &["proxy"], 200, &["pods", "proxy"]),
        ("/configz", &["proxy"], 200, &["configz", "proxy"]),
        ("/configz", &["pods"], 403, &["configz", "proxy"]),
        ("/exec/ns/p/c", &["proxy"], 200, &["proxy"]),
    ];
    for (path, allowed, status, asked) in cases {
        let reviews = Reviews::allowing(allowed);
        let gate = gate(Arc::clone(&reviews) as _);
        assert_eq!(
            answer(&gate, "GET", path, "Bearer alice").await.0,
            status,
            "{path} {allowed:?}"
        );
        let wanted = asked.iter().map(|subresource| format!("alice get {subresource} n1"));
        let wanted: Vec<_> = std::iter::once("token alice".to_owned()).chain(wanted).collect();
        assert_eq!(reviews.take_asked(), wanted, "{path} {allowed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reviews_are_cached_for_a_while() {
    let reviews = Reviews::allowing(&["metrics"]);
    let gate = gate(Arc::clone(&reviews) as _);
    let seconds = Duration::from_secs;
    let cases = [
        (0, "/metrics/resource", "alice", vec!["token alice", "alice get metrics n1"]),
        (119, "/metrics/resource", "alice", vec![]),
        (1, "/metrics/resource", "alice", vec!["token alice"]),
        (179, "/metrics/resource", "alice", vec!["token alice"]),
        (1, "/metrics/resource", "alice", vec!["alice get metrics n1"]),
        (0, "/stats/summary", "alice", vec!["alice get stats n1"]),
        (29, "/stats/summary", "alice", vec![]),
        (1, "/stats/summary", "alice", vec!["alice get stats n1"]),
        (0, "/stats/summary", "eve", vec!["token eve"]),
        (119, "/stats/summary", "eve", vec![]),
        (1, "/stats/summary", "eve", vec!["token eve"]),
        (0, "/stats/summary", "unsure", vec!["token unsure"]),
        (0, "/stats/summary", "unsure", vec!["token unsure"]),
    ];
    for (index, (later, path, token, asked)) in cases.into_iter().enumerate() {
        tokio::time::advance(seconds(later)).await;
        let _ = check(&gate, "GET", path, &format!("Bearer {token}")).await;
        assert_eq!(reviews.take_asked(), asked, "case {index}");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_reviews_are_not_cached() {
    let reviews = Reviews::allowing(&["metrics"]);
    let gate = gate(Arc::clone(&reviews) as _);
    *reviews.down.lock().unwrap() = true;
    let text =
        "Authorization error (user=bob, verb=get, resource=nodes, subresource=metrics)".to_owned();
    let seen = answer(&gate, "GET", "/metrics/resource", "Bearer bob").await;
    assert_eq!(seen, (500, text));
    *reviews.down.lock().unwrap() = false;
    assert_eq!(check(&gate, "GET", "/metrics/resource", "Bearer bob").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_the_clusters_ca_names_the_user() {
    let now = "2026-11-22T09:48:15Z".parse().unwrap();
    let certificates = crate::Certificates::new(now).unwrap();
    let clients = crate::tls::verifier(certificates.clients()).unwrap();
    let reviews = Reviews::allowing(&["metrics"]);
    let gate = Authorizer::new("n1", Arc::clone(&reviews) as _, clients, Clock::starting_at(now));
    let subject = crate::Subject {
        common_name: "carol".to_owned(),
        organization: Some("system:monitoring".to_owned()),
        ..crate::Subject::default()
    };
    let other = crate::Authority::new("other", now).unwrap();
    let good = crate::Validity::year_from_an_hour_before(now);
    let over = crate::Validity::year_until_an_hour_before(now);
    let cases = [
        (certificates.cluster(), good, true),
        (certificates.cluster(), over, false),
        (&other, good, false),
    ];
    for (authority, validity, passes) in cases {
        let chain = authority.client(&subject, validity).unwrap().chain();
        let peer = Peer { address: "192.0.2.1:1".parse().unwrap(), certificates: chain };
        let (parts, ()) = Request::get("/metrics/resource").body(()).unwrap().into_parts();
        let expected = if passes { Ok(()) } else { Err(Denied::Unauthorized) };
        assert_eq!(gate.check(&peer, &parts).await, expected);
    }
    assert_eq!(reviews.take_asked(), ["carol get metrics n1"]);
}
