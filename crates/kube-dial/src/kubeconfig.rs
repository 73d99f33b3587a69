//! Kubeconfigs, as client-go reads them.

use std::{collections::BTreeMap, path::Path};

use http::{HeaderValue, Uri};
use kube::{
    Config,
    config::{AuthInfo, Cluster, ExecConfig, Kubeconfig, KubeconfigError},
};
use net::{errno, proxy::Proxy};
use secrecy::{ExposeSecret, SecretString};
use tls::pem::Certificates;

use crate::{exec::V1BETA1, tls::base64};

/// A kubeconfig that cannot be used. Its source says why.
#[derive(Debug, thiserror::Error)]
#[error("failed to read kubeconfig {file:?}")]
pub struct KubeconfigFileError {
    file: String,
    #[source]
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    /// The file cannot be read.
    #[error("{0}")]
    Read(String),
    /// It is no kubeconfig, or something is missing.
    #[error(transparent)]
    Config(#[from] KubeconfigError),
    /// A field cannot be used.
    #[error("{field}: {cause}")]
    Field {
        /// The path of the field.
        field: String,
        /// What is wrong with it, and the cure.
        cause: String,
    },
}

const ONE_OF_BOTH: &str = "it and its data are both there, and only one of both can be used";

/// The current context of the kubeconfig `file`. `None` where it leads to no cluster: client-go uses
/// the pod's service account then.
pub fn read_kubeconfig(file: &Path) -> Result<Option<Config>, KubeconfigFileError> {
    read_context(file, None)
}

/// The same with another context than the current one, where one is named.
pub fn read_context(
    file: &Path,
    context: Option<&str>,
) -> Result<Option<Config>, KubeconfigFileError> {
    let config = read(file).and_then(|mut kubeconfig| {
        if let Some(context) = context {
            kubeconfig.current_context = Some(context.to_owned());
        }
        current_context(kubeconfig)
    });
    config.map_err(|cause| KubeconfigFileError { file: file.display().to_string(), cause })
}

fn read(file: &Path) -> Result<Kubeconfig, Cause> {
    // kube panics at half a character of UTF-16. What is no regular file, such as a pipe, can be read
    // only once.
    let is_cut = |bytes: Vec<u8>| {
        matches!(bytes[..], [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) && bytes.len() % 2 == 1
    };
    if file.is_file() && std::fs::read(file).is_ok_and(is_cut) {
        return Err(Cause::Read("invalid UTF-16: it ends within a character".to_owned()));
    }
    Kubeconfig::read_from(file).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, _) => Cause::Read(errno::file(&error)),
        error => error.into(),
    })
}

/// kube would make a configuration of it too, with what it finds in the environment, and by rules
/// that are not client-go's.
fn current_context(kubeconfig: Kubeconfig) -> Result<Option<Config>, Cause> {
    let Kubeconfig { api_version, kind, clusters, auth_infos, contexts, current_context, .. } =
        kubeconfig;
    for (field, value, known) in [("apiVersion", api_version, "v1"), ("kind", kind, "Config")] {
        if let Some(value) = value.filter(|value| !value.is_empty() && value != known) {
            return error(field, format!("{value:?} is not {known}"));
        }
    }
    let clusters =
        by_name("clusters", clusters.into_iter().map(|named| (named.name, named.cluster)));
    let users = by_name("users", auth_infos.into_iter().map(|named| (named.name, named.auth_info)));
    let contexts =
        by_name("contexts", contexts.into_iter().map(|named| (named.name, named.context)));
    let (mut clusters, mut users, mut contexts) = (clusters?, users?, contexts?);
    let Some(current) = current_context.filter(|name| !name.is_empty()) else { return Ok(None) };
    let Some(context) = contexts.remove(&current) else {
        return Err(KubeconfigError::LoadContext(current).into());
    };
    let context = context.unwrap_or_default();
    let Some(cluster) = clusters.remove(&context.cluster).flatten() else { return Ok(None) };
    // As client-go: without such a user, requests have no credentials.
    let name = context.user.unwrap_or_default();
    let user = users.remove(&name).flatten().unwrap_or_default();

    let at = format!("clusters[name={}].cluster", context.cluster);
    let mut config = Config::new(server(&cluster, &at)?);
    config.auth_info = usable(user, &format!("users[name={name}].user"))?;
    config.default_namespace = context.namespace.unwrap_or(config.default_namespace);
    add_cluster(&mut config, cluster, &at)?;
    Ok(Some(config))
}

fn by_name<T>(
    list: &str,
    named: impl Iterator<Item = (String, T)>,
) -> Result<BTreeMap<String, T>, Cause> {
    let mut map = BTreeMap::new();
    for (name, value) in named {
        if map.contains_key(&name) {
            return error(list, format!("duplicate name {name:?} in list"));
        }
        map.insert(name, value);
    }
    Ok(map)
}

/// The URL of the API server.
fn server(cluster: &Cluster, at: &str) -> Result<Uri, Cause> {
    let at = format!("{at}.server");
    let server = cluster.server.as_deref().unwrap_or_default().trim();
    if server.is_empty() {
        return error(&at, "it is empty; write the API server's URL");
    }
    // Errors quote it.
    let address = server.split_once("://").map_or(server, |(_, address)| address);
    if address.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')) {
        return error(
            &at,
            "it has a user name or password, which is not supported; use the user's token or client certificate",
        );
    }
    // As client-go, whatever else the kubeconfig says.
    let url = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    match url.parse::<Uri>() {
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            error(&at, format!("{server:?} is neither http nor https"))
        }
        Ok(uri) if uri.host().is_none_or(str::is_empty) => {
            error(&at, format!("{server:?} has no host"))
        }
        Ok(uri) => Ok(uri),
        Err(cause) => error(&at, format!("{server:?} is no URL: {cause}")),
    }
}

/// How the API server is reached, and what the user's plugin gets to know about it.
fn add_cluster(config: &mut Config, mut cluster: Cluster, at: &str) -> Result<(), Cause> {
    let at = |field: &str| format!("{at}.{field}");
    cluster.certificate_authority = used(cluster.certificate_authority);
    cluster.certificate_authority_data = used(cluster.certificate_authority_data);
    cluster.proxy_url.take_if(|url| url.is_empty());
    if let Some(url) = &cluster.proxy_url {
        if let Err(cause) = url.parse::<Proxy>() {
            return error(&at("proxy-url"), cause.to_string());
        }
        match url.parse() {
            Ok(url) => config.proxy_url = Some(url),
            Err(cause) => return error(&at("proxy-url"), format!("it is no URL: {cause}")),
        }
    }
    if config.cluster_url.scheme_str() == Some("http") {
        // Others could read credentials on the way, so client-go sends none.
        tracing::warn!(
            field = at("server"),
            server = %config.cluster_url,
            "The API server's URL is not https, so credentials are not sent to it; a URL without a scheme is http"
        );
        let user = std::mem::take(&mut config.auth_info);
        config.auth_info.impersonate = user.impersonate;
        config.auth_info.impersonate_uid = user.impersonate_uid;
        config.auth_info.impersonate_groups = user.impersonate_groups;
        config.auth_info.impersonate_user_extra = user.impersonate_user_extra;
        return Ok(());
    }
    let data = cluster.certificate_authority_data.as_deref();
    if data.is_some() && cluster.certificate_authority.is_some() {
        return error(&at("certificate-authority"), ONE_OF_BOTH);
    }
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify == Some(true);
    if config.accept_invalid_certs && (data.is_some() || cluster.certificate_authority.is_some()) {
        let cause = "there is a certificate authority too, and only one of both can be used";
        return error(&at("insecure-skip-tls-verify"), cause);
    }
    if let Some(data) = data {
        let place = at("certificate-authority-data");
        let bundle = base64(data).and_then(|pem| {
            let parsed = Certificates::parse(&pem)?;
            Ok(parsed.logged(&place).iter().map(|certificate| certificate.to_vec()).collect())
        });
        match bundle {
            Ok(bundle) => config.root_cert = Some(bundle),
            Err(cause) => return error(&place, cause),
        }
    }
    if let Some(exec) = config.auth_info.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some((&cluster).try_into()?);
    }
    config.root_cert_file = cluster.certificate_authority.map(Into::into);
    config.tls_server_name = used(cluster.tls_server_name);
    Ok(())
}

/// A user as client-go accepts it. What is empty is missing.
fn usable(mut user: AuthInfo, at: &str) -> Result<AuthInfo, Cause> {
    let at = |field: &str| format!("{at}.{field}");
    if user.auth_provider.is_some() {
        return error(
            &at("auth-provider"),
            "such plugins are not supported; use exec with your provider's credential plugin, or a token",
        );
    }
    let is_empty = |secret: &mut SecretString| secret.expose_secret().is_empty();
    user.token.take_if(is_empty);
    user.password.take_if(is_empty);
    user.client_key_data.take_if(is_empty);
    for field in [
        &mut user.token_file,
        &mut user.username,
        &mut user.client_certificate,
        &mut user.client_certificate_data,
        &mut user.client_key,
        &mut user.impersonate,
        &mut user.impersonate_uid,
    ] {
        *field = used(field.take());
    }
    let has_login = user.username.is_some() || user.password.is_some();
    if has_login && user.token.is_some() || user.username.is_some() && user.token_file.is_some() {
        return error(&at("username"), "there is a token too, and only one of both can be used");
    }
    // kube sends a user name only with a password, and client-go no password without a user name.
    match &user.username {
        Some(_) => drop(user.password.get_or_insert_default()),
        None => user.password = None,
    }
    if let Some(token) = &user.token
        && HeaderValue::from_str(token.expose_secret()).is_err()
    {
        return error(&at("token"), "it holds bytes that no HTTP header can");
    }
    if let Some(file) = &user.token_file
        && user.token.is_none()
        && let Err(cause) = std::fs::read(file)
    {
        return error(&at("tokenFile"), format!("{file}: {}", errno::file(&cause)));
    }
    if user.client_certificate.is_some() && user.client_certificate_data.is_some() {
        return error(&at("client-certificate"), ONE_OF_BOTH);
    }
    if user.client_certificate.is_none() && user.client_certificate_data.is_none() {
        (user.client_key, user.client_key_data) = (None, None);
    } else if user.client_key.is_some() && user.client_key_data.is_some() {
        return error(&at("client-key"), ONE_OF_BOTH);
    }
    let groups = user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty());
    let extra = user.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty());
    if user.impersonate.is_none() && (user.impersonate_uid.is_some() || groups || extra) {
        return error(&at("as"), "it is empty; uid, groups and extra need a user");
    }
    if let Some(exec) = &user.exec {
        check_plugin(exec, &at("exec"))?;
    }
    Ok(user)
}

fn check_plugin(exec: &ExecConfig, at: &str) -> Result<(), Cause> {
    let mut names = exec.env.iter().flatten().map(|variable| variable.get("name"));
    if !names.all(|name| name.is_some_and(|name| !name.is_empty())) {
        return error(&format!("{at}.env"), "a variable has no name");
    }
    if exec.interactive_mode.is_none() && exec.api_version.as_deref() != Some(V1BETA1) {
        return error(&format!("{at}.interactiveMode"), "it is empty; write Never");
    }
    Ok(())
}

/// kube makes a file's empty name that of its folder.
fn used(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty() && !text.ends_with('/'))
}

fn error<T>(field: &str, cause: impl Into<String>) -> Result<T, Cause> {
    Err(Cause::Field { field: field.to_owned(), cause: cause.into() })
}

#[cfg(test)]
mod tests;
