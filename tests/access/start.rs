//! What happens without client CA and request header configuration.

use std::{sync::atomic::Ordering, time::Duration};

use apiserver::access::{RequestHeaderOptions, Settings};
use serde_json::json;
use tokio::time::sleep;

use super::support::{Cluster, NODES, settle};

#[tokio::test(start_paused = true)]
async fn requests_are_refused_until_the_api_server_answers() {
    let cluster = Cluster::new();
    cluster.away.store(true, Ordering::Relaxed);
    let server = cluster.serve().await;
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let user = server.ask(Some(&master), "/healthz", &[]).await.user();
    assert_eq!(user["name"], "system:anonymous", "without a CA a certificate says nothing");
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.status, 500);
    assert!(cluster.logged(&["Failed to watch", "connection refused", "cure="]));
    cluster.away.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn a_missing_role_is_logged_with_the_command_that_cures_it() {
    let cluster = Cluster::new();
    cluster.bind(&["delegator"]);
    let server = cluster.serve().await;
    assert!(cluster.logged(&[
        "configmaps \\\"extension-apiserver-authentication\\\" is forbidden",
        "kubectl create rolebinding -n kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader",
    ]), "{}", cluster.log());
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.status, 403);
    cluster.bind(&["delegator", "reader"]);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn a_config_map_that_is_created_later_is_used() {
    let cluster = Cluster::new();
    cluster.api_server.remove_config_map("kube-system", "extension-apiserver-authentication");
    let server = cluster.serve().await;
    assert!(
        cluster.logged(&["ConfigMap kube-system/extension-apiserver-authentication not found"])
    );
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let mut connection = server.connect(Some(&master)).await;
    assert_eq!(connection.get(NODES, &[]).await.status, 403);
    cluster.publish(&cluster.config_map());
    settle().await;
    assert_eq!(connection.get(NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn the_config_map_is_not_read_with_skip_lookup() {
    let cluster = Cluster::new();
    cluster.away.store(true, Ordering::Relaxed);
    let settings = Settings { skip_lookup: true, ..Settings::default() };
    let server = cluster.serve_with(&settings).await;
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let user = server.ask(Some(&master), "/healthz", &[]).await.user();
    assert_eq!(user["name"], "system:anonymous");
    sleep(Duration::from_mins(5)).await;
    assert_eq!(cluster.log(), "");
}

#[test]
fn settings_that_make_no_sense_end_the_start() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let cluster = Cluster::new();
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let proxy = |request_header| Settings { request_header, ..Settings::default() };
        let missing = || Some("/nowhere/ca.crt".into());
        let cases = [
            (
                Settings { client_ca_file: missing(), ..Settings::default() },
                "failed to read /nowhere/ca.crt for --client-ca-file: no such file or directory; put the CAs of clients there in PEM",
            ),
            (
                proxy(RequestHeaderOptions { client_ca_file: missing(), ..RequestHeaderOptions::default() }),
                "failed to read /nowhere/ca.crt for --requestheader-client-ca-file: no such file or directory; put the CAs of front proxies there in PEM",
            ),
            (
                proxy(RequestHeaderOptions { allowed_names: words(&[" "]), ..RequestHeaderOptions::default() }),
                "--requestheader-allowed-names: a value is empty; leave it out",
            ),
            (
                proxy(RequestHeaderOptions { uid_headers: words(&["X-Uid"]), ..RequestHeaderOptions::default() }),
                "--requestheader-uid-headers is set without the standard X-Remote-Uid: add it, or API aggregation will not work",
            ),
        ];
        for (settings, message) in cases {
            assert_eq!(cluster.try_access(&settings).err().unwrap().to_string(), message);
        }
        assert_eq!(json!(Settings::default().always_allow_paths), json!(["/healthz", "/readyz", "/livez"]));
    });
}
