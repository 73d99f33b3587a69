//! Certificate authorities that change while the server runs.

use std::{sync::atomic::Ordering, time::Duration};

use apiserver::access::Settings;
use fake_kubelet::Authority;
use serde_json::json;
use tokio::time::advance;

use super::support::{Cluster, NODES, START, lister, settle};

fn authority() -> Authority {
    Authority::new("kubernetes", START.parse().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_new_client_ca_is_used_at_once_on_old_and_new_connections() {
    let cluster = Cluster::new();
    cluster.api_server.set_rules("bob", lister());
    let server = cluster.serve().await;
    let (before, after) = (&cluster.clients, authority());
    let (old, new) =
        (cluster.certificate(before, "bob", None), cluster.certificate(&after, "bob", None));
    let mut with_old = server.connect(Some(&old)).await;
    let mut with_new = server.connect_speaking(Some(&new), b"h2").await.unwrap();
    assert_eq!(with_old.get(NODES, &[]).await.short(), "bob");

    let mut map = cluster.config_map();
    map["client-ca-file"] = json!(before.pem() + &after.pem());
    cluster.publish(&map);
    settle().await;
    assert_eq!(with_old.get(NODES, &[]).await.short(), "bob", "both count while both are there");
    assert_eq!(with_new.get(NODES, &[]).await.short(), "bob");

    map["client-ca-file"] = json!(after.pem());
    cluster.publish(&map);
    settle().await;
    assert_eq!(with_old.get(NODES, &[]).await.short(), "401 Unauthorized");
    assert_eq!(with_new.get(NODES, &[]).await.short(), "bob");
    assert_eq!(server.ask(Some(&old), NODES, &[]).await.short(), "401 Unauthorized");
    assert_eq!(server.ask(Some(&new), NODES, &[]).await.short(), "bob");
}

#[tokio::test(start_paused = true)]
async fn a_new_proxy_ca_counts_at_once() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let alice = [("x-remote-user", "alice"), ("x-remote-group", "system:masters")];
    let mut connection = server.connect(Some(&cluster.front_proxy())).await;
    assert_eq!(connection.get(NODES, &alice).await.short(), "alice");
    let mut map = cluster.config_map();
    map["requestheader-client-ca-file"] = json!(authority().pem());
    cluster.publish(&map);
    settle().await;
    assert_eq!(connection.get(NODES, &alice).await.short(), "401 Unauthorized");
    map = cluster.config_map();
    map["requestheader-allowed-names"] = json!("[\"another\"]");
    cluster.publish(&map);
    settle().await;
    assert_eq!(connection.get(NODES, &alice).await.short(), "401 Unauthorized");
    cluster.publish(&cluster.config_map());
    settle().await;
    assert_eq!(connection.get(NODES, &alice).await.short(), "alice");
}

#[tokio::test(start_paused = true)]
async fn a_missing_or_malformed_config_map_changes_nothing() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let alice = [("x-remote-user", "alice"), ("x-remote-group", "system:masters")];
    let mut connection = server.connect(Some(&cluster.front_proxy())).await;
    let wrong = [
        ("requestheader-client-ca-file", ""),
        ("requestheader-client-ca-file", "no PEM"),
        ("requestheader-username-headers", "no list"),
        ("client-ca-file", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ];
    for (key, value) in wrong {
        let mut map = cluster.config_map();
        map[key] = json!(value);
        cluster.publish(&map);
        settle().await;
        assert_eq!(connection.get(NODES, &alice).await.short(), "alice", "{key}");
        let logged =
            cluster.logged(&["Failed to load client CA and request header configuration", key]);
        assert_eq!(logged, !value.is_empty(), "{key}: {}", cluster.log());
    }
    cluster.api_server.remove_config_map("kube-system", "extension-apiserver-authentication");
    settle().await;
    assert_eq!(connection.get(NODES, &alice).await.short(), "alice");
    assert!(cluster.logged(&["was deleted", "the configuration loaded before stays in use"]));
}

#[tokio::test(start_paused = true)]
async fn a_watch_continues_when_the_api_server_is_back() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let master = cluster.certificate(&authority(), "root", Some("system:masters"));
    cluster.away.store(true, Ordering::Relaxed);
    cluster.api_server.close_watches();
    let after = authority();
    let mut map = cluster.config_map();
    map["client-ca-file"] = json!(after.pem());
    cluster.publish(&map);
    settle().await;
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "401 Unauthorized");
    assert!(cluster.logged(&["Failed to watch, will try again", "resource=\"configmaps\""]));
    cluster.away.store(false, Ordering::Relaxed);
    for _ in 0..60 {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
    let master = cluster.certificate(&after, "root", Some("system:masters"));
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_again_within_a_minute() {
    let cluster = Cluster::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, cluster.clients.pem()).unwrap();
    let settings = Settings { client_ca_file: Some(file.path().to_owned()), ..Settings::default() };
    let server = cluster.serve_with(&settings).await;
    let (before, after) = (&cluster.clients, authority());
    let old = cluster.certificate(before, "root", Some("system:masters"));
    let new = cluster.certificate(&after, "root", Some("system:masters"));
    let ask = async |identity| server.ask(Some(identity), NODES, &[]).await.short();
    assert_eq!(ask(&old).await, "root");

    std::fs::write(&file, "").unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    settle().await;
    assert_eq!(ask(&old).await, "root");
    assert!(cluster.logged(&["--client-ca-file: it holds no PEM certificate"]));

    std::fs::write(&file, after.pem()).unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    settle().await;
    assert_eq!((ask(&old).await, ask(&new).await), ("401 Unauthorized".into(), "root".into()));
    cluster.publish(&json!({ "client-ca-file": cluster.clients.pem() }));
    settle().await;
    assert_eq!(ask(&old).await, "401 Unauthorized", "the file counts, not the cluster");
}
