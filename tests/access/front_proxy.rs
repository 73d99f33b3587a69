//! The headers of a front proxy, and the same headers from other clients.

use std::time::Duration;

use apiserver::access::{RequestHeaderOptions, Settings};
use fake_kubelet::{Authority, Subject, Validity};
use serde_json::json;
use tokio::time::advance;

use super::support::{Cluster, NODES, START, lister};

const ALICE: [(&str, &str); 2] = [("x-remote-user", "alice"), ("x-remote-group", "system:masters")];

#[tokio::test(start_paused = true)]
async fn a_proxy_names_the_user_and_all_that_is_known_of_them() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let answer = server
        .ask(
            Some(&cluster.front_proxy()),
            NODES,
            &[
                ("X-Remote-User", "alice"),
                ("X-Remote-Uid", "42"),
                ("X-Remote-Group", "system:masters"),
                ("X-Remote-Group", ""),
                ("X-Remote-Group", "dev"),
                ("X-Remote-Extra-Example.com%2fScopes", "a"),
                ("X-Remote-Extra-Example.com%2fScopes", "b"),
                ("X-Remote-Extra-Odd%zz", "c"),
                ("Authorization", "Bearer kept-from-handlers"),
                ("Accept", "application/json"),
            ],
        )
        .await;
    assert_eq!(
        answer.json(),
        json!({
            "user": {
                "name": "alice",
                "uid": "42",
                "groups": ["system:masters", "dev", "system:authenticated"],
                "extra": { "example.com/scopes": ["a", "b"], "odd%zz": ["c"] },
            },
            "headers": ["accept", "host"],
            "body": 0,
        })
    );
    assert_eq!(cluster.take_reviews(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_names_anonymous_users_too() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let headers =
        [("x-remote-user", "system:anonymous"), ("x-remote-group", "system:unauthenticated")];
    let user = server.ask(Some(&cluster.front_proxy()), "/healthz", &headers).await.user();
    assert_eq!(user["groups"], json!(["system:unauthenticated"]));
}

#[tokio::test(start_paused = true)]
async fn only_a_front_proxy_may_send_user_headers() {
    let cluster = Cluster::new();
    cluster.api_server.set_group_rules("system:unauthenticated", lister());
    cluster.introduce("bob", lister());
    let server = cluster.serve().await;
    let unknown = Authority::new("front-proxy-ca", START.parse().unwrap()).unwrap();
    let unknown = cluster.certificate(&unknown, "front-proxy-client", None);
    let misnamed = cluster.certificate(&cluster.proxies, "somebody", None);
    let client = cluster.certificate(&cluster.clients, "bob", None);

    let anonymous = server.ask(None, NODES, &ALICE).await;
    assert_eq!(anonymous.user()["name"], "system:anonymous");
    assert_eq!(anonymous.json()["headers"], json!(["host"]), "headers of proxies go no further");
    assert_eq!(server.ask(Some(&client), NODES, &ALICE).await.user()["name"], "bob");
    assert_eq!(server.ask(Some(&unknown), NODES, &ALICE).await.short(), "401 Unauthorized");
    assert_eq!(server.ask(Some(&misnamed), NODES, &ALICE).await.short(), "401 Unauthorized");
    assert!(cluster.logged(&[
        "x509: subject with cn=somebody is not in the allowed list",
        "--requestheader-allowed-names",
    ]));
    let silent = server.ask(Some(&cluster.front_proxy()), NODES, &[]).await;
    assert_eq!(silent.short(), "401 Unauthorized", "a proxy that names nobody is nobody");
}

#[tokio::test(start_paused = true)]
async fn a_proxys_certificate_runs_out_while_a_connection_is_open() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let now = cluster.clock.now();
    let subject = Subject { common_name: "front-proxy-client".to_owned(), ..Subject::default() };
    let minute = Validity { not_before: now, not_after: now + Duration::from_mins(1) };
    let proxy = cluster.proxies.client(&subject, minute).unwrap();
    let mut connection = server.connect_speaking(Some(&proxy), b"h2").await.unwrap();
    advance(Duration::from_secs(59)).await;
    assert_eq!(connection.get(NODES, &ALICE).await.short(), "alice");
    advance(Duration::from_secs(2)).await;
    assert_eq!(connection.get(NODES, &ALICE).await.short(), "401 Unauthorized");
    assert!(cluster.logged(&[
        "x509: certificate has expired or is not yet valid: current time 2019-01-04T09:54:01Z is \
         after 2019-01-04T09:54:00Z",
        "cure=\"renew the client's certificate, or set the clocks right\"",
    ]));
}

#[tokio::test(start_paused = true)]
async fn other_headers_may_be_agreed_upon() {
    let cluster = Cluster::new();
    let mut map = cluster.config_map();
    map["requestheader-username-headers"] = json!("[\"X-First\",\"X-Second\"]");
    map["requestheader-group-headers"] = json!("[\"X-Groups\"]");
    map["requestheader-allowed-names"] = json!("");
    cluster.publish(&map);
    let server = cluster.serve().await;
    let anybody = cluster.certificate(&cluster.proxies, "anybody", None);
    let headers =
        [("x-first", ""), ("x-second", "carol"), ("x-groups", "system:masters"), ALICE[0]];
    let answer = server.ask(Some(&anybody), NODES, &headers).await;
    assert_eq!(answer.user()["name"], "carol");
    assert_eq!(answer.json()["headers"], json!(["host"]));
    assert_eq!(
        server.ask(Some(&anybody), NODES, &ALICE).await.short(),
        "401 Unauthorized",
        "the standard header is not agreed upon"
    );
}

#[tokio::test(start_paused = true)]
async fn flags_replace_the_request_header_configuration_of_the_cluster() {
    let cluster = Cluster::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let own = Authority::new("own", START.parse().unwrap()).unwrap();
    std::fs::write(&file, own.pem()).unwrap();
    let settings = Settings {
        request_header: RequestHeaderOptions {
            client_ca_file: Some(file.path().to_owned()),
            allowed_names: vec!["mine".to_owned()],
            ..RequestHeaderOptions::default()
        },
        ..Settings::default()
    };
    let server = cluster.serve_with(&settings).await;
    let mine = cluster.certificate(&own, "mine", None);
    let uid = [ALICE[0], ALICE[1], ("x-remote-uid", "42")];
    let user = server.ask(Some(&mine), NODES, &uid).await.user();
    assert_eq!((&user["name"], &user["uid"]), (&json!("alice"), &json!("")));
    let clusters = server.ask(Some(&cluster.front_proxy()), NODES, &ALICE).await;
    assert_eq!(clusters.short(), "401 Unauthorized");
}
