//! Impersonation.

use http::StatusCode;
use serde_json::json;

use super::support::{Cluster, NODES, lister, rule};

#[tokio::test(start_paused = true)]
async fn a_user_who_may_impersonate_another_is_treated_as_that_user() {
    let cluster = Cluster::new();
    let rules = ["users", "groups"].map(|what| rule("", what, &["impersonate"]));
    cluster.introduce("alice", rules.to_vec());
    cluster.introduce("bob", lister());
    cluster.introduce("dave", vec![rule("", "users", &["impersonate"])]);
    cluster.introduce("carol", lister());
    let server = cluster.serve().await;
    let user = |name| ("impersonate-user", name);
    let (dev, uid) = (("impersonate-group", "dev"), ("impersonate-uid", "7"));
    let account = "system:serviceaccount:shop:web";
    let scopes = ("impersonate-extra-example.com%2Fscopes", "all");
    let cannot = |verb, what: &str| format!("cannot {verb} resource {what}");
    let cases: [(&str, &[_], u16, String); 10] = [
        ("alice", &[], 403, cannot("list", r#""nodes" in API group "metrics.k8s.io""#)),
        ("alice", &[user("carol")], 200, r#""name":"carol""#.to_owned()),
        (
            "alice",
            &[user("carol"), dev],
            200,
            r#""groups":["dev","system:authenticated"]"#.to_owned(),
        ),
        (
            "alice",
            &[user("carol"), uid],
            403,
            cannot("impersonate", r#""uids" in API group "authentication.k8s.io""#),
        ),
        (
            "alice",
            &[user("carol"), scopes],
            403,
            cannot("impersonate", r#""userextras/example.com/scopes""#),
        ),
        (
            "alice",
            &[user(account)],
            403,
            format!(
                r#"{} in the namespace "shop""#,
                cannot("impersonate", r#""serviceaccounts" in API group """#)
            ),
        ),
        (
            "alice",
            &[user("nobody")],
            403,
            format!(r#"User "nobody" {}"#, cannot("list", r#""nodes""#)),
        ),
        (
            "alice",
            &[dev],
            400,
            "requested [{Group  dev    }] without impersonating a user".to_owned(),
        ),
        (
            "dave",
            &[user("carol"), ("impersonate-group", "system:masters")],
            403,
            format!(
                r#"groups "system:masters" is forbidden: User "dave" {}"#,
                cannot("impersonate", r#""groups""#)
            ),
        ),
        // Users with permission for themselves must not be answered with it when they impersonate
        // others.
        (
            "bob",
            &[user("carol")],
            403,
            format!(
                r#"users "carol" is forbidden: User "bob" {}"#,
                cannot("impersonate", r#""users""#)
            ),
        ),
    ];
    for (token, headers, status, said) in cases {
        let token = format!("Bearer {token}");
        let all = [&[("authorization", token.as_str())], headers].concat();
        let answer = server.ask(None, NODES, &all).await;
        assert_eq!(answer.status, StatusCode::from_u16(status).unwrap(), "{all:?}: {answer:?}");
        let plain = answer.body.replace("\\\"", "\"");
        assert!(plain.contains(&said), "{all:?}: {said} is not in {answer:?}");
    }
    let headers = [("authorization", "Bearer alice"), user("carol")];
    let headers_seen = server.ask(None, NODES, &headers).await.json()["headers"].clone();
    assert_eq!(headers_seen.get("impersonate-user"), None, "{headers_seen}");
    assert_ne!(headers_seen, json!(null));
}
