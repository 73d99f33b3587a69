use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use futures::future::join;
use hickory_proto::rr::{Name, RecordType};
use tokio::time::Instant;

use super::{
    ConfigFiles, Hosts, LookupError, LookupFailure, ResolvConf,
    config_files::Config,
    exchange::{self, Question},
    lookups::{Answer, Found, Lookups},
    names,
    nsswitch::LookupOrder,
    progress::{Failed, Progress},
};
use crate::Doors;

/// Resolves host names through the doors it is given.
#[derive(Clone)]
pub struct Resolver {
    doors: Doors,
    config: Arc<Config>,
    lookups: Arc<Lookups>,
    /// How many questions there were: with the option `rotate`, each begins with the next server.
    questions: Arc<AtomicUsize>,
}

/// One lookup.
struct Asking {
    doors: Doors,
    config: Arc<ResolvConf>,
    questions: Arc<AtomicUsize>,
    progress: Arc<Progress>,
}

// === impl Resolver ===

impl Resolver {
    /// A resolver with a fixed configuration.
    pub fn new(doors: Doors, resolv_conf: ResolvConf, hosts: Hosts) -> Self {
        Self::with(doors, Config::fixed(resolv_conf, hosts))
    }

    /// A resolver that follows configuration files.
    pub fn from_files(doors: Doors, files: ConfigFiles) -> Self {
        let config = Config::open(&doors.files, files);
        Self::with(doors, config)
    }

    fn with(doors: Doors, config: Config) -> Self {
        Self {
            doors,
            config: Arc::new(config),
            lookups: Arc::new(Lookups::new()),
            questions: Arc::default(),
        }
    }

    /// The addresses of `host`, IPv4 first: at least one. An IP address resolves to itself. The
    /// lookup ends at `deadline`, with the query that was in flight then as its error. Callers with
    /// the same name within a few seconds get the same result.
    pub async fn lookup(&self, host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let (hosts, order) = (self.config.hosts(), self.config.order());
        let known = hosts.get(host);
        let asked = match order {
            LookupOrder::FilesDns | LookupOrder::Files if !known.is_empty() => {
                return Ok(known.to_vec());
            }
            LookupOrder::Files => Err(LookupError {
                name: host.to_owned(),
                server: None,
                failure: LookupFailure::NoSuchHost,
            }),
            _ => self.ask(host, self.config.resolv_conf(), deadline).await,
        };
        match asked {
            Err(_) if order == LookupOrder::DnsFiles && !known.is_empty() => Ok(known.to_vec()),
            asked => asked,
        }
    }

    async fn ask(
        &self,
        host: &str,
        config: Arc<ResolvConf>,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, LookupError> {
        let begin = |progress| {
            let (doors, questions) = (self.doors.clone(), self.questions.clone());
            Asking { doors, config, questions, progress }.ask(host.to_owned())
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
    /// Every candidate name of `host`, until one has addresses.
    async fn ask(self, host: String) -> Answer {
        let mut last = None;
        let candidates =
            if names::is_domain_name(&host) { self.config.candidates(&host) } else { Vec::new() };
        for candidate in candidates {
            if candidate == host {
                self.progress.begin_name_itself();
            }
            match self.ask_both(&candidate).await {
                Ok(found) => return Ok(Found { name: Some(candidate.into()), ..found }),
                // The error of the name as it was given counts most.
                Err(failed) if last.is_none() || candidate == host => last = Some(failed),
                Err(_) => {}
            }
        }
        let (server, failure) = last.unwrap_or((None, LookupFailure::NoSuchHost));
        Err(LookupError { name: host, server, failure })
    }

    /// A and AAAA: together, or one after the other where resolv.conf has `single-request`.
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
        let both =
            if self.config.single_request { (v4.await, v6.await) } else { join(v4, v6).await };
        match both {
            (Ok(mut v4), Ok(v6)) => {
                v4.addresses.extend(v6.addresses);
                v4.life = v4.life.min(v6.life);
                Ok(v4)
            }
            (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
            (Err(v4), Err(_)) => Err(v4),
        }
    }

    /// Every server in order, up to `attempts` times, until one knows the name.
    async fn ask_all(&self, question: &Question) -> Result<Found, Failed> {
        let config = &*self.config;
        let servers = config.servers.len();
        let first = if config.rotate { self.questions.fetch_add(1, Relaxed) } else { 0 };
        let mut last = (None, LookupFailure::NoSuchHost);
        for _ in 0..config.attempts {
            for server in config.servers.iter().cycle().skip(first % servers.max(1)).take(servers) {
                match exchange::ask(&self.doors, config, server, question, &self.progress).await {
                    Ok(found) => return Ok(found),
                    Err(failure) => last = (Some(server.clone()), failure),
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
