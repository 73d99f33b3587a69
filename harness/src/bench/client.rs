//! A client of the server under test, over one keep-alive connection.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use net::Clock;
use rustls::pki_types::ServerName;
use tls::client::{TlsOptions, client_config};
use tokio::{net::TcpStream, time::Instant};
use tokio_rustls::TlsConnector;

use super::BenchError;
use crate::world::TOKEN;

/// A connection to the server under test.
pub(super) struct Client {
    sender: SendRequest<Empty<Bytes>>,
    address: SocketAddr,
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    /// From sending the request to the end of the answer.
    pub(super) took: Duration,
}

// === impl Client ===

impl Client {
    /// Connects without verifying the server's certificate.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self, BenchError> {
        let options = TlsOptions { insecure: true, ..TlsOptions::default() };
        let tls = client_config(options, &Clock::system()).map_err(io::Error::other)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(address.ip());
        let stream = TlsConnector::from(Arc::clone(&tls)).connect(name, stream).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self { sender, address })
    }

    /// GETs `path`.
    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, BenchError> {
        let failed = |cause: String| BenchError::Request { path: path.to_owned(), cause };
        let request = Request::get(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| failed(error.to_string()))?;
        let broken = |error: hyper::Error| failed(error.to_string());
        let start = Instant::now();
        self.sender.ready().await.map_err(broken)?;
        let response = self.sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let mut incoming = response.into_body();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                body.extend_from_slice(&data);
            }
        }
        let took = start.elapsed();
        if status == StatusCode::OK {
            Ok(Answer { body, took })
        } else {
            Err(failed(format!("{status}: {}", String::from_utf8_lossy(&body))))
        }
    }
}
