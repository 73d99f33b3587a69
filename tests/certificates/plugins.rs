//! Credential plugins that print client certificates.

use std::{fs, io, path::Path, sync::Arc};

use kube_dial::{ApiClient, api_client, read_kubeconfig};
use net::{
    Doors,
    dns::{Hosts, ResolvConf, Resolver},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{Certificates, KEYS, openssl_is_missing, plain_server};

/// A kubeconfig for a server on `port`, whose plugin prints the pair in the folder each time it is
/// asked, as what it printed before has expired.
fn write_kubeconfig(folder: &Path, port: u16) {
    fs::write(folder.join("plugin"), "#!/bin/sh
echo run >> runs
line() { awk '{printf \"%s\\\\n\", $0}' \"$1\"; }
printf '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"clientCertificateData\": \"%s\", \"clientKeyData\": \"%s\", \"expirationTimestamp\": \"2001-01-01T00:00:00Z\"}}' \"$(line shown.crt)\" \"$(line shown.key)\"
").unwrap();
    let folder = folder.display();
    let text = format!("
clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true}}}}]
users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/sh, args: [-c, cd {folder} && . ./plugin]}}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
");
    fs::write(format!("{folder}/kubeconfig"), text).unwrap();
}

/// Answers each request with the number of its connection, and whether `first` was shown on it.
async fn serve(listener: TcpListener, first: CertificateDer<'static>) {
    let mut number = 0;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        number += 1;
        tokio::spawn(connection(stream, number, first.clone()));
    }
}

async fn connection(
    stream: TcpStream,
    number: u32,
    first: CertificateDer<'static>,
) -> io::Result<()> {
    let mut stream = TlsAcceptor::from(plain_server()).accept(stream).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default().first().cloned();
    let which = match shown {
        None => "none",
        Some(shown) if shown == first => "first",
        Some(_) => "second",
    };
    let body = format!("{number} {which}");
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        stream.write_all(answer.as_bytes()).await?;
    }
}

async fn answer(client: &ApiClient) -> String {
    client.request_text(http::Request::get("/").body(Vec::new()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_plugins_certificate_is_shown_and_another_one_gets_another_connection() {
    if openssl_is_missing() {
        return;
    }
    let key = KEYS[0].1;
    let [first, second] = [3, 1].map(|version| Certificates::make(key, key, version, "-sha256"));
    let folder = tempfile::tempdir().unwrap();
    let print = |made: &Certificates| {
        for ending in ["crt", "key"] {
            let to = folder.path().join(format!("shown.{ending}"));
            fs::copy(made.file(&format!("leaf.{ending}")), to).unwrap();
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    write_kubeconfig(folder.path(), listener.local_addr().unwrap().port());
    let der = CertificateDer::from_pem_slice(&first.read("leaf.crt")).unwrap();
    tokio::spawn(serve(listener, der));

    print(&first);
    let config = read_kubeconfig(&folder.path().join("kubeconfig")).unwrap().unwrap();
    let doors = Doors::host();
    let resolver = Resolver::new(doors.clone(), ResolvConf::default(), Hosts::default());
    let client = Arc::new(api_client(&config, &doors, resolver, "test").unwrap());
    assert_eq!([answer(&client).await, answer(&client).await], ["1 first", "1 first"]);
    print(&second);
    assert_eq!([answer(&client).await, answer(&client).await], ["2 second", "2 second"]);
    // It was run for each, and what it prints again is no other certificate.
    assert_eq!(fs::read_to_string(folder.path().join("runs")).unwrap().lines().count(), 4);
}
