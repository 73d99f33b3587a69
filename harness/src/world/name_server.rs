//! A name server on real sockets.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use net::Network;
use tokio::net::UdpSocket;

use super::{WorldError, task::Task};
use crate::{
    dns::{Zone, serve_streams},
    file::format::DnsProtocol,
};

/// The most that a DNS message over TCP can be.
const DNS_MESSAGE_LIMIT: usize = u16::MAX as usize;

/// Answers DNS questions over UDP and TCP, on one port of this machine, as the scenario's `server` does.
pub(super) async fn serve_names(
    network: &dyn Network,
    address: SocketAddr,
    server: IpAddr,
    zone: Arc<Zone>,
) -> Result<(Task, SocketAddr), WorldError> {
    let failed = |source| WorldError::Listen { what: "DNS", address, source };
    let tcp = network.listen(address).await.map_err(failed)?;
    let local = tcp.local();
    let udp = UdpSocket::bind(local).await.map_err(failed)?;
    let running = Task::spawn(async move {
        tokio::join!(serve_datagrams(udp, server, &zone), serve_streams(tcp, zone.clone(), server));
    });
    Ok((running, local))
}

async fn serve_datagrams(socket: UdpSocket, server: IpAddr, zone: &Zone) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0; DNS_MESSAGE_LIMIT];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        if let Some(reply) = zone.answer(server, DnsProtocol::Udp, &buffer[..length]) {
            let socket = socket.clone();
            tokio::spawn(async move {
                tokio::time::sleep(reply.delay).await;
                // A client that has closed its connection sends the query again.
                drop(socket.send_to(&reply.bytes, from).await);
            });
        }
    }
}
