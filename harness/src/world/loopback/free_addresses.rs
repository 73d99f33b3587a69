//! Loopback addresses that are free: other clusters may be up, and other programs.

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

/// How many blocks of addresses are tried.
const TRIES: u8 = 32;

/// Why a cluster's kubelets cannot listen on this machine.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// A program listens there.
    #[error(
        "failed to listen on {0} for a kubelet: the port is taken, also at {others} other addresses of 127.86.0.0/16 that were tried; \
         find out who listens with: ss -ltnp 'sport = :{port}', and stop that, or give the scenario's kubelets another port with kubelet.port",
        others = TRIES - 1, port = .0.port()
    )]
    Taken(SocketAddr),
    /// The machine has no such address.
    #[error(
        "failed to listen on {0} for a kubelet: this machine has no address {ip}; give it to the loopback interface, on macOS with: sudo ifconfig lo0 alias {ip}",
        ip = .0.ip()
    )]
    NoAddress(SocketAddr),
    /// The system refuses to let it listen.
    #[error("failed to listen on {address} for a kubelet: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Moves `spec` to addresses on which all its kubelets can listen, also those added later.
pub(super) async fn find_addresses(spec: &Spec, now: Timestamp) -> Result<Spec, AddressError> {
    let mut taken = None;
    for block in 0..TRIES {
        let first = Ipv4Addr::new(NET[0], NET[1], block * (u8::MAX / TRIES), 1);
        let mut moved = spec.clone();
        relocate(&mut moved, now, first);
        match first_taken(&moved).await? {
            None => return Ok(moved),
            Some(address) => taken = taken.or(Some(address)),
        }
    }
    // Only where nothing was tried is nothing taken.
    taken.map_or_else(|| Ok(spec.clone()), |address| Err(AddressError::Taken(address)))
}

/// The first address of a kubelet that is taken.
async fn first_taken(spec: &Spec) -> Result<Option<SocketAddr>, AddressError> {
    let changes = spec.steps.iter().filter_map(|step| step.change.as_ref());
    let added = changes.flat_map(|change| &change.add);
    let listens: BTreeSet<_> = spec.nodes.iter().chain(added).flat_map(Node::listen).collect();
    for address in listens {
        match TcpListener::bind(address).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(Some(address)),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                return Err(AddressError::NoAddress(address));
            }
            Err(source) => return Err(AddressError::Listen { address, source }),
        }
    }
    Ok(None)
}
