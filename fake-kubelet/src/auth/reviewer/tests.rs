use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

/// Paths and specs of reviews.
type Sent = Arc<Mutex<Vec<(String, Value)>>>;

/// An API server that answers every review with `status`, and what it was sent.
fn answering(code: u16, status: Value) -> (ApiServerReviewer, Sent) {
    let seen = Sent::default();
    let sent = Arc::clone(&seen);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (sent, status) = (Arc::clone(&sent), status.clone());
        async move {
            let path = request.uri().path().to_owned();
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&bytes).unwrap();
            let mut answer = body.clone();
            answer["status"] = status;
            sent.lock().unwrap().push((path, body["spec"].clone()));
            let answer =
                Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
            Ok::<_, Infallible>(answer.unwrap())
        }
    });
    (ApiServerReviewer::new(Client::new(service, "default")), seen)
}

#[tokio::test]
async fn a_token_is_reviewed() {
    let status = json!({
        "authenticated": true,
        "user": {"username": "alice", "uid": "7", "groups": ["a", "b"], "extra": {"k": ["v"]}},
    });
    let (server, seen) = answering(201, status);
    let user = server.user("secret").await.unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_deref()), ("alice", Some("7")));
    assert_eq!((user.groups.len(), user.extra["k"].len()), (2, 1));
    let path = "/apis/authentication.k8s.io/v1/tokenreviews".to_owned();
    assert_eq!(seen.lock().unwrap()[..], [(path, json!({"token": "secret"}))]);
}

#[tokio::test]
async fn a_token_may_be_invalid_or_its_review_may_fail() {
    let (server, _) = answering(201, json!({"authenticated": false}));
    assert!(server.user("secret").await.unwrap().is_none());
    let (server, _) = answering(201, json!({"authenticated": false, "error": "expired"}));
    let error = server.user("secret").await.unwrap_err().to_string();
    assert_eq!(error, "the API server could not decide: expired");
    let (server, _) = answering(500, json!({}));
    assert!(matches!(server.user("secret").await, Err(ReviewError::Ask(_))));
}

#[tokio::test]
async fn an_attempt_is_reviewed() {
    for allowed in [true, false] {
        let (server, seen) = answering(201, json!({"allowed": allowed}));
        let user = User {
            name: "alice".to_owned(),
            uid: Some("7".to_owned()),
            groups: vec!["a".to_owned()],
            extra: [("k".to_owned(), vec!["v".to_owned()])].into(),
        };
        let attempt = NodeAttributes { verb: "get", subresource: "metrics", node: "n1".to_owned() };
        assert_eq!(server.allowed(&user, &attempt).await.unwrap(), allowed);
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews".to_owned();
        let spec = json!({
            "user": "alice",
            "uid": "7",
            "groups": ["a"],
            "extra": {"k": ["v"]},
            "resourceAttributes": {
                "verb": "get",
                "version": "v1",
                "resource": "nodes",
                "subresource": "metrics",
                "name": "n1",
            },
        });
        assert_eq!(seen.lock().unwrap()[..], [(path, spec)]);
    }
}
