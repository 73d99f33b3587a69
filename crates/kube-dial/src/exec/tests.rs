use serde_json::from_value;

use super::*;

fn plugin(script: &str) -> Result<ExecPlugin, ExecError> {
    let config = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/sh",
        "args": ["-c", script],
        "env": [{ "name": "TOKEN", "value": "t" }],
        "interactiveMode": "Never",
    });
    ExecPlugin::new(from_value(config).unwrap(), &Doors::host())
}

fn printing(status: &str) -> String {
    format!(
        "echo x >> $0; echo \"{{\\\"apiVersion\\\": \\\"client.authentication.k8s.io/v1\\\", \\\"kind\\\": \\\"ExecCredential\\\", \\\"status\\\": {}}}\"",
        status.replace('"', "\\\"")
    )
}

#[tokio::test]
async fn a_token_is_kept_until_it_expires_and_renewed_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let script = |status: &str| printing(status).replace("$0", &runs.display().to_string());
    let count = || std::fs::read_to_string(&runs).unwrap_or_default().lines().count();
    let rows = [
        (
            "without end",
            r#"{"token": "$TOKEN", "clientKeyData": null, "clientCertificateData": ""}"#,
            1,
        ),
        ("long", r#"{"token": "$TOKEN", "expirationTimestamp": "2999-01-01T00:00:00Z"}"#, 1),
        ("over", r#"{"token": "$TOKEN", "expirationTimestamp": "2001-01-01T00:00:00Z"}"#, 3),
    ];
    for (what, status, expected) in rows {
        let _ = std::fs::remove_file(&runs);
        let plugin = plugin(&script(status)).unwrap();
        for _ in 0..3 {
            assert_eq!(plugin.token().await.unwrap().as_deref(), Some("t"), "{what}");
        }
        assert_eq!(count(), expected, "{what}");
        // What has just been printed is not replaced: a server may refuse every credential.
        plugin.refused(Some("t")).await;
        let again = usize::from(what == "over");
        plugin.token().await.unwrap();
        assert_eq!(count(), expected + again, "{what}, refused at once");
        tokio::time::pause();
        tokio::time::advance(RUN_AGAIN).await;
        tokio::time::resume();
        plugin.refused(Some("t")).await;
        plugin.token().await.unwrap();
        assert_eq!(count(), expected + again + 1, "{what}, refused");
    }
}

#[tokio::test]
async fn the_error_of_a_failed_plugin_names_the_cause() {
    let rows = [
        ("exit 3".to_owned(), "exit status: 3: "),
        ("echo no >&2; exit 1".to_owned(), "exit status: 1: no"),
        ("echo no".to_owned(), "it printed no ExecCredential"),
        (
            printing("{}").replace("$0", "/dev/null"),
            "it printed neither a token nor a client certificate with its key",
        ),
        (
            printing(r#"{"clientCertificateData": "x"}"#).replace("$0", "/dev/null"),
            "it printed only a client certificate or its key, not both",
        ),
        (
            printing(r#"{"clientCertificateData": "x", "clientKeyData": "y"}"#)
                .replace("$0", "/dev/null"),
            "of its client certificate: it holds no PEM certificate",
        ),
        (
            printing(r#"{"token": "t", "expirationTimestamp": "soon"}"#).replace("$0", "/dev/null"),
            "it printed an expirationTimestamp that is no time",
        ),
    ];
    for (script, expected) in rows {
        let error = plugin(&script).unwrap().token().await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("exec: executable /bin/sh failed: "), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    let config = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/nowhere/plugin",
        "installHint": "install it",
    });
    let missing = ExecPlugin::new(from_value(config).unwrap(), &Doors::host()).unwrap();
    assert_eq!(
        missing.token().await.unwrap_err().to_string(),
        "exec: executable /nowhere/plugin failed to start: no such file or directory; install it"
    );
}

#[test]
fn fields_that_cannot_be_used_are_named() {
    let v1 = "client.authentication.k8s.io/v1";
    let rows = [
        (json!({ "apiVersion": v1 }), "users[].user.exec.command: "),
        (json!({ "command": "x" }), "users[].user.exec.apiVersion: it is empty"),
        (
            json!({ "command": "x", "apiVersion": "v7" }),
            "users[].user.exec.apiVersion: \"v7\" is not",
        ),
        (
            json!({ "command": "x", "apiVersion": v1, "interactiveMode": "Always" }),
            "users[].user.exec.interactiveMode: Always needs a terminal",
        ),
    ];
    for (config, expected) in rows {
        let error = ExecPlugin::new(from_value(config).unwrap(), &Doors::host()).err().unwrap();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
