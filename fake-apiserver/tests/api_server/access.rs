//! Authentication and authorization; reviews of both for other servers.

use std::sync::Arc;

use fake_apiserver::User;
use http::{Method, StatusCode};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

use super::support::{Client, Log, cluster, rule};

const TOKEN_REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const OWN_ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

#[tokio::test]
async fn only_users_with_permission_are_allowed() {
    let api_server = cluster();
    api_server.add_token("bob", User::new("bob", &["team"]));
    api_server.set_rules("bob", vec![rule(&[""], &["nodes"], &["get", "list"])]);
    api_server.set_group_rules(
        "team",
        vec![PolicyRule {
            resource_names: Some(vec!["app".to_owned()]),
            ..rule(&[""], &["pods"], &["get", "list"])
        }],
    );
    let mut said = String::new();
    for (token, method, path) in [
        (Some("bob"), "GET", "/api/v1/nodes"),
        (Some("bob"), "GET", "/api/v1/nodes?watch=1"),
        (Some("bob"), "GET", "/api/v1/nodes/k8s-m1/metrics"),
        (Some("bob"), "GET", "/api/v1/pods"),
        (Some("bob"), "GET", "/api/v1/namespaces/team-00/pods/app"),
        (Some("bob"), "GET", "/api/v1/namespaces/team-00/pods/job"),
        (Some("bob"), "GET", "/api/v1/namespaces/team-00/pods?fieldSelector=metadata.name%3Dapp"),
        (Some("bob"), "GET", "/api/v1/namespaces/team-00"),
        (Some("bob"), "DELETE", "/api/v1/nodes"),
        (Some("bob"), "PATCH", "/apis/apiregistration.k8s.io/v1/apiservices/x"),
        (Some("bob"), "GET", "/apis"),
        (Some("bob"), "GET", "/metrics"),
        (Some("nope"), "GET", "/healthz"),
        (None, "GET", "/healthz"),
        (None, "GET", "/livez"),
        (None, "GET", "/readyz"),
        (None, "GET", "/version"),
        (None, "GET", "/apis"),
        (None, "GET", "/api/v1/nodes"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = Client::with(&api_server, token).send(method.clone(), path, &[], "").await;
        said += &format!("{} {method} {path}: {}", token.unwrap_or("-"), answer.status.as_u16());
        if answer.status.is_success() {
            said += "\n";
        } else {
            said += &format!("\n  {}\n", answer.body);
        }
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn rules_change_while_running() {
    let api_server = cluster();
    api_server.add_token("bob", User::new("bob", &[]));
    let bob = Client::with(&api_server, Some("bob"));
    assert_eq!(bob.get("/api/v1/nodes").await.status, StatusCode::FORBIDDEN);
    api_server.set_rules("bob", vec![rule(&["*"], &["*"], &["*"])]);
    assert_eq!(bob.get("/api/v1/nodes").await.status, StatusCode::OK);
    api_server.set_rules("bob", Vec::new());
    assert_eq!(bob.get("/api/v1/nodes").await.status, StatusCode::FORBIDDEN);
    api_server.remove_token("bob");
    assert_eq!(bob.get("/api/v1/nodes").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_review_names_the_user() {
    let api_server = cluster();
    let mut user = User::service_account("kube-system", "metrics-server");
    user.uid = "7".to_owned();
    api_server.add_token("secret", user);
    let admin = Client::admin(&api_server);
    let review = |token: &str| {
        json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token },
        })
    };
    let known = admin.post(TOKEN_REVIEWS, &review("secret")).await;
    assert_eq!(known.status, StatusCode::CREATED);
    assert_eq!(
        known.json(),
        json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "metadata": {},
            "spec": { "token": "secret" },
            "status": {
                "authenticated": true,
                "user": {
                    "username": "system:serviceaccount:kube-system:metrics-server",
                    "uid": "7",
                    "groups": [
                        "system:serviceaccounts",
                        "system:serviceaccounts:kube-system",
                        "system:authenticated",
                    ],
                },
                "audiences": ["https://kubernetes.default.svc.cluster.local"],
            },
        })
    );
    let unknown = admin.post(TOKEN_REVIEWS, &review("wrong")).await;
    assert_eq!(unknown.status, StatusCode::CREATED);
    assert_eq!(unknown.json()["status"], json!({ "user": {}, "error": "invalid bearer token" }));
    let missing = admin.post(TOKEN_REVIEWS, &review("")).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    let garbage = admin.send(Method::POST, TOKEN_REVIEWS, &[], "{").await;
    assert_eq!(garbage.status, StatusCode::BAD_REQUEST);
    let headers = [("content-type", "application/yaml")];
    let yaml = admin.send(Method::POST, TOKEN_REVIEWS, &headers, "").await;
    assert_eq!(yaml.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = admin.send(Method::POST, TOKEN_REVIEWS, &[], vec![b' '; (3 << 20) + 1]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_subject_access_review_follows_the_rules() {
    let api_server = cluster();
    api_server.set_rules(
        "bob",
        vec![
            rule(&["metrics.k8s.io"], &["nodes", "pods"], &["get", "list"]),
            rule(&[""], &["nodes/metrics"], &["get"]),
            rule(&[""], &["*/stats"], &["get"]),
            PolicyRule {
                non_resource_urls: Some(vec!["/metrics".to_owned(), "/debug/*".to_owned()]),
                verbs: vec!["get".to_owned()],
                ..PolicyRule::default()
            },
        ],
    );
    let admin = Client::admin(&api_server);
    let resource = |verb: &str, group: &str, resource: &str, subresource: &str| {
        json!({ "resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "subresource": subresource,
        } })
    };
    let path = |path: &str| json!({ "nonResourceAttributes": { "verb": "get", "path": path } });
    for (user, groups, asked, allowed) in [
        ("bob", &[][..], resource("list", "metrics.k8s.io", "nodes", ""), true),
        ("bob", &[], resource("watch", "metrics.k8s.io", "nodes", ""), false),
        ("bob", &[], resource("list", "", "nodes", ""), false),
        ("bob", &[], resource("get", "", "nodes", "metrics"), true),
        ("bob", &[], resource("get", "", "nodes", "stats"), true),
        ("bob", &[], resource("get", "", "nodes", "proxy"), false),
        ("bob", &[], path("/metrics"), true),
        ("bob", &[], path("/metrics/slis"), false),
        ("bob", &[], path("/debug/pprof"), true),
        ("ann", &[], resource("list", "metrics.k8s.io", "nodes", ""), false),
        ("ann", &["system:masters"], resource("*", "*", "*", "*"), true),
        ("", &["system:unauthenticated"], path("/healthz"), true),
        ("", &["system:unauthenticated"], path("/apis"), false),
        ("", &["system:authenticated"], path("/apis/metrics.k8s.io"), true),
    ] {
        let mut spec: Value = asked.clone();
        spec["user"] = json!(user);
        spec["groups"] = json!(groups);
        let answer = admin.post(ACCESS_REVIEWS, &json!({ "spec": spec })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        assert_eq!(answer.json()["status"]["allowed"], allowed, "{user} {groups:?} {asked}");
    }
    let allowed = json!({ "spec": { "user": "bob", "nonResourceAttributes": {
        "verb": "get", "path": "/metrics",
    } } });
    assert_eq!(
        admin.post(ACCESS_REVIEWS, &allowed).await.json()["status"]["reason"],
        r#"RBAC: allowed by ClusterRoleBinding "bob" of ClusterRole "bob" to User "bob""#
    );

    api_server.add_token("bob", User::new("bob", &[]));
    let bob = Client::with(&api_server, Some("bob"));
    let own = bob.post(OWN_ACCESS_REVIEWS, &json!({ "spec": path("/metrics") })).await;
    assert_eq!(own.json()["status"]["allowed"], true);
    let own = bob.post(OWN_ACCESS_REVIEWS, &json!({ "spec": path("/secret") })).await;
    assert_eq!(own.json()["status"], json!({ "allowed": false }));

    let neither = admin.post(ACCESS_REVIEWS, &json!({ "spec": {} })).await;
    assert_eq!(neither.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(neither.body);
}

#[tokio::test]
async fn the_observer_gets_every_request() {
    let api_server = cluster();
    let log = Arc::new(Log::default());
    api_server.observe(log.clone());
    Client::admin(&api_server).get("/api/v1/nodes?limit=500").await;
    Client::with(&api_server, None).get("/api/v1/nodes").await;
    Client::with(&api_server, Some("nope")).get("/version").await;
    assert_eq!(
        *log.0.lock().unwrap(),
        [
            "admin GET /api/v1/nodes?limit=500 200",
            "system:anonymous GET /api/v1/nodes 403",
            " GET /version 401",
        ]
    );
}
