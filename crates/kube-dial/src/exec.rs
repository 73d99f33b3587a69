//! Credential plugins: a program that prints a token, a client certificate, or both
//! (`users[].user.exec` of a kubeconfig).

use std::{
    fmt, io,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use ::tls::key_pair;
use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use net::{Clock, Doors, Programs};
use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use crate::credentials::parse;

pub(crate) const V1: &str = "client.authentication.k8s.io/v1";
pub(crate) const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// A plugin that takes longer is ended. client-go waits for ever.
const LIMIT: Duration = Duration::from_mins(1);

/// A plugin that failed, or whose credential was refused, is not run again before this time: each
/// start costs a process, and clients of an API server that refuses all would cause many.
const RUN_AGAIN: Duration = Duration::from_secs(5);

/// Runs a plugin, and keeps its credential until that expires.
pub(crate) struct ExecPlugin {
    config: ExecConfig,
    command: String,
    clock: Clock,
    programs: Programs,
    last: Mutex<Last>,
    /// The last client certificate, for handshakes, which cannot wait for a plugin.
    certificate: parking_lot::Mutex<Option<Arc<CertifiedKey>>>,
}

#[derive(Default)]
struct Last {
    credential: Option<Credential>,
    /// The last failure and when that was, unless it gave a credential since.
    failure: Option<(Instant, ExecError)>,
}

struct Credential {
    since: Instant,
    token: Option<Arc<str>>,
    certificate: Option<Arc<CertifiedKey>>,
    expires: Option<Timestamp>,
}

/// A plugin that cannot be used, or did not give a credential.
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
    client_key_data: Option<String>,
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
            Some(V1 | V1BETA1) => {}
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
        let (last, certificate) = (Mutex::default(), parking_lot::Mutex::default());
        Ok(Self { config, command, clock, programs, last, certificate })
    }

    /// The token to send now, if it prints one. The client certificate is up to date then, too.
    pub(crate) async fn token(&self) -> Result<Option<Arc<str>>, ExecError> {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some(Credential { token, expires, .. }) = &last.credential
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
                // The same certificate printed again is no other one: its connections stay.
                let mut known = self.certificate.lock();
                let chain =
                    |pair: &Option<Arc<CertifiedKey>>| pair.as_ref().map(|p| p.cert.clone());
                if chain(&known) != chain(&credential.certificate) {
                    known.clone_from(&credential.certificate);
                }
                drop(known);
                *last = Last { credential: Some(credential), failure: None };
                Ok(token)
            }
            Err(error) => {
                if last.failure.as_ref().map(|(_, known)| known) != Some(&error) {
                    tracing::error!(err = %error, "Failed to get a credential from the credential plugin");
                }
                last.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// A server refused the credential with this token: the plugin is run again for the next request,
    /// unless it was run just now.
    pub(crate) async fn refused(&self, token: Option<&str>) {
        let mut last = self.last.lock().await;
        last.credential.take_if(|credential| {
            credential.token.as_deref() == token && credential.since.elapsed() >= RUN_AGAIN
        });
    }

    async fn run(&self) -> Result<Credential, ExecError> {
        let mut command = Command::new(&self.command);
        command.args(self.config.args.iter().flatten());
        for variable in self.config.env.iter().flatten() {
            if let Some(name) = variable.get("name") {
                command.env(name, variable.get("value").map_or("", String::as_str));
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
        let used = |text: Option<String>| text.filter(|text| !text.is_empty());
        let token = used(status.token);
        let pair = (used(status.client_certificate_data), used(status.client_key_data));
        let certificate = match pair {
            (None, None) if token.is_none() => {
                let cause = "it printed neither a token nor a client certificate with its key";
                return Err(self.failed(cause.to_owned()));
            }
            (None, None) => None,
            (None, _) | (_, None) => {
                let cause = "it printed only a client certificate or its key, not both";
                return Err(self.failed(cause.to_owned()));
            }
            (Some(certificate), Some(key)) => {
                let pair = key_pair::parse(certificate.as_bytes(), key.as_bytes());
                let pair = pair.map_err(|malformed| {
                    self.failed(format!("of its client certificate: {}", malformed.cause))
                })?;
                Some(Arc::new(pair))
            }
        };
        let token = token.map(|token| parse(token.as_bytes())).transpose();
        let token = token.map_err(|cause| self.failed(format!("of its token: {cause}")))?;
        let expires = status.expiration_timestamp.map(|time| time.parse()).transpose();
        let expires = expires.map_err(|error| {
            self.failed(format!("it printed an expirationTimestamp that is no time: {error}"))
        })?;
        Ok(Credential { since: Instant::now(), token, certificate, expires })
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

impl ResolvesClientCert for ExecPlugin {
    /// Each request asks for the token first, and so the plugin has run before a handshake.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.certificate.lock().clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for ExecPlugin {
    /// Without what it printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecPlugin").field("command", &self.command).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
