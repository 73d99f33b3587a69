//! DNS over TCP: each message after its length.

use std::{io, net::IpAddr, sync::Arc};

use net::{Listener, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Zone;
use crate::file::format::DnsProtocol;

/// Answers all who connect to a server.
pub async fn serve_streams(mut listener: Box<dyn Listener>, zone: Arc<Zone>, server: IpAddr) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let zone = zone.clone();
        tokio::spawn(async move {
            // The connection ends with the client, whatever the error is here.
            drop(serve(stream, &zone, server).await);
        });
    }
}

async fn serve(mut stream: Stream, zone: &Zone, server: IpAddr) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await?;
        let Some(reply) = zone.answer(server, DnsProtocol::Tcp, &query) else { continue };
        tokio::time::sleep(reply.delay).await;
        let length = u16::try_from(reply.bytes.len()).map_err(io::Error::other)?;
        stream.write_u16(length).await?;
        stream.write_all(&reply.bytes).await?;
        stream.flush().await?;
    }
}
