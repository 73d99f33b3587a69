//! A client that inspects a server's TLS.

use std::sync::Arc;

use rustls::{
    CipherSuite, ClientConfig, ProtocolVersion, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName},
};
use tls::{provider, x509::AcceptAny};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How a client begins.
pub(super) struct Hello<'a> {
    pub(super) name: &'a str,
    /// Any, when none is named.
    pub(super) version: Option<&'static SupportedProtocolVersion>,
    pub(super) protocols: &'a [&'a str],
}

/// What came of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) version: ProtocolVersion,
    pub(super) suite: CipherSuite,
    pub(super) protocol: Option<String>,
}

// === impl Hello ===

impl Default for Hello<'_> {
    fn default() -> Self {
        Self { name: "localhost", version: None, protocols: &[] }
    }
}

impl Hello<'_> {
    /// For a connection that is made by other means.
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        let versions = self.version.map(|only| vec![only]);
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions.as_deref().unwrap_or(rustls::ALL_VERSIONS))
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAny))
            .with_no_client_auth();
        config.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().into()).collect();
        Arc::new(config)
    }

    async fn connect(&self, address: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(self.name.to_owned()).unwrap();
        TlsConnector::from(self.config()).connect(name, stream).await
    }

    /// The result of a handshake with the server at `address`.
    pub(super) fn shown(&self, address: &str) -> std::io::Result<Shown> {
        blocking(async {
            let stream = self.connect(address).await?;
            let (_, tls) = stream.get_ref();
            Ok(Shown {
                certificate: tls.peer_certificates().unwrap()[0].clone().into_owned(),
                version: tls.protocol_version().unwrap(),
                suite: tls.negotiated_cipher_suite().unwrap().suite(),
                protocol: tls.alpn_protocol().map(|name| String::from_utf8(name.into()).unwrap()),
            })
        })
    }

    /// Sends something after the handshake, and reads the response: until the end, or `most` bytes.
    pub(super) fn say(&self, address: &str, words: &[u8], most: u64) -> Vec<u8> {
        blocking(async {
            let mut stream = self.connect(address).await.unwrap();
            stream.write_all(words).await.unwrap();
            let mut answer = Vec::new();
            // A response is also complete where a server closes at once without close_notify.
            let _ = stream.take(most).read_to_end(&mut answer).await;
            answer
        })
    }
}

/// Status line, headers and body of an answer over HTTP/1.1.
pub(super) fn ask(address: &str, method: &str, path: &str, headers: &str) -> String {
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
    let answer = Hello::default().say(address, request.as_bytes(), u64::MAX);
    String::from_utf8(answer).unwrap()
}

fn blocking<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}
