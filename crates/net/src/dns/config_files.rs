//! The files that configure how names are resolved.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use super::{Hosts, ResolvConf, nsswitch::LookupOrder};
use crate::{DynamicFile, FileKind, FileSource, Files};

const RESOLV_CONF: FileKind = FileKind {
    name: "resolver configuration",
    cure: "mount a resolv.conf there; without one, the name server is 127.0.0.1",
};
const HOSTS: FileKind = FileKind { name: "hosts file", cure: "make it readable" };
const NSSWITCH: FileKind =
    FileKind { name: "name service switch configuration", cure: "make it readable" };

/// Where the configuration comes from. Of these files, only resolv.conf is missed where it is not
/// there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The name servers and their options: `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// Names that need no name server: `/etc/hosts`.
    pub hosts: PathBuf,
    /// Which of the two comes first: `/etc/nsswitch.conf`.
    pub nsswitch: PathBuf,
    /// The machine's name, which does not change.
    pub hostname: PathBuf,
}

/// The parsed files.
pub(super) struct Config {
    resolv_conf: DynamicFile<Arc<ResolvConf>>,
    /// With the option `no-reload`, the first content of resolv.conf.
    kept: OnceLock<Arc<ResolvConf>>,
    hosts: DynamicFile<Arc<Hosts>>,
    order: DynamicFile<LookupOrder>,
}

// === impl ConfigFiles ===

impl Default for ConfigFiles {
    fn default() -> Self {
        Self {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            nsswitch: "/etc/nsswitch.conf".into(),
            hostname: "/proc/sys/kernel/hostname".into(),
        }
    }
}

// === impl Config ===

impl Config {
    pub(super) fn fixed(resolv_conf: ResolvConf, hosts: Hosts) -> Self {
        Self {
            resolv_conf: DynamicFile::fixed(Arc::new(resolv_conf)),
            kept: OnceLock::new(),
            hosts: DynamicFile::fixed(Arc::new(hosts)),
            order: DynamicFile::fixed(LookupOrder::FilesDns),
        }
    }

    pub(super) fn open(files: &Files, of: ConfigFiles) -> Self {
        let source = |path| FileSource::new("name resolution", path);
        // A byte that is not UTF-8, for example in a comment, does not make the rest unreadable.
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let hostname = std::fs::read(of.hostname).map(|name| text(&name)).unwrap_or_default();
        let parse = move |bytes: &[u8]| ResolvConf::parse(&text(bytes), hostname.trim());
        let initial = Arc::new(parse(&[]));
        Self {
            resolv_conf: files.open_later(RESOLV_CONF, source(of.resolv_conf), initial, {
                move |bytes| Ok(Arc::new(parse(bytes)))
            }),
            kept: OnceLock::new(),
            hosts: files.open_optional(HOSTS, source(of.hosts), Arc::default(), move |bytes| {
                Ok(Arc::new(Hosts::parse(&text(bytes))))
            }),
            order: files.open_optional(
                NSSWITCH,
                source(of.nsswitch),
                LookupOrder::FilesDns,
                move |bytes| Ok(LookupOrder::parse(&text(bytes))),
            ),
        }
    }

    pub(super) fn resolv_conf(&self) -> Arc<ResolvConf> {
        if let Some(kept) = self.kept.get() {
            return kept.clone();
        }
        let resolv_conf = self.resolv_conf.get();
        if resolv_conf.no_reload {
            return self.kept.get_or_init(|| resolv_conf).clone();
        }
        resolv_conf
    }

    pub(super) fn hosts(&self) -> Arc<Hosts> {
        self.hosts.get()
    }

    pub(super) fn order(&self) -> LookupOrder {
        self.order.get()
    }
}
