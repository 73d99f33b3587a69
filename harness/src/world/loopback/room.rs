//! Loopback addresses on which nobody listens yet: other clusters may be up, and other programs.

use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use jiff::Timestamp;
use tokio::net::TcpListener;

use super::relocate::relocate;
use crate::file::format::{Node, Spec};

/// Far from those that other programs and distributions use.
const NET: [u8; 2] = [127, 86];

/// How many places in it are tried.
const TRIES: u8 = 32;

/// Why there is no place for a cluster's kubelets.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// A program listens there.
    #[error(
        "listen on {0} for a kubelet: the port is taken, also at {others} other addresses of 127.86.0.0/16 that were tried; \
         find out who listens with: ss -ltnp 'sport = :{port}', and stop that, or give the scenario's kubelets another port with kubelet.port",
        others = TRIES - 1, port = .0.port()
    )]
    Taken(SocketAddr),
    /// The machine has no such address.
    #[error(
        "listen on {0} for a kubelet: this machine has no address {ip}; give it to the loopback interface, on macOS with: sudo ifconfig lo0 alias {ip}",
        ip = .0.ip()
    )]
    NoAddress(SocketAddr),
    /// The system does not let it listen.
    #[error("listen on {address} for a kubelet: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Moves `spec` to where all its kubelets can listen, those that come later included.
pub(super) async fn find_room(spec: &Spec, now: Timestamp) -> Result<Spec, RoomError> {
    let mut taken = None;
    for place in 0..TRIES {
        let first = Ipv4Addr::new(NET[0], NET[1], place * (u8::MAX / TRIES), 1);
        let mut moved = spec.clone();
        relocate(&mut moved, now, first);
        match first_taken(&moved).await? {
            None => return Ok(moved),
            Some(address) => taken = taken.or(Some(address)),
        }
    }
    // Only where nothing was tried is nothing taken.
    taken.map_or_else(|| Ok(spec.clone()), |address| Err(RoomError::Taken(address)))
}

/// The first address of a kubelet on which somebody listens.
async fn first_taken(spec: &Spec) -> Result<Option<SocketAddr>, RoomError> {
    let changes = spec.steps.iter().filter_map(|step| step.change.as_ref());
    let added = changes.flat_map(|change| &change.add);
    let listens: BTreeSet<_> = spec.nodes.iter().chain(added).flat_map(Node::listen).collect();
    for address in listens {
        match TcpListener::bind(address).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(Some(address)),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                return Err(RoomError::NoAddress(address));
            }
            Err(source) => return Err(RoomError::Listen { address, source }),
        }
    }
    Ok(None)
}
