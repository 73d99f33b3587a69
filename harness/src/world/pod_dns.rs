//! The files of the metrics server's pod that configure how names are resolved.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use net::dns::ConfigFiles;

use crate::file::format::{Dns, ResolvConf, Server};

/// What the kubelet writes into the resolv.conf of a pod in kube-system.
const SEARCH: [&str; 3] = ["kube-system.svc.cluster.local", "svc.cluster.local", "cluster.local"];
const NDOTS: u8 = 5;

/// The content of the files.
pub(super) struct PodFiles {
    pub(super) resolv_conf: String,
    pub(super) hosts: String,
    pub(super) nsswitch: String,
    pub(super) hostname: String,
}

// === impl PodFiles ===

impl PodFiles {
    /// As the scenario configures it; name servers with another address on this machine are in
    /// `moved`.
    pub(super) fn new(dns: &Dns, server: &Server, moved: &BTreeMap<IpAddr, SocketAddr>) -> Self {
        let hosts = server.hosts.iter().map(|(name, ip)| format!("{} {name}\n", ip.0));
        Self {
            resolv_conf: resolv_conf(dns, &server.resolv_conf, moved),
            hosts: hosts.collect(),
            nsswitch: server.nsswitch.clone().unwrap_or_default(),
            hostname: server.hostname.clone().unwrap_or_default(),
        }
    }

    /// Writes them into a folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<ConfigFiles> {
        let files = config_files(folder);
        fs::write(&files.resolv_conf, &self.resolv_conf)?;
        fs::write(&files.hosts, &self.hosts)?;
        fs::write(&files.nsswitch, &self.nsswitch)?;
        fs::write(&files.hostname, &self.hostname)?;
        Ok(files)
    }
}

/// Where they are in a folder.
pub(super) fn config_files(folder: &Path) -> ConfigFiles {
    ConfigFiles {
        resolv_conf: folder.join("resolv.conf"),
        hosts: folder.join("hosts"),
        nsswitch: folder.join("nsswitch.conf"),
        hostname: folder.join("hostname"),
    }
}

/// A pod's resolv.conf. Servers that are elsewhere on this machine stand in `moved`.
pub(super) fn resolv_conf(
    dns: &Dns,
    said: &ResolvConf,
    moved: &BTreeMap<IpAddr, SocketAddr>,
) -> String {
    let of_dns = || dns.resolvers().map(|ip| ip.to_string()).collect();
    let servers = said.nameservers.clone().unwrap_or_else(of_dns).into_iter().map(|server| {
        let ip = server.split('%').next().and_then(|ip| ip.parse().ok());
        let here = ip.and_then(|ip: IpAddr| moved.get(&ip));
        let server = here.map_or(server, |at| format!("[{}]:{}", at.ip(), at.port()));
        format!("nameserver {server}\n")
    });
    let search = match said.search.as_deref() {
        None => format!("search {}\n", SEARCH.join(" ")),
        Some([]) => String::new(),
        Some(domains) => format!("search {}\n", domains.join(" ")),
    };
    let mut options = vec![format!("ndots:{}", said.ndots.unwrap_or(NDOTS))];
    options.extend(said.timeout.map(|timeout| format!("timeout:{}", timeout.0.as_secs())));
    options.extend(said.attempts.map(|attempts| format!("attempts:{attempts}")));
    options.extend(said.options.iter().cloned());
    format!("{}{search}options {}\n", servers.collect::<String>(), options.join(" "))
}
