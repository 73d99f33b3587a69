//! Whether they may.

use std::{sync::atomic::Ordering, time::Duration};

use apiserver::access::Settings;
use k8s_openapi::api::rbac::v1::PolicyRule;
use tokio::time::{Instant, advance};

use super::support::{Cluster, NODES, lister, rule};

const ACCESS: &str = "POST subjectaccessreviews 201";

#[tokio::test(start_paused = true)]
async fn rules_are_for_verbs_resources_and_paths() {
    let cluster = Cluster::new();
    let metrics = PolicyRule {
        non_resource_urls: Some(vec!["/metrics".to_owned()]),
        verbs: vec!["get".to_owned()],
        ..PolicyRule::default()
    };
    let one_pod = PolicyRule {
        resource_names: Some(vec!["web".to_owned()]),
        ..rule("metrics.k8s.io", "pods", &["get", "list"])
    };
    let nodes = rule("metrics.k8s.io", "nodes", &["list"]);
    cluster.introduce("carol", vec![nodes, one_pod, metrics]);
    let server = cluster.serve().await;
    let forbidden = |what: &str| format!("403 {what}");
    let pods = |path: &str| format!("/apis/metrics.k8s.io/v1beta1/namespaces/a/pods{path}");
    let carol = "carol".to_owned();
    let cases = [
        (NODES.to_owned(), carol.clone()),
        (
            format!("{NODES}/n"),
            forbidden(
                "nodes.metrics.k8s.io \"n\" is forbidden: User \"carol\" cannot get resource \"nodes\" in API group \"metrics.k8s.io\" at the cluster scope",
            ),
        ),
        (
            format!("{NODES}?watch=true"),
            forbidden(
                "nodes.metrics.k8s.io is forbidden: User \"carol\" cannot watch resource \"nodes\" in API group \"metrics.k8s.io\" at the cluster scope",
            ),
        ),
        (
            pods(""),
            forbidden(
                "pods.metrics.k8s.io is forbidden: User \"carol\" cannot list resource \"pods\" in API group \"metrics.k8s.io\" in the namespace \"a\"",
            ),
        ),
        (
            pods("/db/log"),
            forbidden(
                "pods.metrics.k8s.io \"db\" is forbidden: User \"carol\" cannot get resource \"pods/log\" in API group \"metrics.k8s.io\" in the namespace \"a\"",
            ),
        ),
        (
            format!("{NODES}/%3Cb%3E&"),
            forbidden(
                "nodes.metrics.k8s.io \"<b>&\" is forbidden: User \"carol\" cannot get resource \"nodes\" in API group \"metrics.k8s.io\" at the cluster scope",
            ),
        ),
        (pods("/web"), carol.clone()),
        (pods("?fieldSelector=metadata.name%3Dweb"), carol.clone()),
        ("/metrics".to_owned(), carol.clone()),
        ("/apis".to_owned(), carol),
        (
            "/metrics/slis".to_owned(),
            forbidden("forbidden: User \"carol\" cannot get path \"/metrics/slis\""),
        ),
        (
            "/healthz/%3Cb%3E".to_owned(),
            forbidden("forbidden: User \"carol\" cannot get path \"/healthz/&lt;b&gt;\""),
        ),
    ];
    for (path, wanted) in cases {
        assert_eq!(server.ask_with_token("carol", &path).await.short(), wanted, "{path}");
    }
    let mut connection = server.connect(None).await;
    let carol = [("authorization", "Bearer carol")];
    let posted = connection.send("POST", NODES, &carol).await.unwrap();
    assert!(posted.short().contains("cannot create resource \"nodes\""), "{posted:?}");
}

#[tokio::test(start_paused = true)]
async fn decisions_are_remembered_for_a_while() {
    let cluster = Cluster::new();
    cluster.introduce("carol", Vec::new());
    let settings = Settings {
        token_ttl: Duration::from_hours(1),
        authorized_ttl: Duration::from_secs(30),
        ..Settings::default()
    };
    let server = cluster.serve_with(&settings).await;
    let status = async || server.ask_with_token("carol", NODES).await.status.as_u16();
    assert_eq!(status().await, 403);
    cluster.take_reviews();
    cluster.introduce("carol", lister());
    advance(Duration::from_millis(9_990)).await;
    assert_eq!((status().await, cluster.take_reviews().len()), (403, 0));
    advance(Duration::from_millis(20)).await;
    assert_eq!((status().await, cluster.take_reviews()), (200, vec![ACCESS.to_owned()]));
    cluster.introduce("carol", Vec::new());
    advance(Duration::from_millis(29_980)).await;
    assert_eq!((status().await, cluster.take_reviews().len()), (200, 0));
    advance(Duration::from_millis(40)).await;
    assert_eq!(status().await, 403);
}

#[tokio::test(start_paused = true)]
async fn masters_and_always_allow_paths_need_no_review_and_all_others_do() {
    let cluster = Cluster::new();
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    let server = cluster.serve().await;
    cluster.away.store(true, Ordering::Relaxed);
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "root");
    for path in ["/healthz", "/livez", "/readyz?verbose"] {
        assert_eq!(server.ask(None, path, &[]).await.short(), "system:anonymous");
        assert_eq!(server.ask(Some(&bob), path, &[]).await.short(), "bob");
    }
    let answer = server.ask(Some(&bob), &format!("{NODES}?limit=5&b=%3C"), &[]).await;
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        answer.short(),
        format!(
            "500 Internal Server Error: \"{NODES}?limit=5&amp;b=%3C\": Post \
             \"https://10.96.0.1/apis/authorization.k8s.io/v1/subjectaccessreviews\": dial tcp \
             10.96.0.1:443: connect: connection refused\n"
        )
    );
    assert!(cluster.logged(&[
        "Failed to make webhook authorizer request",
        "connection refused",
        "cure=\"check that the API server runs and can be reached from here\"",
    ]));
    cluster.away.store(false, Ordering::Relaxed);
    assert_eq!(server.ask(Some(&bob), NODES, &[]).await.status, 403, "failures are not remembered");
}

#[tokio::test(start_paused = true)]
async fn without_permission_for_reviews_requests_fail() {
    let cluster = Cluster::new();
    cluster.bind(&["reader"]);
    let server = cluster.serve().await;
    let answer = server.ask(None, NODES, &[]).await;
    assert_eq!(
        answer.short(),
        format!(
            "500 Internal Server Error: \"{NODES}\": subjectaccessreviews.authorization.k8s.io is \
             forbidden: User \"system:serviceaccount:kube-system:metrics-server\" cannot create \
             resource \"subjectaccessreviews\" in API group \"authorization.k8s.io\" at the \
             cluster scope\n"
        )
    );
    assert!(
        cluster.logged(&["Failed to make webhook authorizer request", "system:auth-delegator"])
    );
}

#[tokio::test(start_paused = true)]
async fn always_allow_paths_can_be_configured() {
    let cluster = Cluster::new();
    let settings =
        Settings { always_allow_paths: vec!["metrics*".to_owned()], ..Settings::default() };
    let server = cluster.serve_with(&settings).await;
    assert_eq!(server.ask(None, "/metrics/slis", &[]).await.status, 200);
    // By the cluster's own roles every user may read it, and none may read another path of that
    // kind.
    assert_eq!(server.ask(None, "/healthz", &[]).await.status, 200);
    assert_eq!(cluster.take_reviews(), [ACCESS]);
    let wrong = Settings { always_allow_paths: vec!["/a*b".to_owned()], ..Settings::default() };
    let error = cluster.try_access(&wrong).err().unwrap();
    assert!(error.to_string().contains("only trailing * allowed in \"/a*b\""), "{error}");
}

#[tokio::test(start_paused = true)]
async fn temporary_failures_are_retried_and_others_are_reported() {
    let cluster = Cluster::new();
    cluster.api_server.set_rules("bob", lister());
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    let server = cluster.serve().await;
    let took = async |wanted: &str| {
        let began = Instant::now();
        let answer = server.ask(Some(&bob), NODES, &[]).await.short();
        assert!(answer.contains(wanted), "{answer}");
        began.elapsed()
    };
    cluster.failing.store(5, Ordering::Relaxed);
    let waited = took(
        "500 Internal Server Error: \"/apis/metrics.k8s.io/v1beta1/nodes\": etcd is elsewhere",
    )
    .await;
    assert!((4_062..=4_875).contains(&waited.as_millis()), "{waited:?}");
    cluster.failing.store(4, Ordering::Relaxed);
    assert!(took("bob").await >= Duration::from_millis(4_062));

    advance(Duration::from_secs(11)).await;
    cluster.silent.store(true, Ordering::Relaxed);
    let waited = took("subjectaccessreviews\": context deadline exceeded").await;
    assert_eq!(waited, Duration::from_secs(10));
}
