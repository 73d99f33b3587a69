//! The files of the metrics server's pod.

use std::{
    collections::BTreeMap,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::super::{cluster::Cluster, pod_dns, token::AccountToken};
use crate::file::format::{Dns, ResolvConf, Spec};

/// Names are looked up in the hosts file first, then in DNS, as by every container's libc.
const NSSWITCH: &str = "hosts: files dns\n";

const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\n";
const GROUP: &str = "root:x:0:\n";

/// The pod's folder: its /etc, its service account, and where its program keeps certificates.
pub(super) struct PodFiles {
    folder: TempDir,
    dns: Dns,
}

// === impl PodFiles ===

impl PodFiles {
    /// Writes them.
    pub(super) fn new(spec: &Spec, address: IpAddr, cluster: &Cluster) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let etc = folder.path().join("etc");
        for name in ["etc", "serviceaccount", "certificates"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let said = pod_dns::PodFiles::new(&spec.dns, &spec.server, &BTreeMap::new());
        let hosts =
            format!("127.0.0.1 localhost\n::1 localhost\n{address} metrics-server\n{}", said.hosts);
        let or =
            |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let hostname = or(said.hostname, "metrics-server") + "\n";
        let nsswitch = or(said.nsswitch, NSSWITCH);
        for (name, text) in [
            ("resolv.conf", said.resolv_conf.as_str()),
            ("hosts", &hosts),
            ("hostname", &hostname),
            ("nsswitch.conf", &nsswitch),
            ("passwd", PASSWD),
            ("group", GROUP),
        ] {
            fs::write(etc.join(name), text)?;
        }
        let account = folder.path().join("serviceaccount");
        fs::write(account.join("ca.crt"), cluster.authority_pem())?;
        fs::write(account.join("namespace"), "kube-system")?;
        Ok(Self { folder, dns: spec.dns.clone() })
    }

    /// Writes the service account's token.
    pub(super) fn token(&self) -> Result<AccountToken, super::WorldError> {
        AccountToken::new(&self.folder.path().join("serviceaccount"))
    }

    /// Writes resolv.conf again, and returns it.
    pub(super) fn change_resolv_conf(&self, said: &ResolvConf) -> io::Result<String> {
        let text = pod_dns::resolv_conf(&self.dns, said, &BTreeMap::new());
        fs::write(self.folder.path().join("etc/resolv.conf"), &text)?;
        Ok(text)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the program keeps the certificate that it makes for itself.
    pub(super) fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }
}
