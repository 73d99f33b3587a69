use std::{net::IpAddr, path::PathBuf, sync::Arc};

use futures::future::join;
use hickory_proto::rr::{Name, RecordType};
use tokio::time::Instant;

use super::{
    Hosts, LookupError, LookupFailure, ResolvConf,
    exchange::{self, Question},
    lookups::{Answer, Found, Lookups},
    progress::{Failed, Progress},
};
use crate::{Doors, DynamicFile, FileKind, FileSource};

const RESOLV_CONF: FileKind = FileKind {
    name: "resolver configuration",
    cure: "mount a resolv.conf there; without one, the name server is 127.0.0.1",
};
const HOSTS: FileKind =
    FileKind { name: "hosts file", cure: "mount a hosts file there, or go on without one" };

/// Resolves host names through the doors it is given.
#[derive(Clone)]
pub struct Resolver {
    doors: Doors,
    resolv_conf: DynamicFile<Arc<ResolvConf>>,
    hosts: DynamicFile<Arc<Hosts>>,
    lookups: Arc<Lookups>,
}

/// One lookup.
struct Asking {
    doors: Doors,
    resolv_conf: Arc<ResolvConf>,
    progress: Arc<Progress>,
}

/// Where the configuration comes from on a real machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The name servers: `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// Names this machine knows by itself: `/etc/hosts`.
    pub hosts: PathBuf,
}

// === impl ConfigFiles ===

impl Default for ConfigFiles {
    fn default() -> Self {
        Self { resolv_conf: "/etc/resolv.conf".into(), hosts: "/etc/hosts".into() }
    }
}

// === impl Resolver ===

impl Resolver {
    /// A resolver with a fixed configuration.
    pub fn new(doors: Doors, resolv_conf: ResolvConf, hosts: Hosts) -> Self {
        let (resolv_conf, hosts) = (Arc::new(resolv_conf), Arc::new(hosts));
        Self::with(doors, DynamicFile::fixed(resolv_conf), DynamicFile::fixed(hosts))
    }

    /// A resolver that follows configuration files. One that cannot be read at first counts as empty.
    pub fn from_files(doors: Doors, ConfigFiles { resolv_conf, hosts }: ConfigFiles) -> Self {
        let source = |path| FileSource::new("name resolution", path);
        let files = &doors.files;
        let resolv_conf =
            files.open_later(RESOLV_CONF, source(resolv_conf), Arc::default(), |text| {
                Ok(Arc::new(ResolvConf::parse(&String::from_utf8_lossy(text))))
            });
        let hosts = files.open_later(HOSTS, source(hosts), Arc::default(), |text| {
            Ok(Arc::new(Hosts::parse(&String::from_utf8_lossy(text))))
        });
        Self::with(doors, resolv_conf, hosts)
    }

    fn with(
        doors: Doors,
        resolv_conf: DynamicFile<Arc<ResolvConf>>,
        hosts: DynamicFile<Arc<Hosts>>,
    ) -> Self {
        Self { doors, resolv_conf, hosts, lookups: Arc::new(Lookups::new()) }
    }

    /// The addresses of `host`, IPv4 first: at least one. An IP address is its own answer. The
    /// lookup ends at `deadline`, with the question that was open then as its error. Those who ask
    /// for the same name within a few seconds get the same answer.
    pub async fn lookup(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let hosts = self.hosts.get();
        let known = hosts.get(host);
        if !known.is_empty() {
            return Ok(known.to_vec());
        }
        let begin = |progress| {
            let (doors, resolv_conf) = (self.doors.clone(), self.resolv_conf.get());
            Asking { doors, resolv_conf, progress }.ask(host.to_owned())
        };
        self.lookups.get(host, deadline, begin).await
    }

    /// The name that DNS last had addresses for where `host` was looked up, and these: another name
    /// than `host` where a search domain led to it.
    pub fn last_answer(&self, host: &str) -> Option<(Arc<str>, Vec<IpAddr>)> {
        self.lookups.last(host)
    }
}

// === impl Asking ===

impl Asking {
    /// Every name that `host` may stand for, until one has addresses.
    async fn ask(self, host: String) -> Answer {
        let mut last = None;
        for candidate in self.resolv_conf.candidates(&host) {
            if candidate == host {
                self.progress.begin_name_itself();
            }
            match self.ask_both(&candidate).await {
                Ok(found) => return Ok(Found { name: Some(candidate.into()), ..found }),
                // What is said of the name as it was asked for counts most.
                Err(failed) if last.is_none() || candidate == host => last = Some(failed),
                Err(_) => {}
            }
        }
        let (server, failure) = last.unwrap_or((None, LookupFailure::NoSuchHost));
        Err(LookupError { name: host, server, failure })
    }

    /// IPv4 and IPv6 at once.
    async fn ask_both(&self, name: &str) -> Result<Found, Failed> {
        let Ok(mut name) = Name::from_ascii(name) else {
            return Err((None, LookupFailure::NoSuchHost));
        };
        name.set_fqdn(true);
        let v4 = Question { name: name.clone(), kind: RecordType::A };
        let v6 = Question { name, kind: RecordType::AAAA };
        let v4 = async {
            let asked = self.ask_all(&v4).await;
            match &asked {
                Ok(found) => self.progress.found(&found.addresses),
                Err(failed) => self.progress.failed(failed.clone()),
            }
            asked
        };
        let v6 = async {
            let asked = self.ask_all(&v6).await;
            if let Ok(found) = &asked {
                self.progress.found(&found.addresses);
            }
            asked
        };
        match join(v4, v6).await {
            (Ok(mut v4), Ok(v6)) => {
                v4.addresses.extend(v6.addresses);
                v4.life = v4.life.min(v6.life);
                Ok(v4)
            }
            (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
            (Err(v4), Err(_)) => Err(v4),
        }
    }

    /// Every server in turn, as many times as configured, until one knows.
    async fn ask_all(&self, question: &Question) -> Result<Found, Failed> {
        let config = &self.resolv_conf;
        let mut last = (None, LookupFailure::NoSuchHost);
        for _ in 0..config.attempts {
            for server in &config.servers {
                let limit = Instant::now() + config.timeout;
                match exchange::ask(&self.doors, *server, question, &self.progress, limit).await {
                    Ok(found) => return Ok(found),
                    Err(failure) => last = (Some(*server), failure),
                }
                // A name that does not exist exists at no other server either.
                if last.1 == LookupFailure::NoSuchHost {
                    return Err(last);
                }
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests;
