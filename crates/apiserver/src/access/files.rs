//! CAs that flags name, read again while the server runs: they are rotated too.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use net::errno;
use tls::ca_bundle::{Bundle, BundleError};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::{Settings, authn::client_ca::ClientCaConfig};

/// The Go server's period. It is told of changes by the system as well, which not every volume
/// does.
const PERIOD: Duration = Duration::from_mins(1);

/// A file that a flag names is no good.
#[derive(Debug, thiserror::Error)]
#[error("read {} for {flag}: {cause}", file.display())]
pub struct FileError {
    flag: &'static str,
    file: PathBuf,
    cause: String,
}

/// The files that flags name.
pub(super) struct Files {
    clients: Option<PathBuf>,
    proxies: Option<PathBuf>,
}

const CLIENTS: &str = "--client-ca-file";
const PROXIES: &str = "--requestheader-client-ca-file";

// === impl Files ===

impl Files {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            clients: settings.client_ca_file.clone(),
            proxies: settings.request_header.client_ca_file.clone(),
        }
    }

    /// Reads them for the first time.
    pub(super) fn load(&self, config: &mut ClientCaConfig) -> Result<(), FileError> {
        let load = |flag, file: &Option<PathBuf>| match file {
            Some(file) => parse(flag, file, &std::fs::read_to_string(file)).map(Some),
            None => Ok(None),
        };
        config.client_ca = load(CLIENTS, &self.clients)?;
        config.request_header_ca = load(PROXIES, &self.proxies)?;
        Ok(())
    }

    /// Reads them again from time to time, for good.
    pub(super) async fn follow(&self, config: &watch::Sender<Arc<ClientCaConfig>>) {
        if self.clients.is_none() && self.proxies.is_none() {
            return std::future::pending().await;
        }
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for (flag, file) in [(CLIENTS, &self.clients), (PROXIES, &self.proxies)] {
                let Some(file) = file else { continue };
                let text = tokio::fs::read_to_string(file).await;
                if let Err(error) = update(config, flag, file, &text) {
                    let cure = "put the CAs there in PEM; those it held before count on";
                    tracing::error!(err = %error, cure, "Failed to read certificate authorities");
                }
            }
        }
    }
}

fn update(
    config: &watch::Sender<Arc<ClientCaConfig>>,
    flag: &'static str,
    file: &Path,
    text: &std::io::Result<String>,
) -> Result<(), FileError> {
    let known = {
        let config = config.borrow();
        let bundle = if flag == CLIENTS { &config.client_ca } else { &config.request_header_ca };
        matches!((bundle, text), (Some(bundle), Ok(text)) if bundle.is(text))
    };
    if known {
        return Ok(());
    }
    let bundle = Some(parse(flag, file, text)?);
    config.send_modify(|config| {
        let config = Arc::make_mut(config);
        *(if flag == CLIENTS { &mut config.client_ca } else { &mut config.request_header_ca }) =
            bundle;
    });
    tracing::info!(file = %file.display(), "Loaded certificate authorities");
    Ok(())
}

fn parse(
    flag: &'static str,
    file: &Path,
    text: &std::io::Result<String>,
) -> Result<Bundle, FileError> {
    let wrong = |cause| FileError { flag, file: file.to_owned(), cause };
    let text = text.as_ref().map_err(|error| wrong(errno::file(error)))?;
    Bundle::parse(text).map_err(|error: BundleError| wrong(error.to_string()))
}
