//! Clients' own certificates.

use std::time::Duration;

use fake_kubelet::{Authority, Subject, Validity};
use serde_json::json;
use tokio::time::advance;

use super::support::{Cluster, NODES, START, lister};

#[tokio::test(start_paused = true)]
async fn a_certificate_has_name_and_groups() {
    let cluster = Cluster::new();
    cluster.api_server.set_group_rules("dev", lister());
    let server = cluster.serve().await;
    let bob = cluster.certificate(&cluster.clients, "bob", Some("dev"));
    let user = server.ask(Some(&bob), NODES, &[]).await.user();
    assert_eq!(user["name"], "bob");
    assert_eq!(user["groups"], json!(["dev", "system:authenticated"]));
    let credential = user["extra"]["authentication.kubernetes.io/credential-id"][0].as_str();
    assert!(credential.unwrap().starts_with("X509SHA256="), "{user}");
    assert_eq!(credential.unwrap().len(), "X509SHA256=".len() + 64);
    let answer = server.ask(Some(&bob), "/metrics", &[]).await;
    assert_eq!(answer.short(), "403 forbidden: User \"bob\" cannot get path \"/metrics\"");
}

#[tokio::test(start_paused = true)]
async fn untrusted_certificates_are_refused_even_on_always_allow_paths() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let subject = Subject { common_name: "bob".to_owned(), ..Subject::default() };
    let now = cluster.clock.now();
    let year = Validity::year_from_an_hour_before(now);
    let unknown = Authority::new("kubernetes", now).unwrap();
    let early = Validity { not_before: now + Duration::from_mins(1), ..year };
    let cases = [
        (
            unknown.client(&subject, year),
            "while trying to verify candidate authority certificate \\\"kubernetes\\\")]\" cure",
        ),
        (
            cluster.clients.client(&subject, Validity::year_until_an_hour_before(now)),
            "is after 2019-01-04T08:53:00Z\" cure",
        ),
        (cluster.clients.client(&subject, early), "is before 2019-01-04T09:54:00Z\" cure"),
        (
            cluster.clients.serving(&subject, year),
            "x509: certificate specifies an incompatible key usage\" cure",
        ),
    ];
    for (identity, logged) in cases {
        let identity = identity.unwrap();
        for path in [NODES, "/healthz"] {
            let answer = server.ask(Some(&identity), path, &[]).await;
            assert_eq!(answer.short(), "401 Unauthorized", "{path} {logged}");
        }
        assert!(cluster.logged(&["Unable to authenticate", logged]), "{logged} {}", cluster.log());
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_without_a_common_name_is_anonymous() {
    let cluster = Cluster::new();
    // With the proxies' CA, it would be refused: it is not one of theirs.
    let mut map = cluster.config_map();
    map["requestheader-client-ca-file"] = json!("");
    cluster.publish(&map);
    let server = cluster.serve().await;
    let nobody = cluster.certificate(&cluster.clients, "", Some("system:masters"));
    let user = server.ask(Some(&nobody), "/healthz", &[]).await.user();
    assert_eq!(user["name"], "system:anonymous");
    assert_eq!(user["groups"], json!(["system:unauthenticated"]));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_outweighs_a_token_and_a_token_a_certificate_that_is_not_trusted() {
    let cluster = Cluster::new();
    cluster.introduce("bob", lister());
    cluster.introduce("carol", lister());
    let server = cluster.serve().await;
    let token = [("authorization", "Bearer carol")];
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    assert_eq!(server.ask(Some(&bob), NODES, &token).await.user()["name"], "bob");
    let unknown = Authority::new("kubernetes", START.parse().unwrap()).unwrap();
    let bob = cluster.certificate(&unknown, "bob", None);
    assert_eq!(server.ask(Some(&bob), NODES, &token).await.user()["name"], "carol");
}

#[tokio::test(start_paused = true)]
async fn failed_authentication_is_logged_once_and_then_every_five_minutes() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let unknown = Authority::new("elsewhere", cluster.clock.now()).unwrap();
    let said = || cluster.log().matches("Unable to authenticate the request").count();
    let bob = cluster.certificate(&unknown, "bob", None);
    let mut connection = server.connect(Some(&bob)).await;
    for _ in 0..100 {
        assert_eq!(connection.get(NODES, &[]).await.short(), "401 Unauthorized");
    }
    assert_eq!(said(), 1, "{}", cluster.log());
    let whose = [
        "subject=\"CN=bob\" issuer=\"CN=elsewhere\"",
        "notBefore=\"2019-01-04T08:53:00Z\" notAfter=\"2020-01-04T08:53:00Z\"",
    ];
    assert!(cluster.logged(&whose), "{}", cluster.log());
    // Another cause is logged at once, and each cause separately.
    assert_eq!(server.ask_with_token("nobody", NODES).await.short(), "401 Unauthorized");
    assert_eq!(said(), 2, "{}", cluster.log());
    advance(Duration::from_mins(5)).await;
    for _ in 0..2 {
        assert_eq!(server.ask(Some(&bob), NODES, &[]).await.short(), "401 Unauthorized");
    }
    assert_eq!(said(), 3, "{}", cluster.log());
    assert!(cluster.logged(&["subject=\"CN=bob\"", "requests=100"]), "{}", cluster.log());
}

#[tokio::test(start_paused = true)]
async fn many_untrusted_clients_do_not_fill_the_log() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let unknown = Authority::new("elsewhere", cluster.clock.now()).unwrap();
    for one in 0..150 {
        let identity = cluster.certificate(&unknown, &format!("user-{one}"), None);
        assert_eq!(server.ask(Some(&identity), NODES, &[]).await.short(), "401 Unauthorized");
    }
    let said = cluster.log().matches("Unable to authenticate the request").count();
    assert_eq!(said, 51, "fifty, and one for all others");
}

#[tokio::test(start_paused = true)]
async fn a_client_has_no_more_intermediates_than_a_chain_can_need() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let bob = cluster.certificate(&cluster.clients, "bob", None);
    // Each has the name of the CA that signed Bob's certificate, and is tried for it.
    let authority = || Authority::new("kubernetes", cluster.clock.now()).unwrap();
    let useless: Vec<_> = (0..130).map(|_| authority().certificate().clone()).collect();
    for (intermediates, answer) in [(6, "bob"), (7, "401 Unauthorized"), (130, "401 Unauthorized")]
    {
        let mut connection = server.connect_with(&bob, &useless[..intermediates]).await;
        // It is the same for the first request of a connection and for all others.
        for _ in 0..2 {
            assert_eq!(connection.get("/healthz", &[]).await.short(), answer, "{intermediates}");
        }
    }
    assert!(cluster.logged(&[
        "\"Unable to authenticate the request\" err=\"x509: too many intermediate certificates: 7, at most 6\"",
    ]));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_valid_from_its_first_second_to_its_last_over_one_connection() {
    let cluster = Cluster::new();
    let server = cluster.serve().await;
    let now = cluster.clock.now();
    let (minute, subject) =
        (Duration::from_mins(1), Subject { common_name: "bob".to_owned(), ..Subject::default() });
    let validity = Validity { not_before: now + minute, not_after: now + 2 * minute };
    let bob = cluster.clients.client(&subject, validity).unwrap();
    let mut connection = server.connect(Some(&bob)).await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(connection.get("/healthz", &[]).await.short());
        advance(Duration::from_secs(31)).await;
    }
    assert_eq!(answers, ["401 Unauthorized", "401 Unauthorized", "bob", "bob", "401 Unauthorized"]);
}
