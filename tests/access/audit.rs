//! What is written down of requests.

use std::{fs, path::Path, sync::Arc};

use apiserver::{
    access::Settings,
    audit::Audit,
    serving::{Filters, Limits},
};
use axum::Router;
use http::HeaderValue;
use metrics_server::flags::Flags;
use net::{Doors, Files, HostNetwork, Programs, Random};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    guarded::Guarded,
    support::{Cluster, NODES, lister, rule, settle},
};

/// A server that answers every authorized request, and records what `policy` selects.
async fn audited(cluster: &Cluster, folder: &Path, policy: Option<&str>) -> Guarded {
    let path = |file: &str| folder.join(file).display().to_string();
    let mut arguments = vec![format!("--audit-log-path={}", path("deep/audit.log"))];
    if let Some(policy) = policy {
        fs::write(folder.join("policy"), policy).unwrap();
        arguments.push(format!("--audit-policy-file={}", path("policy")));
    }
    let flags = Flags::parse_from_args(arguments).unwrap();
    let doors = Doors {
        clock: cluster.clock.clone(),
        network: Arc::new(HostNetwork),
        random: Random::seeded(1),
        files: Files::default(),
        programs: Programs::default(),
    };
    let filters = Filters::new(
        (&flags.generic).into(),
        Audit::new(&(&flags.audit).into(), &doors).unwrap(),
        &doors.random,
    );
    let access = cluster.access(&Settings::default());
    let guarded = access.guard(Router::new().fallback(async || "yes"));
    let mut server = cluster.serve_router(Limits::default(), filters.before(guarded));
    server.keep(async move { access.follow().await });
    settle().await;
    server
}

fn events(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("deep/audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_request_is_a_line() {
    let (cluster, folder) = (Cluster::new(), TempDir::new().unwrap());
    cluster.introduce("bob", lister());
    let server = audited(&cluster, folder.path(), None).await;
    let agent = ("user-agent", "kubectl/v1.32");
    let bob = ("authorization", "Bearer bob");
    let pod = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web?pretty=1";
    let proxied = [agent, bob, ("x-forwarded-for", "203.0.113.9, 192.0.2.7")];
    let first = server.ask(None, NODES, &proxied).await;
    assert_eq!(first.status, 200);
    assert_eq!(server.ask(None, pod, &[bob]).await.status, 403);
    assert_eq!(server.ask(None, NODES, &[("authorization", "Bearer nope")]).await.status, 401);
    let own = "01234567-89ab-cdef-0123-456789abcdef";
    let last = server.ask(None, "/healthz", &[("audit-id", own)]).await;
    assert_eq!(last.status, 200);
    settle().await;
    let mut events = events(folder.path());
    assert_eq!(first.headers["audit-id"], events[0]["auditID"].as_str().unwrap());
    assert_eq!(
        (&last.headers["audit-id"], &events[3]["auditID"]),
        (&HeaderValue::from_static(own), &json!(own))
    );
    for event in &mut events {
        let id = event["auditID"].take();
        assert_eq!(id.as_str().unwrap().len(), 36);
        for time in ["requestReceivedTimestamp", "stageTimestamp"] {
            let time = event[time].take();
            let time = time.as_str().unwrap();
            assert!(time.starts_with("2019-01-04T09:53:00.") && time.len() == 27, "{time}");
        }
        assert_eq!(
            (&event["kind"], &event["apiVersion"]),
            (&json!("Event"), &json!("audit.k8s.io/v1"))
        );
        assert_eq!(event["level"], "Metadata");
        for same in
            ["kind", "apiVersion", "level", "auditID", "requestReceivedTimestamp", "stageTimestamp"]
        {
            event.as_object_mut().unwrap().remove(same);
        }
    }
    let user = json!({"username": "bob", "groups": ["dev", "system:authenticated"]});
    let mut known = events[0]["user"].take();
    known.as_object_mut().unwrap().remove("uid");
    known.as_object_mut().unwrap().remove("extra");
    assert_eq!(known, user);
    events[1].as_object_mut().unwrap().remove("user");
    let object = json!({"apiGroup": "metrics.k8s.io", "apiVersion": "v1beta1"});
    let of = |more: &Value| {
        let mut object = object.clone();
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    assert_eq!(
        events,
        [
            json!({
                "stage": "ResponseComplete", "requestURI": NODES, "verb": "list", "user": null,
                "sourceIPs": ["203.0.113.9", "192.0.2.7", "192.0.2.1"],
                "userAgent": "kubectl/v1.32",
                "objectRef": of(&json!({"resource": "nodes"})),
                "responseStatus": {"metadata": {}, "code": 200},
                "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed by ClusterRoleBinding \"bob\" of ClusterRole \"bob\" to User \"bob\""},
            }),
            json!({
                "stage": "ResponseComplete", "requestURI": pod, "verb": "get",
                "sourceIPs": ["192.0.2.1"],
                "objectRef": of(&json!({"resource": "pods", "namespace": "shop", "name": "web"})),
                "responseStatus": {
                    "metadata": {}, "status": "Failure", "reason": "Forbidden", "code": 403,
                    "message": "pods.metrics.k8s.io \"web\" is forbidden: User \"bob\" cannot get resource \"pods\" in API group \"metrics.k8s.io\" in the namespace \"shop\"",
                    "details": {"name": "web", "group": "metrics.k8s.io", "kind": "pods"},
                },
                "annotations": {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""},
            }),
            json!({
                "stage": "ResponseStarted", "requestURI": NODES, "verb": "list", "user": {},
                "sourceIPs": ["192.0.2.1"],
                "objectRef": of(&json!({"resource": "nodes"})),
                "responseStatus": {
                    "metadata": {}, "status": "Failure", "reason": "Unauthorized", "code": 401,
                    "message": "Authentication failed, attempted: bearer",
                },
            }),
            json!({
                "stage": "ResponseComplete", "requestURI": "/healthz", "verb": "get",
                "user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]},
                "sourceIPs": ["192.0.2.1"],
                "responseStatus": {"metadata": {}, "code": 200},
                "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
            }),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_policy_selects_the_events() {
    let (cluster, folder) = (Cluster::new(), TempDir::new().unwrap());
    cluster.introduce("bob", lister());
    let policy = "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  nonResourceURLs: ['/healthz*', '/livez']
- level: RequestResponse
  users: [bob]
  resources: [{group: metrics.k8s.io, resources: [nodes]}]
- level: Metadata
  omitStages: [RequestReceived]
  userGroups: ['system:unauthenticated']
";
    let server = audited(&cluster, folder.path(), Some(policy)).await;
    let bob = [("authorization", "Bearer bob")];
    for (path, headers) in [
        ("/healthz", &[][..]),
        ("/livez", &bob),
        (NODES, &bob),
        ("/apis/metrics.k8s.io/v1beta1/pods", &bob),
        ("/readyz", &[]),
    ] {
        server.ask(None, path, headers).await;
    }
    settle().await;
    let seen: Vec<_> = events(folder.path())
        .iter()
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            (text("requestURI"), text("stage"), text("level"))
        })
        .collect();
    let line = |path: &str, stage: &str| (path.to_owned(), stage.to_owned(), "Metadata".to_owned());
    assert_eq!(
        seen,
        [
            line(NODES, "RequestReceived"),
            line(NODES, "ResponseComplete"),
            line("/readyz", "ResponseComplete"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_impersonated_user_is_recorded_beside_the_user() {
    let (cluster, folder) = (Cluster::new(), TempDir::new().unwrap());
    cluster.introduce("alice", vec![rule("", "users", &["impersonate"])]);
    cluster.introduce("bob", lister());
    let server = audited(&cluster, folder.path(), None).await;
    for (name, status, decision) in [("bob", 200, "allow"), ("carol", 403, "forbid")] {
        let headers = [("authorization", "Bearer alice"), ("impersonate-user", name)];
        assert_eq!(server.ask(None, NODES, &headers).await.status, status);
        let event = events(folder.path()).pop().unwrap();
        assert_eq!(event["user"]["username"], "alice", "{event}");
        assert_eq!(event["impersonatedUser"]["username"], name, "{event}");
        assert_eq!(event["annotations"]["authorization.k8s.io/decision"], decision, "{event}");
    }
}
