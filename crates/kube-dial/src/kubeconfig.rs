//! Kubeconfigs, as client-go reads them.

use std::path::Path;

use http::Uri;
use kube::{
    Config,
    config::{AuthInfo, Cluster, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use net::errno;

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

/// The current context of the kubeconfig `file`.
pub async fn read_kubeconfig(file: &Path) -> Result<Config, KubeconfigFileError> {
    let error = |cause| KubeconfigFileError { file: file.display().to_string(), cause };
    let kubeconfig = read(file).map_err(error)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    config.map_err(|cause| error(cause.into()))
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
    let mut kubeconfig = Kubeconfig::read_from(file).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, _) => Cause::Read(errno::file(&error)),
        error => error.into(),
    })?;
    prepare(&mut kubeconfig)?;
    Ok(kubeconfig)
}

/// Fills in and refuses what kube would understand otherwise than client-go.
fn prepare(kubeconfig: &mut Kubeconfig) -> Result<(), Cause> {
    let current = kubeconfig.current_context.clone().unwrap_or_default();
    let mut contexts = kubeconfig.contexts.iter().filter(|context| context.name == current);
    // kube's error names what is missing.
    let Some(context) = contexts.next().and_then(|named| named.context.clone()) else {
        return Ok(());
    };
    let user_name = context.user.unwrap_or_default();
    let mut users = kubeconfig.auth_infos.iter_mut().filter(|named| named.name == user_name);
    let mut user = users.next().and_then(|named| named.auth_info.as_mut());
    let has_certificate = user.as_ref().is_some_and(|user| {
        user.client_certificate.is_some() || user.client_certificate_data.is_some()
    });
    if let Some(user) = &mut user {
        prepare_user(user, &format!("users[name={user_name}].user"))?;
    }
    let mut clusters = kubeconfig.clusters.iter_mut().filter(|named| named.name == context.cluster);
    if let Some(cluster) = clusters.next().and_then(|named| named.cluster.as_mut()) {
        let path = format!("clusters[name={}].cluster", context.cluster);
        prepare_cluster(cluster, has_certificate, &path)?;
    }
    Ok(())
}

fn prepare_user(user: &mut AuthInfo, path: &str) -> Result<(), Cause> {
    let error = |field: &str, cause: &str| {
        Err(Cause::Field { field: format!("{path}.{field}"), cause: cause.to_owned() })
    };
    if user.auth_provider.is_some() {
        return error(
            "auth-provider",
            "such plugins are not supported; use exec with your provider's credential plugin, or a token",
        );
    }
    // client-go takes what is empty for missing.
    user.token.take_if(|token| secrecy::ExposeSecret::expose_secret(token).is_empty());
    user.token_file.take_if(|file| file.is_empty());
    let has_password = user.username.as_ref().is_some_and(|name| !name.is_empty());
    if has_password && (user.token.is_some() || user.token_file.is_some()) {
        return error("username", "there is a token too, and only one of both can be used");
    }
    if let Some(file) = &user.token_file
        && user.token.is_none()
        && let Err(cause) = std::fs::read(file)
    {
        let cause = format!("{file}: {}", errno::file(&cause));
        return Err(Cause::Field { field: format!("{path}.tokenFile"), cause });
    }
    Ok(())
}

fn prepare_cluster(cluster: &mut Cluster, has_certificate: bool, path: &str) -> Result<(), Cause> {
    let error =
        |field: &str, cause: String| Err(Cause::Field { field: format!("{path}.{field}"), cause });
    if let Some(proxy) = cluster.proxy_url.as_ref().filter(|proxy| !proxy.is_empty()) {
        return error(
            "proxy-url",
            format!(
                "proxies such as {proxy} are not supported; leave it out where the API server can be reached directly"
            ),
        );
    }
    // The proxies of the environment are not used; kube would read them.
    cluster.proxy_url = None;
    let server = cluster.server.as_deref().unwrap_or_default().trim();
    if server.is_empty() {
        return error("server", "it is empty; write the API server's URL".to_owned());
    }
    let has_tls = has_certificate
        || cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true);
    let url = match server.contains("://") {
        true => server.to_owned(),
        // As client-go.
        false if has_tls => format!("https://{server}"),
        false => format!("http://{server}"),
    };
    match url.parse::<Uri>() {
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            error("server", format!("{server:?} is neither http nor https"))
        }
        Ok(uri) if uri.host().is_none_or(str::is_empty) => {
            error("server", format!("{server:?} has no host"))
        }
        Ok(_) => {
            cluster.server = Some(url);
            Ok(())
        }
        Err(cause) => error("server", format!("{server:?} is no URL: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(cluster: &str, user: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {cluster}}}]\nusers: [{{name: u, user: {user}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
        );
        std::fs::write(folder.path().join("token"), "from-the-file").unwrap();
        std::fs::write(&file, text).unwrap();
        read_kubeconfig(&file).await.map_err(|error| error.cause.to_string())
    }

    #[tokio::test]
    async fn a_server_without_a_scheme_is_as_in_client_go() {
        let rows = [
            ("{server: 'https://a:1'}", "{}", "https://a:1/"),
            ("{server: 'a:1'}", "{}", "http://a:1/"),
            ("{server: 'a:1', insecure-skip-tls-verify: true}", "{}", "https://a:1/"),
            ("{server: a}", "{client-certificate-data: x}", "https://a/"),
            ("{server: 'https://a/k8s'}", "{}", "https://a/k8s"),
            ("{server: '[::1]:6443'}", "{}", "http://[::1]:6443/"),
        ];
        for (cluster, user, expected) in rows {
            let config = read(cluster, user).await.unwrap();
            assert_eq!(config.cluster_url.to_string(), expected, "{cluster}");
        }
    }

    #[tokio::test]
    async fn unsupported_kubeconfig_fields_are_named() {
        let rows = [
            (
                "{server: 'https://a', proxy-url: 'http://p'}",
                "{}",
                "clusters[name=c].cluster.proxy-url: proxies such as http://p",
            ),
            ("{server: ''}", "{}", "clusters[name=c].cluster.server: it is empty"),
            ("{}", "{}", "clusters[name=c].cluster.server: it is empty"),
            (
                "{server: 'ftp://a'}",
                "{}",
                "clusters[name=c].cluster.server: \"ftp://a\" is neither",
            ),
            ("{server: 'a b'}", "{}", "clusters[name=c].cluster.server: \"a b\" is no URL"),
            (
                "{server: 'https://'}",
                "{}",
                "clusters[name=c].cluster.server: \"https://\" is no URL",
            ),
            ("{server: '/path'}", "{}", "clusters[name=c].cluster.server: \"/path\" "),
            (
                "{server: a}",
                "{auth-provider: {name: gcp}}",
                "users[name=u].user.auth-provider: such plugins",
            ),
            (
                "{server: a}",
                "{username: u, password: p, token: t}",
                "users[name=u].user.username: there is a token",
            ),
            (
                "{server: a}",
                "{tokenFile: /nowhere}",
                "users[name=u].user.tokenFile: /nowhere: no such file",
            ),
        ];
        for (cluster, user, expected) in rows {
            let error = read(cluster, user).await.unwrap_err();
            assert!(error.starts_with(expected), "{cluster} {user}: {error}");
        }
    }

    #[tokio::test]
    async fn paths_are_relative_to_the_file() {
        let config = read("{server: a}", "{tokenFile: token}").await.unwrap();
        assert!(config.auth_info.token_file.unwrap().ends_with("/token"));
    }
}
