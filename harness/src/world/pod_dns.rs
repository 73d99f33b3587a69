//! The files of the metrics server's pod that say how names are resolved.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use net::dns::{ConfigSource, ConfigTexts};

use crate::file::format::{Dns, ResolvConf, Server};

/// What the kubelet writes into the resolv.conf of a pod in kube-system.
const SEARCH: [&str; 3] = ["kube-system.svc.cluster.local", "svc.cluster.local", "cluster.local"];
const NDOTS: u8 = 5;

/// The files as they are now.
#[derive(Clone)]
pub(super) struct PodFiles(Arc<Mutex<ConfigTexts>>);

// === impl PodFiles ===

impl PodFiles {
    pub(super) fn new(dns: &Dns, server: &Server) -> Self {
        let hosts = server.hosts.iter().map(|(name, ip)| format!("{} {name}\n", ip.0));
        Self(Arc::new(Mutex::new(ConfigTexts {
            resolv_conf: resolv_conf(dns, &server.resolv_conf, &BTreeMap::new()),
            hosts: hosts.collect(),
            nsswitch: server.nsswitch.clone().unwrap_or_default(),
            hostname: server.hostname.clone().unwrap_or_default(),
        })))
    }

    /// Replaces resolv.conf.
    pub(super) fn change(&self, resolv_conf: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).resolv_conf = resolv_conf;
    }
}

#[async_trait]
impl ConfigSource for PodFiles {
    async fn read(&self) -> ConfigTexts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
