//! The resolv.conf and the hosts file of the metrics server's pod.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use net::dns::{Hosts, ResolvConf};

use super::addresses::DNS_PORT;
use crate::file::{
    format::{self, Dns},
    values::In,
};

/// Where the cluster's DNS is when a scenario does not say so.
const DEFAULT_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10));

/// What the kubelet writes into the resolv.conf of a pod in kube-system.
const SEARCH: [&str; 3] = ["kube-system.svc.cluster.local", "svc.cluster.local", "cluster.local"];
const NDOTS: usize = 5;

/// The addresses of the cluster's name servers.
pub(super) fn name_servers(dns: &Dns) -> impl Iterator<Item = IpAddr> {
    let one = dns.servers.is_empty();
    let default = one.then(|| dns.server.map_or(DEFAULT_DNS, |server| server.0));
    dns.servers.iter().map(|server| server.address.0).chain(default)
}

/// What a pod's resolv.conf says when `servers` are the cluster's DNS.
pub(super) fn pod_resolv_conf(servers: Vec<SocketAddr>, said: &format::ResolvConf) -> ResolvConf {
    let default = ResolvConf::default();
    ResolvConf {
        servers,
        search: said.search.clone().unwrap_or_else(|| SEARCH.map(str::to_owned).to_vec()),
        ndots: said.ndots.map_or(NDOTS, usize::from),
        timeout: said.timeout.map_or(default.timeout, |timeout| timeout.0),
        attempts: said.attempts.map_or(default.attempts, u32::from),
    }
}

/// The text of a resolv.conf. Ports stand only where they are not DNS's own.
pub(super) fn resolv_conf_text(conf: &ResolvConf) -> String {
    let server = |at: &SocketAddr| match at.port() {
        DNS_PORT => format!("nameserver {}\n", at.ip()),
        port => format!("nameserver [{}]:{port}\n", at.ip()),
    };
    let search = match conf.search.as_slice() {
        [] => String::new(),
        domains => format!("search {}\n", domains.join(" ")),
    };
    format!(
        "{}{search}options ndots:{} timeout:{} attempts:{}\n",
        conf.servers.iter().map(server).collect::<String>(),
        conf.ndots,
        conf.timeout.as_secs().max(1),
        conf.attempts
    )
}

/// What a hosts file with these names says.
pub(super) fn hosts(names: &BTreeMap<String, In<IpAddr>>) -> Hosts {
    let lines = names.iter().map(|(name, ip)| format!("{} {name}\n", ip.0));
    Hosts::parse(&lines.collect::<String>())
}
