//! What happens when it cannot be found out, at the start, whom to believe.

use std::{sync::atomic::Ordering, time::Duration};

use metrics_server::access::{RequestHeader, Settings};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::support::{Cluster, NODES, settle};

#[tokio::test(start_paused = true)]
async fn an_api_server_that_comes_late_is_waited_for() {
    let cluster = Cluster::new();
    cluster.away.store(true, Ordering::Relaxed);
    let comes_back = async {
        sleep(Duration::from_secs(10)).await;
        cluster.away.store(false, Ordering::Relaxed);
    };
    let (server, ()) = tokio::join!(cluster.serve(), comes_back);
    assert!(cluster.logged(&["Failed to look up whom to believe", "connection refused", "cure="]));
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_come_ends_the_start() {
    let cluster = Cluster::new();
    cluster.away.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let error = cluster.serve_with(&Settings::default()).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "unable to load configmap based request-header-client-ca-file: Get \
         \"https://10.96.0.1/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication\": \
         dial tcp 10.96.0.1:443: connect: connection refused; check that the API server runs and \
         can be reached from here"
    );
    let took = began.elapsed();
    assert!(took > Duration::from_secs(10) && took <= Duration::from_secs(30), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_questions_and_never_answers_ends_it_too() {
    let cluster = Cluster::new();
    cluster.silent.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let error = cluster.serve_with(&Settings::default()).await.err().unwrap();
    assert!(error.to_string().contains("\": context deadline exceeded; check that"), "{error}");
    assert!(began.elapsed() <= Duration::from_secs(45), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_missing_role_ends_the_start_with_the_command_that_cures_it() {
    let cluster = Cluster::new();
    cluster.bind(&["delegator"]);
    let error = cluster.serve_with(&Settings::default()).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "unable to load configmap based request-header-client-ca-file: configmaps \
         \"extension-apiserver-authentication\" is forbidden: User \
         \"system:serviceaccount:kube-system:metrics-server\" cannot get resource \"configmaps\" \
         in API group \"\" in the namespace \"kube-system\"; kubectl create rolebinding -n \
         kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader \
         --serviceaccount=YOUR_NS:YOUR_SA"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_can_be_tolerated_and_passes() {
    let cluster = Cluster::new();
    cluster.bind(&["delegator"]);
    let settings = Settings { tolerate_lookup_failure: true, ..Settings::default() };
    let server = cluster.serve_with(&settings).await.unwrap();
    assert!(cluster.logged(&["Error looking up in-cluster authentication configuration"]));
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let user = server.ask(Some(&master), "/healthz", &[]).await.user();
    assert_eq!(user["name"], "system:anonymous", "without a CA a certificate says nothing");
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.status, 403);
    cluster.bind(&["delegator", "reader"]);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(server.ask(Some(&master), NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_says_nothing_yet_is_listened_to() {
    let cluster = Cluster::new();
    cluster.control_plane.remove_config_map("kube-system", "extension-apiserver-authentication");
    let server = cluster.serve().await;
    assert!(cluster.logged(&["There is no ConfigMap kube-system/extension-apiserver-auth"]));
    let master = cluster.certificate(&cluster.clients, "root", Some("system:masters"));
    let mut connection = server.connect(Some(&master)).await;
    assert_eq!(connection.get(NODES, &[]).await.status, 403);
    cluster.publish(&cluster.config_map());
    settle().await;
    assert_eq!(connection.get(NODES, &[]).await.short(), "root");
}

#[tokio::test(start_paused = true)]
async fn the_cluster_is_not_asked_when_that_is_not_wanted() {
    let cluster = Cluster::new();
    cluster.away.store(true, Ordering::Relaxed);
    let settings = Settings { skip_lookup: true, ..Settings::default() };
    let server = cluster.serve_with(&settings).await.unwrap();
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
                "read /nowhere/ca.crt for --client-ca-file: no such file or directory",
            ),
            (
                proxy(RequestHeader { client_ca_file: missing(), ..RequestHeader::default() }),
                "read /nowhere/ca.crt for --requestheader-client-ca-file: no such file or directory",
            ),
            (
                proxy(RequestHeader { allowed_names: words(&[" "]), ..RequestHeader::default() }),
                "--requestheader-allowed-names: a value is empty; leave it out",
            ),
            (
                proxy(RequestHeader { uid_headers: words(&["X-Uid"]), ..RequestHeader::default() }),
                "--requestheader-uid-headers is set without the standard X-Remote-Uid: add it, or API aggregation will not work",
            ),
        ];
        for (settings, message) in cases {
            assert_eq!(cluster.try_access(&settings).err().unwrap().to_string(), message);
        }
        assert_eq!(json!(Settings::default().always_allow_paths), json!(["/healthz", "/readyz", "/livez"]));
    });
}
