//! The network of a sandbox: the cluster's machines in one network namespace, the metrics server's
//! pod in another, and a cable between them. Packets to an address that no machine has are lost,
//! as in a real network.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsRawFd,
    path::Path,
    process::{Command, Stdio},
};

use async_trait::async_trait;
use net::{Datagram, HostNetwork, Listener, Network, Stream};
use parking_lot::Mutex;

use crate::{file::format::FirewallRule, namespaces};

/// The cluster's end of the cable, which the pod has as its router.
const ROUTER: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

/// What a pod has beside an address of the other family.
const OTHER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 255, 254));
const OTHER_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0x10, 0x244, 0, 0, 0, 0, 6));

/// The place of the rule that finds this namespace's own addresses; a firewall's come before it.
const LOCAL: u8 = 100;
const FIREWALL: u8 = 10;

/// State of a socket that listens, in `/proc/net/tcp`.
const LISTENS: &str = "0A";

/// The namespaces and which addresses have a machine. The thread that made it is in the cluster's.
pub(super) struct SandboxNetwork {
    pod: File,
    /// The pod's.
    address: IpAddr,
    machines: Mutex<BTreeSet<IpAddr>>,
    /// The commands that have made the firewall's rules.
    firewall: Mutex<Vec<String>>,
}

// === impl SandboxNetwork ===

impl SandboxNetwork {
    /// Moves this thread into a new cluster's namespace, and lays a cable to the pod with this
    /// address.
    pub(super) fn new(pod: IpAddr) -> io::Result<Self> {
        // The handle keeps the namespace; this thread's is kept by being in it.
        drop(namespaces::leave_network()?);
        let namespace = namespaces::new_network()?;
        let with_ipv6 = has_ipv6();
        let (v4, v6) = match pod {
            IpAddr::V4(_) => (pod, OTHER_V6),
            IpAddr::V6(_) => (OTHER_V4, pod),
        };
        let here = handle_path(&namespace)?;
        let mut cluster = format!(
            "link set lo up\n\
             link add eth0 type veth peer name pod0\n\
             link set pod0 netns {here}\n\
             link set eth0 addrgenmode none\n\
             link set eth0 up\n\
             addr add {ROUTER}/32 dev eth0\n\
             route add {v4}/32 dev eth0\n\
             route add blackhole default\n"
        );
        let mut there = format!(
            "link set lo up\n\
             link set pod0 name eth0\n\
             link set eth0 addrgenmode none\n\
             link set eth0 up\n\
             addr add {v4}/32 dev eth0\n\
             route add {ROUTER}/32 dev eth0\n\
             route add default via {ROUTER} dev eth0\n"
        );
        if with_ipv6 {
            let _ = write!(
                cluster,
                "addr add fe80::1/64 dev eth0 nodad\n\
                 route add {v6}/128 via fe80::2 dev eth0\n\
                 route add blackhole ::/0\n"
            );
            let _ = write!(
                there,
                "addr add fe80::2/64 dev eth0 nodad\n\
                 addr add {v6}/128 dev eth0 nodad\n\
                 route add ::/0 via fe80::1 dev eth0\n"
            );
        }
        ip(&cluster)?;
        let families = ["-4", "-6"].into_iter().take(if with_ipv6 { 2 } else { 1 });
        for family in families {
            let rules = format!("rule add pref {LOCAL} lookup local\nrule del pref 0\n");
            ip_with(&[family], &rules)?;
        }
        namespaces::inside(&namespace, || ip(&there))?;
        let (machines, firewall) = (Mutex::default(), Mutex::default());
        Ok(Self { pod: namespace, address: pod, machines, firewall })
    }

    /// The pod's namespace.
    pub(super) fn pod(&self) -> &File {
        &self.pod
    }

    /// There are machines with these addresses: connections to closed ports there are refused.
    pub(super) fn plug(&self, addresses: impl IntoIterator<Item = IpAddr>) -> io::Result<()> {
        let mut machines = self.machines.lock();
        let new: BTreeSet<_> =
            addresses.into_iter().filter(|address| !machines.contains(address)).collect();
        let commands = new.iter().map(|address| command("add", *address));
        ip(&commands.collect::<String>())?;
        machines.extend(new);
        Ok(())
    }

    /// Removes the machine with this address: packets to it are lost from now on.
    pub(super) fn unplug(&self, address: IpAddr) -> io::Result<()> {
        if self.machines.lock().remove(&address) { ip(&command("del", address)) } else { Ok(()) }
    }

    /// Which packets from the pod are lost from now on.
    pub(super) fn set_firewall(&self, rules: &[FirewallRule]) -> io::Result<()> {
        let mut set = self.firewall.lock();
        let remove = |command: &String| command.replacen("rule add", "rule del", 1);
        ip(&set.iter().map(remove).collect::<String>())?;
        set.clear();
        let new: Vec<_> = rules.iter().flat_map(|rule| self.commands(rule)).collect();
        ip(&new.concat())?;
        *set = new;
        Ok(())
    }

    /// The kernel drops what a rule sends into a black hole, as machines here forward nothing.
    fn commands(&self, rule: &FirewallRule) -> Vec<String> {
        let from = format!("rule add pref {FIREWALL} from {}", self.address);
        let is_v4 = self.address.is_ipv4();
        let of_family = rule.to.iter().filter(|network| network.0.addr().is_ipv4() == is_v4);
        let mut all: Vec<_> = of_family.map(|network| format!("{from} to {}", network.0)).collect();
        if rule.to.is_empty() {
            all.push(from);
        }
        let protocols = ["tcp", "udp"];
        if !rule.ports.is_empty() {
            let ports = rule.ports.iter();
            let ports =
                ports.flat_map(|port| protocols.map(|it| format!(" ipproto {it} dport {port}")));
            let ports: Vec<_> = ports.collect();
            all =
                all.iter().flat_map(|it| ports.iter().map(move |port| it.clone() + port)).collect();
        }
        all.iter().map(|it| it.clone() + " blackhole\n").collect()
    }

    /// Whether something listens on a port of the pod.
    pub(super) fn pod_listens(&self, port: u16) -> io::Result<bool> {
        let tables = namespaces::inside(&self.pod, || {
            let read = |name| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
            Ok(read("tcp")? + &read("tcp6").unwrap_or_default())
        })?;
        let port = format!(":{port:04X}");
        Ok(tables.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next().is_some_and(|local| local.ends_with(&port));
            local && fields.nth(1) == Some(LISTENS)
        }))
    }
}

/// The machines' network: an address that is listened on has a machine from then on.
#[async_trait]
impl Network for SandboxNetwork {
    async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        HostNetwork.connect(to).await
    }

    async fn datagram(&self, to: SocketAddr) -> io::Result<Box<dyn Datagram>> {
        HostNetwork.datagram(to).await
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        self.plug([at.ip()])?;
        HostNetwork.listen(at).await
    }
}

/// Whether this machine's kernel has IPv6.
pub(super) fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

fn command(verb: &str, address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("addr {verb} {address}/32 dev lo\n"),
        // No other machine can have it, so duplicate address detection is not needed.
        IpAddr::V6(address) if verb == "add" => format!("addr add {address}/128 dev lo nodad\n"),
        IpAddr::V6(address) => format!("addr {verb} {address}/128 dev lo\n"),
    }
}

/// A path by which other processes of this machine find what this process has open. Where /proc is
/// that of an outer PID namespace, this process has another number in it.
fn handle_path(file: &File) -> io::Result<String> {
    let process = fs::read_link("/proc/self")?;
    Ok(format!("/proc/{}/fd/{}", process.display(), file.as_raw_fd()))
}

/// Has `ip` do all of this, in the network namespace of this thread.
fn ip(commands: &str) -> io::Result<()> {
    ip_with(&[], commands)
}

/// The same with options, such as the family of addresses.
fn ip_with(options: &[&str], commands: &str) -> io::Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    let mut child = Command::new("ip")
        .args(options)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(commands.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(io::Error::other(format!("ip: {said}")))
}
