//! Reviews as they go over the wire, with an API server that is a few recorded exchanges.

use std::sync::Arc;

use apiserver::access::{Access, ApiServer, ApiServers, Settings};
use kube::Config;
use kube_dial::api_client;
use net::{
    Doors,
    dns::{Hosts, ResolvConf, Resolver},
};
use serde_json::{Value, json};
use tower::ServiceExt;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path},
};

const TOKENS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

async fn mock(server: &MockServer, at: &str, asked: Option<Value>, answer: ResponseTemplate) {
    let agent = concat!("metrics-server/", env!("CARGO_PKG_VERSION"));
    let mock = Mock::given(method("POST")).and(path(at)).and(header("user-agent", agent));
    let mock = match asked {
        Some(asked) => mock.and(body_json(asked)),
        None => mock,
    };
    mock.respond_with(answer).mount(server).await;
}

fn created(kind: &str, status: &Value) -> ResponseTemplate {
    let api = if kind == "TokenReview" { "authentication" } else { "authorization" };
    let version = format!("{api}.k8s.io/v1");
    let spec = if kind == "TokenReview" { json!({ "token": "secret" }) } else { json!({}) };
    ResponseTemplate::new(201).set_body_json(
        json!({ "kind": kind, "apiVersion": version, "metadata": {}, "spec": spec, "status": status }),
    )
}

/// Status and body of a request with the token `secret`.
async fn ask(server: &MockServer, asked: &str) -> (u16, String) {
    let config = Config::new(server.uri().parse().unwrap());
    let doors = Doors::host();
    let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
    let client = api_client(
        &config,
        &doors,
        resolver,
        concat!("metrics-server/", env!("CARGO_PKG_VERSION")),
    )
    .unwrap();
    let asked_server = ApiServer { client, url: config.cluster_url };
    let servers = ApiServers { authentication: asked_server.clone(), authorization: asked_server };
    let settings = Settings { skip_lookup: true, ..Settings::default() };
    let access: Arc<Access> = Access::new(&settings, servers, &doors).unwrap();
    let router = access.guard(axum::Router::new().fallback(async || "let in"));
    let request = http::Request::get(asked)
        .header("authorization", "Bearer secret")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn carol() -> ResponseTemplate {
    let user = json!({
        "username": "carol", "uid": "42", "groups": ["dev"], "extra": { "scopes": ["a"] },
    });
    created("TokenReview", &json!({ "authenticated": true, "user": user }))
}

#[tokio::test]
async fn reviews_contain_the_token_and_the_request_info() {
    let server = MockServer::start().await;
    let token = json!({
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
        "spec": { "token": "secret" },
    });
    let review = |attributes: (&str, Value)| {
        json!({
            "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
            "spec": {
                "user": "carol", "uid": "42", "groups": ["dev", "system:authenticated"],
                "extra": { "scopes": ["a"] }, attributes.0: attributes.1,
            },
        })
    };
    mock(&server, TOKENS, Some(token), carol()).await;
    let pods = json!({
        "group": "metrics.k8s.io", "version": "v1beta1", "resource": "pods", "namespace": "a",
        "name": "b", "verb": "get",
    });
    let allowed = created("SubjectAccessReview", &json!({ "allowed": true }));
    mock(&server, ACCESS, Some(review(("resourceAttributes", pods))), allowed.clone()).await;
    let metrics = json!({ "path": "/metrics", "verb": "get" });
    mock(&server, ACCESS, Some(review(("nonResourceAttributes", metrics))), allowed).await;
    let pod = "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods/b";
    for path in [pod, "/metrics"] {
        assert_eq!(ask(&server, path).await, (200, "let in".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn only_an_explicit_allow_is_accepted() {
    let text = |status: u16, text: &str| ResponseTemplate::new(status).set_body_string(text);
    let refused = "forbidden: User \\\"carol\\\" cannot get path \\\"/metrics\\\"";
    let access = |status: Value| created("SubjectAccessReview", &status);
    let yes = || access(json!({ "allowed": true }));
    let cases = [
        (created("TokenReview", &json!({})), yes(), 401, "Unauthorized"),
        (created("TokenReview", &json!({ "authenticated": false })), yes(), 401, "Unauthorized"),
        (text(200, "secret"), yes(), 401, "Unauthorized"),
        (text(403, "secret"), yes(), 401, "Unauthorized"),
        (carol(), access(json!({ "allowed": false })), 403, refused),
        (
            carol(),
            access(json!({ "allowed": false, "reason": "not on Sundays" })),
            403,
            &format!("{refused}: not on Sundays"),
        ),
        (carol(), access(json!({ "allowed": false, "denied": true })), 403, refused),
        (
            carol(),
            access(json!({ "allowed": true, "denied": true })),
            500,
            "Internal Server Error: \"/metrics\": webhook subject access review returned both allow and deny response\n",
        ),
        (carol(), text(200, "<html>"), 500, "the response is not a review\n"),
        (carol(), text(404, "<html>"), 500, "Internal Server Error: \"/metrics\": "),
    ];
    for (token, access, status, part) in cases {
        let server = MockServer::start().await;
        mock(&server, TOKENS, None, token).await;
        mock(&server, ACCESS, None, access).await;
        let (seen, body) = ask(&server, "/metrics").await;
        assert_eq!(seen, status, "{body}");
        assert!(body.contains(part), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }
}
