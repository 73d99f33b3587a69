//! Where the configuration comes from, and when it is read again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Mutex, time::Instant};

use super::{Hosts, ResolvConf, nsswitch::LookupOrder};

/// Configuration files are read again when they were last read this long ago, as Go does.
const CONFIG_LIFE: Duration = Duration::from_secs(5);

/// The files that say how names are resolved. One that is not there is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigTexts {
    /// The name servers and how to ask them: `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// Names this machine knows by itself: `/etc/hosts`.
    pub hosts: String,
    /// Which of the two is asked first: `/etc/nsswitch.conf`.
    pub nsswitch: String,
    /// The name of this machine.
    pub hostname: String,
}

/// Gives the files as they are now.
#[async_trait]
pub trait ConfigSource: Send + Sync + 'static {
    /// Reads them.
    async fn read(&self) -> ConfigTexts;
}

/// The files of a real machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The name servers: `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// Names this machine knows by itself: `/etc/hosts`.
    pub hosts: PathBuf,
    /// Which of the two is asked first: `/etc/nsswitch.conf`.
    pub nsswitch: PathBuf,
    /// The machine's name.
    pub hostname: PathBuf,
}

/// What the files say.
pub(super) struct Config {
    pub(super) resolv_conf: Arc<ResolvConf>,
    pub(super) hosts: Hosts,
    pub(super) order: LookupOrder,
}

pub(super) enum Source {
    Fixed(Arc<Config>),
    Followed {
        source: Box<dyn ConfigSource>,
        /// Held while the files are read: the others who ask wait for the same.
        read: Mutex<Option<(Instant, Arc<Config>)>>,
    },
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

#[async_trait]
impl ConfigSource for ConfigFiles {
    async fn read(&self) -> ConfigTexts {
        // One character that is not UTF-8, in a comment say, does not make the rest unreadable.
        let text = async |file: &PathBuf| {
            let bytes = tokio::fs::read(file).await.unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        ConfigTexts {
            resolv_conf: text(&self.resolv_conf).await,
            hosts: text(&self.hosts).await,
            nsswitch: text(&self.nsswitch).await,
            hostname: text(&self.hostname).await.trim().to_owned(),
        }
    }
}

// === impl Source ===

impl Source {
    pub(super) fn fixed(resolv_conf: ResolvConf, hosts: Hosts) -> Self {
        let resolv_conf = Arc::new(resolv_conf);
        Self::Fixed(Arc::new(Config { resolv_conf, hosts, order: LookupOrder::FilesDns }))
    }

    pub(super) fn followed(source: impl ConfigSource) -> Self {
        Self::Followed { source: Box::new(source), read: Mutex::new(None) }
    }

    pub(super) async fn get(&self) -> Arc<Config> {
        let (source, read) = match self {
            Self::Fixed(config) => return config.clone(),
            Self::Followed { source, read } => (source, read),
        };
        let mut read = read.lock().await;
        let last = match &*read {
            Some((at, config)) if at.elapsed() < CONFIG_LIFE => return config.clone(),
            last => last.as_ref().map(|(_, config)| config.resolv_conf.clone()),
        };
        let texts = source.read().await;
        let resolv_conf = last
            .filter(|last| last.no_reload)
            .unwrap_or_else(|| Arc::new(ResolvConf::parse(&texts.resolv_conf, &texts.hostname)));
        let config = Arc::new(Config {
            resolv_conf,
            hosts: Hosts::parse(&texts.hosts),
            order: LookupOrder::parse(&texts.nsswitch),
        });
        *read = Some((Instant::now(), config.clone()));
        config
    }
}
