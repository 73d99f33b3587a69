//! Held against client-go v0.36: what its clientcmd makes of the same files.

use std::fs;

use super::*;

/// A certificate and its key, to be read but not to be used.
const CERTIFICATE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJGVENCdktBREFnRUNBaFJXK1QrRGpONVJrYkhIOGhsQVZDQWJDR01OSmpBS0JnZ3Foa2pPUFFRREFqQU0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

fn read_text(text: &str) -> Result<Option<Config>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    fs::write(folder.path().join("token"), "from-the-file").unwrap();
    fs::write(folder.path().join("ca.crt"), "no certificate yet").unwrap();
    fs::write(&file, text).unwrap();
    read_kubeconfig(&file).map_err(|error| error.cause.to_string())
}

fn read(cluster: &str, user: &str) -> Result<Config, String> {
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {cluster}}}]\nusers: [{{name: u, user: {user}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
    );
    read_text(&text).map(Option::unwrap)
}

/// What a request of this user has, a word for each.
fn shown(config: &Config) -> String {
    let user = &config.auth_info;
    let secret = |secret: &Option<SecretString>| {
        secret.as_ref().map(|secret| secret.expose_secret().to_owned())
    };
    let file = |file: &Option<String>| {
        file.as_ref().map(|file| file.rsplit('/').next().unwrap_or_default().to_owned())
    };
    let parts = [
        ("token", secret(&user.token)),
        ("tokenFile", file(&user.token_file)),
        ("username", user.username.clone()),
        ("password", secret(&user.password)),
        ("client-certificate", file(&user.client_certificate)),
        ("client-key", file(&user.client_key)),
        ("as", user.impersonate.clone()),
        ("as-uid", user.impersonate_uid.clone()),
        ("as-groups", user.impersonate_groups.as_ref().map(|groups| groups.join("+"))),
        ("extra", user.impersonate_user_extra.as_ref().map(|extra| format!("{extra:?}"))),
        ("exec", user.exec.as_ref().and_then(|exec| file(&exec.command))),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    parts.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_servers_url_is_that_of_client_go() {
    let rows = [
        ("{server: 'https://a:1'}", "{token: t}", "https://a:1/ token=t"),
        ("{server: 'HTTPS://a:1'}", "{token: t}", "https://a:1/ token=t"),
        ("{server: 'https://a/k8s'}", "{token: t}", "https://a/k8s token=t"),
        ("{server: 'https://[::1]:6443'}", "{token: t}", "https://[::1]:6443/ token=t"),
        ("{server: 'a:1'}", "{token: t}", "http://a:1/ "),
        ("{server: a}", "{client-certificate: x, client-key: y}", "http://a/ "),
        ("{server: 'a:1', insecure-skip-tls-verify: true}", "{token: t}", "http://a:1/ "),
        ("{server: 'a:1', certificate-authority: ca.crt}", "{token: t}", "http://a:1/ "),
        ("{server: '[::1]:6443'}", "{tokenFile: token}", "http://[::1]:6443/ "),
        ("{server: 'http://a:1'}", "{token: t, as: bob}", "http://a:1/ as=bob"),
        ("{server: 'http://a'}", "{username: u, password: p}", "http://a/ "),
    ];
    for (cluster, user, expected) in rows {
        let config = read(cluster, user).unwrap();
        let is_plain = expected.starts_with("http:");
        assert_eq!(format!("{} {}", config.cluster_url, shown(&config)), expected, "{cluster}");
        assert!(!(is_plain && config.root_cert_file.is_some()), "{cluster}");
    }
}

#[test]
fn clusters_are_those_of_client_go() {
    let config = read(
        "{server: 'https://a', tls-server-name: b, certificate-authority: ca.crt, proxy-url: 'socks5://p', disable-compression: true}",
        "{}",
    );
    let config = config.unwrap();
    assert_eq!(config.tls_server_name.as_deref(), Some("b"));
    assert_eq!(config.proxy_url.unwrap(), "socks5://p");
    assert!(config.root_cert_file.unwrap().ends_with("ca.crt") && config.root_cert.is_none());
    let empty = "{server: 'https://a', tls-server-name: '', certificate-authority: '', certificate-authority-data: '', proxy-url: '', insecure-skip-tls-verify: true}";
    let config = read(empty, "{}").unwrap();
    assert!(config.accept_invalid_certs && config.tls_server_name.is_none());
    assert!(config.root_cert_file.is_none() && config.root_cert.is_none());
    assert!(config.proxy_url.is_none());
}

#[test]
fn users_are_those_of_client_go() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}";
    let rows = [
        ("{}", ""),
        ("null", ""),
        ("{token: t, tokenFile: token}", "token=t tokenFile=token"),
        ("{token: t, tokenFile: nowhere}", "token=t tokenFile=nowhere"),
        ("{tokenFile: token}", "tokenFile=token"),
        ("{token: null}", ""),
        ("{token: ''}", ""),
        ("{token: ' t '}", "token= t "),
        ("{username: u, password: p}", "username=u password=p"),
        ("{username: u}", "username=u password="),
        ("{password: p}", ""),
        ("{client-certificate: c, client-key: k}", "client-certificate=c client-key=k"),
        ("{client-key: k, client-key-data: eA==}", ""),
        (
            "{client-certificate: c, client-key: k, token: t}",
            "token=t client-certificate=c client-key=k",
        ),
        ("{token: t, as: b}", "token=t as=b"),
        (
            "{as: b, as-uid: '7', as-groups: [g, h], as-user-extra: {k: [v, w]}}",
            "as=b as-uid=7 as-groups=g+h extra={\"k\": [\"v\", \"w\"]}",
        ),
        (
            "{as: '', as-uid: '', as-groups: [], tokenFile: '', client-certificate: '', client-key: ''}",
            "as-groups=",
        ),
        (exec, "exec=plugin"),
        (
            "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: plugin, args: null, env: null}",
            "exec=plugin",
        ),
        (
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: plugin, interactiveMode: IfAvailable, env: [{name: N}], installHint: h}",
            "exec=plugin",
        ),
    ];
    for (user, expected) in rows {
        let user = if user.starts_with("exec") { format!("{{{user}}}") } else { user.to_owned() };
        let config = read("{server: 'https://a'}", &user).unwrap();
        assert_eq!(shown(&config), expected, "{user}");
    }
}

#[test]
fn what_client_go_refuses_is_refused_with_the_field() {
    let both_cas = format!(
        "{{server: 'https://a', certificate-authority: ca.crt, certificate-authority-data: {CERTIFICATE}}}"
    );
    let insecure =
        "{server: 'https://a', certificate-authority: ca.crt, insecure-skip-tls-verify: true}";
    let clusters = [
        ("{server: 'https://u:secret@a:1'}", "server: it has a user name or password"),
        ("{server: ''}", "server: it is empty"),
        ("{}", "server: it is empty"),
        ("{server: 'ftp://a'}", "server: \"ftp://a\" is neither"),
        ("{server: 'a b'}", "server: \"a b\" is no URL"),
        ("{server: 'https://'}", "server: \"https://\" is no URL"),
        ("{server: '/path'}", "server: \"/path\" "),
        ("{server: 'https://a', proxy-url: 'ftp://p'}", "proxy-url: unsupported scheme \"ftp\""),
        ("{server: 'https://a', proxy-url: 'p:3128'}", "proxy-url: unsupported scheme \"\""),
        // Which client-go takes.
        (
            "{server: 'https://a', proxy-url: 'https://p'}",
            "proxy-url: unsupported scheme \"https\"",
        ),
        (&both_cas, "certificate-authority: it and its data"),
        (insecure, "insecure-skip-tls-verify: there is a certificate authority"),
        (
            "{server: 'https://a', certificate-authority-data: '!'}",
            "certificate-authority-data: it is not base64",
        ),
        (
            "{server: 'https://a', certificate-authority-data: aGk=}",
            "certificate-authority-data: it holds no PEM",
        ),
    ];
    for (cluster, expected) in clusters {
        let error = read(cluster, "{}").unwrap_err();
        assert!(error.starts_with(&format!("clusters[name=c].cluster.{expected}")), "{error}");
    }
    let exec = |fields: &str| format!("{{exec: {{command: x, {fields}}}}}");
    let v1 = "apiVersion: client.authentication.k8s.io/v1";
    let users = [
        ("{auth-provider: {name: gcp}}".to_owned(), "auth-provider: such plugins"),
        ("{username: u, password: p, token: t}".to_owned(), "username: there is a token"),
        ("{password: p, token: t}".to_owned(), "username: there is a token"),
        ("{username: u, tokenFile: token}".to_owned(), "username: there is a token"),
        ("{tokenFile: /nowhere}".to_owned(), "tokenFile: /nowhere: no such file"),
        // Which fails in Go's client with each request.
        ("{token: \"t\\n\"}".to_owned(), "token: it holds bytes"),
        (
            format!("{{client-certificate: c, client-certificate-data: {CERTIFICATE}}}"),
            "client-certificate: it and its data",
        ),
        (
            "{client-certificate: c, client-key: k, client-key-data: eA==}".to_owned(),
            "client-key: it and its data",
        ),
        ("{token: t, as-groups: [g]}".to_owned(), "as: it is empty"),
        ("{token: t, as-uid: '7'}".to_owned(), "as: it is empty"),
        ("{token: t, as-user-extra: {a: [b]}}".to_owned(), "as: it is empty"),
        (exec(v1), "exec.interactiveMode: it is empty"),
        (
            exec(&format!("{v1}, interactiveMode: Never, env: [{{value: v}}]")),
            "exec.env: a variable has no name",
        ),
    ];
    for (user, expected) in users {
        let error = read("{server: 'https://a'}", &user).unwrap_err();
        assert!(error.starts_with(&format!("users[name=u].user.{expected}")), "{user}: {error}");
    }
}

#[test]
fn contexts_lead_to_a_cluster_to_the_pods_service_account_or_nowhere() {
    let context = |fields: &str, rest: &str| {
        format!(
            "clusters: [{{name: c, cluster: {{server: 'https://a'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\ncontexts: [{{name: x, context: {{{fields}}}}}]\n{rest}"
        )
    };
    let current = "current-context: x\n";
    let here = "cluster: c, user: u";
    let rows = [
        (context(here, current), "token=t"),
        (context("cluster: c, user: u, namespace: A_B", current), "token=t"),
        (context("cluster: c", current), ""),
        (context("cluster: c, user: nobody", current), ""),
        (context(here, "current-context: x\napiVersion: v1\nunknown: field\n"), "token=t"),
        (format!("\u{feff}{}", context(here, current)), "token=t"),
        (context("cluster: nowhere, user: u", current), "service account"),
        (context(here, ""), "service account"),
        (context(here, "current-context: ''\n"), "service account"),
        (context(here, "current-context:\n"), "service account"),
        (String::new(), "service account"),
        ("# nothing\n".to_owned(), "service account"),
        ("{}".to_owned(), "service account"),
        (
            "apiVersion: v1\nkind: Config\nclusters: null\nusers: null\ncontexts: null\n"
                .to_owned(),
            "service account",
        ),
        (context(here, "current-context: y\n"), "failed to load current context: y"),
        (context(here, "current-context: x\napiVersion: v2\n"), "apiVersion: \"v2\" is not v1"),
        (context(here, "current-context: x\nkind: Pod\n"), "kind: \"Pod\" is not Config"),
        (
            context(here, current).replace("users: [", "users: [{name: u, user: {}}, "),
            "users: duplicate name \"u\" in list",
        ),
        ("[]".to_owned(), "failed to parse kubeconfig YAML"),
        ("a:\n\t- b".to_owned(), "failed to parse kubeconfig YAML"),
    ];
    for (text, expected) in rows {
        let found = match read_text(&text) {
            Ok(Some(config)) => shown(&config),
            Ok(None) => "service account".to_owned(),
            Err(error) => error,
        };
        assert!(
            found == expected || !expected.is_empty() && found.starts_with(expected),
            "{text}: {found}"
        );
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = read("{server: 'https://a', certificate-authority: ca.crt}", "{tokenFile: token}");
    let config = config.unwrap();
    assert!(config.auth_info.token_file.unwrap().ends_with("/token"));
    assert!(config.root_cert_file.unwrap().is_absolute());
}
