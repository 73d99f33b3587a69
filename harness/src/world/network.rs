//! The network of the simulated world: any address, no privileges, virtual time.
//!
//! Every machine has a network of its own, so that connections have the address they come from.
//! Packets to an address that no machine has are lost, as in a real network.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use net::{Datagram, Listener, Network, Stream};
use parking_lot::Mutex;
use tokio::{
    io::duplex,
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::task::Task;
use crate::{
    dns::{Zone, serve_streams},
    file::format::{DnsProtocol, FirewallRule},
};

/// What a connection holds in each direction before its writer has to wait: a usual TCP window.
const WINDOW: usize = 64 << 10;

/// The first port that connections come from.
const FIRST_EPHEMERAL_PORT: u16 = 45_000;

/// Linux's error for an invalid argument.
const EINVAL: i32 = 22;

/// The number of the one interface, `eth0`, that leads out of a machine.
const INTERFACE: u32 = 2;

/// All machines and what they listen on.
#[derive(Clone, Default)]
pub(super) struct Fabric(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    machines: BTreeSet<IpAddr>,
    listeners: BTreeMap<SocketAddr, mpsc::UnboundedSender<(Stream, SocketAddr)>>,
    name_servers: BTreeMap<SocketAddr, Arc<Zone>>,
    connections: u16,
    firewall: Vec<FirewallRule>,
}

/// The network as one machine sees it.
struct Machine {
    fabric: Fabric,
    address: IpAddr,
}

struct SimulatedListener {
    fabric: Fabric,
    local: SocketAddr,
    incoming: mpsc::UnboundedReceiver<(Stream, SocketAddr)>,
}

struct SimulatedDatagram {
    zone: Option<Arc<Zone>>,
    server: IpAddr,
    local: SocketAddr,
    /// What has been sent, and when it arrives.
    answers: Vec<(Instant, Vec<u8>)>,
}

// === impl Fabric ===

impl Fabric {
    /// The network of the machine with this address.
    pub(super) fn machine(&self, address: IpAddr) -> Arc<dyn Network> {
        self.0.lock().machines.insert(address);
        Arc::new(Machine { fabric: self.clone(), address })
    }

    /// Puts a DNS server at an address. One with a link-local address is on the link of `eth0`.
    pub(super) async fn serve_names(
        &self,
        mut at: SocketAddr,
        zone: Arc<Zone>,
    ) -> io::Result<Task> {
        if let SocketAddr::V6(at) = &mut at
            && at.ip().is_unicast_link_local()
        {
            at.set_scope_id(INTERFACE);
        }
        let listener = self.machine(at.ip()).listen(at).await?;
        self.0.lock().name_servers.insert(at, zone.clone());
        Ok(Task::spawn(serve_streams(listener, zone, at.ip())))
    }

    /// Which packets are lost from now on. Open connections stay.
    pub(super) fn set_firewall(&self, rules: &[FirewallRule]) {
        rules.clone_into(&mut self.0.lock().firewall);
    }

    /// Removes the machine with this address: packets to it are lost from now on.
    pub(super) fn unplug(&self, address: IpAddr) {
        let mut inner = self.0.lock();
        if !inner.listeners.keys().any(|listener| listener.ip() == address) {
            inner.machines.remove(&address);
        }
    }
}

// === impl Inner ===

impl Inner {
    fn loses(&self, from: IpAddr, to: SocketAddr) -> bool {
        self.firewall.iter().any(|rule| rule.loses(from, to))
    }

    fn ephemeral(&mut self, address: IpAddr) -> SocketAddr {
        self.connections = self.connections.wrapping_add(1) % (u16::MAX - FIRST_EPHEMERAL_PORT);
        SocketAddr::new(address, FIRST_EPHEMERAL_PORT + self.connections)
    }
}

// === impl Machine ===

#[async_trait]
impl Network for Machine {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        check_scope(to)?;
        let reached = {
            let mut inner = self.fabric.0.lock();
            let from = inner.ephemeral(self.address);
            let (near, far) = duplex(WINDOW);
            match inner.listeners.get(&to) {
                _ if inner.loses(self.address, to) => None,
                Some(listener) if listener.send((Box::new(far), from)).is_ok() => Some(near),
                _ if inner.machines.contains(&to.ip()) => {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                _ => None,
            }
        };
        match reached {
            Some(stream) => Ok(Box::new(stream)),
            None => std::future::pending().await,
        }
    }

    fn scope_id(&self, zone: &str) -> Option<u32> {
        (zone == "eth0").then_some(INTERFACE).or_else(|| zone.parse().ok())
    }

    async fn datagram(&self, to: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        check_scope(to)?;
        let mut inner = self.fabric.0.lock();
        let local = inner.ephemeral(self.address);
        let is_lost = inner.loses(self.address, to);
        let zone = inner.name_servers.get(&to).filter(|_| !is_lost).cloned();
        Ok(Box::new(SimulatedDatagram { zone, server: to.ip(), local, answers: Vec::new() }))
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let mut inner = self.fabric.0.lock();
        if inner.listeners.contains_key(&at) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        inner.machines.insert(at.ip());
        let (sender, incoming) = mpsc::unbounded_channel();
        inner.listeners.insert(at, sender);
        Ok(Box::new(SimulatedListener { fabric: self.fabric.clone(), local: at, incoming }))
    }
}

/// As in Linux, a link-local address without an interface leads nowhere.
fn check_scope(to: SocketAddr) -> io::Result<()> {
    match to {
        SocketAddr::V6(to) if to.ip().is_unicast_link_local() && to.scope_id() == 0 => {
            Err(io::Error::from_raw_os_error(EINVAL))
        }
        _ => Ok(()),
    }
}

// === impl SimulatedListener ===

#[async_trait]
impl Listener for SimulatedListener {
    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        match self.incoming.recv().await {
            Some(accepted) => Ok(accepted),
            None => std::future::pending().await,
        }
    }

    fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for SimulatedListener {
    fn drop(&mut self) {
        self.fabric.0.lock().listeners.remove(&self.local);
    }
}

// === impl SimulatedDatagram ===

#[async_trait]
impl Datagram for SimulatedDatagram {
    async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let zone = self.zone.as_ref();
        let reply = zone.and_then(|zone| zone.answer(self.server, DnsProtocol::Udp, payload));
        if let Some(reply) = reply {
            self.answers.push((Instant::now() + reply.delay, reply.bytes));
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let first = self.answers.iter().enumerate().min_by_key(|(_, (at, _))| *at);
        let Some((index, (at, _))) = first else { return std::future::pending().await };
        sleep_until(*at).await;
        Ok(self.answers.remove(index).1)
    }

    fn local(&self) -> SocketAddr {
        self.local
    }
}
