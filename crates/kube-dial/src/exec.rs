//! Credential plugins: a program that prints a token (`users[].user.exec` of a kubeconfig).

use std::{
    io,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use net::{Clock, Doors, Programs};
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use crate::token::parse;

/// A plugin that takes longer is ended. client-go waits for ever.
const LIMIT: Duration = Duration::from_mins(1);

/// A plugin that failed is not run again before this time: each start costs a process.
const RUN_AGAIN: Duration = Duration::from_secs(5);

/// Runs a plugin, and keeps its token until it expires.
pub(crate) struct ExecPlugin {
    config: ExecConfig,
    command: String,
    clock: Clock,
    programs: Programs,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    credential: Option<Credential>,
    /// The last failure and when that was, unless it gave a token since.
    failure: Option<(Instant, ExecError)>,
}

struct Credential {
    token: Arc<str>,
    expires: Option<Timestamp>,
}

/// A plugin that cannot be used, or did not give a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecError {
    /// The kubeconfig's `exec` section cannot be used.
    #[error("users[].user.exec.{field}: {cause}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// It cannot be started.
    #[error("exec: executable {command} failed to start: {cause}{hint}")]
    Start {
        /// The program.
        command: String,
        /// The error of the operating system.
        cause: String,
        /// The kubeconfig's `installHint`.
        hint: String,
    },
    /// It failed, or printed something else than a credential.
    #[error("exec: executable {command} failed: {cause}")]
    Failed {
        /// The program.
        command: String,
        /// What is wrong.
        cause: String,
    },
}

#[derive(Deserialize)]
struct ExecCredential {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    expiration_timestamp: Option<String>,
    client_certificate_data: Option<String>,
}

// === impl ExecPlugin ===

impl ExecPlugin {
    /// The plugin of `config`, as client-go checks it.
    pub(crate) fn new(config: ExecConfig, doors: &Doors) -> Result<Self, ExecError> {
        let field = |field, cause: &str| Err(ExecError::Field { field, cause: cause.to_owned() });
        let Some(command) = config.command.clone().filter(|command| !command.is_empty()) else {
            return field("command", "it is empty; name the program");
        };
        match config.api_version.as_deref() {
            Some("client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1") => {}
            Some(other) => {
                let cause = format!("{other:?} is not client.authentication.k8s.io/v1 or v1beta1");
                return Err(ExecError::Field { field: "apiVersion", cause });
            }
            None => {
                return field("apiVersion", "it is empty; write client.authentication.k8s.io/v1");
            }
        }
        if config.interactive_mode == Some(ExecInteractiveMode::Always) {
            return field(
                "interactiveMode",
                "Always needs a terminal, and a server has none; use Never",
            );
        }
        let (clock, programs) = (doors.clock.clone(), doors.programs);
        Ok(Self { config, command, clock, programs, last: Mutex::default() })
    }

    /// The token to send now.
    pub(crate) async fn token(&self) -> Result<Arc<str>, ExecError> {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some(Credential { token, expires }) = &last.credential
            && expires.is_none_or(|expires| now < expires)
        {
            return Ok(token.clone());
        }
        if let Some((at, error)) = &last.failure
            && at.elapsed() < RUN_AGAIN
        {
            return Err(error.clone());
        }
        match self.run().await {
            Ok(credential) => {
                let token = credential.token.clone();
                *last = Last { credential: Some(credential), failure: None };
                Ok(token)
            }
            Err(error) => {
                if last.failure.as_ref().map(|(_, known)| known) != Some(&error) {
                    tracing::error!(err = %error, "Failed to get a token from the credential plugin");
                }
                last.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// A server refused the token: the plugin is run again for the next request.
    pub(crate) async fn refused(&self, token: &str) {
        let mut last = self.last.lock().await;
        last.credential.take_if(|credential| &*credential.token == token);
    }

    async fn run(&self) -> Result<Credential, ExecError> {
        let mut command = Command::new(&self.command);
        command.args(self.config.args.iter().flatten());
        for variable in self.config.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        let mut spec = json!({ "interactive": false });
        if let Some(cluster) = &self.config.cluster {
            spec["cluster"] = json!(cluster);
        }
        let info = json!({
            "apiVersion": self.config.api_version,
            "kind": "ExecCredential",
            "spec": spec,
        });
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(Stdio::null());
        let output = self.programs.output(command, LIMIT).await.map_err(|error| {
            if error.kind() == io::ErrorKind::TimedOut {
                self.failed(error.to_string())
            } else {
                self.not_started(&error)
            }
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said: String = said.trim().chars().take(500).collect();
            return Err(self.failed(format!("{}: {said}", output.status)));
        }
        let printed: ExecCredential = serde_json::from_slice(&output.stdout)
            .map_err(|error| self.failed(format!("it printed no ExecCredential: {error}")))?;
        if printed.kind != "ExecCredential"
            || Some(&printed.api_version) != self.config.api_version.as_ref()
        {
            return Err(self.failed(format!(
                "it printed {} of {}, not ExecCredential of the kubeconfig's apiVersion",
                printed.kind, printed.api_version
            )));
        }
        let status =
            printed.status.ok_or_else(|| self.failed("it printed no status".to_owned()))?;
        let Some(token) = status.token.filter(|token| !token.is_empty()) else {
            let cause = match status.client_certificate_data {
                Some(_) => "it printed a client certificate, and only tokens are supported",
                None => "it printed no token",
            };
            return Err(self.failed(cause.to_owned()));
        };
        let token = parse(token.as_bytes())
            .map_err(|cause| self.failed(format!("of its token: {cause}")))?;
        let expires = status.expiration_timestamp.map(|time| time.parse()).transpose();
        let expires = expires.map_err(|error| {
            self.failed(format!("it printed an expirationTimestamp that is no time: {error}"))
        })?;
        Ok(Credential { token, expires })
    }

    fn not_started(&self, error: &io::Error) -> ExecError {
        let hint = self
            .config
            .install_hint
            .as_deref()
            .map_or_else(String::new, |hint| format!("; {hint}"));
        ExecError::Start { command: self.command.clone(), cause: net::errno::file(error), hint }
    }

    fn failed(&self, cause: String) -> ExecError {
        ExecError::Failed { command: self.command.clone(), cause }
    }
}

#[cfg(test)]
mod tests {
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
            ("without end", r#"{"token": "$TOKEN"}"#, 1),
            ("long", r#"{"token": "$TOKEN", "expirationTimestamp": "2999-01-01T00:00:00Z"}"#, 1),
            ("over", r#"{"token": "$TOKEN", "expirationTimestamp": "2001-01-01T00:00:00Z"}"#, 3),
        ];
        for (what, status, expected) in rows {
            let _ = std::fs::remove_file(&runs);
            let plugin = plugin(&script(status)).unwrap();
            for _ in 0..3 {
                assert_eq!(&*plugin.token().await.unwrap(), "t", "{what}");
            }
            assert_eq!(count(), expected, "{what}");
            plugin.refused("t").await;
            plugin.token().await.unwrap();
            assert_eq!(count(), expected + 1, "{what}, refused");
        }
    }

    #[tokio::test]
    async fn the_error_of_a_failed_plugin_names_the_cause() {
        let rows = [
            ("exit 3".to_owned(), "exit status: 3: "),
            ("echo no >&2; exit 1".to_owned(), "exit status: 1: no"),
            ("echo no".to_owned(), "it printed no ExecCredential"),
            (printing("{}").replace("$0", "/dev/null"), "it printed no token"),
            (
                printing(r#"{"clientCertificateData": "x"}"#).replace("$0", "/dev/null"),
                "it printed a client certificate, and only tokens are supported",
            ),
            (
                printing(r#"{"token": "t", "expirationTimestamp": "soon"}"#)
                    .replace("$0", "/dev/null"),
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
}
