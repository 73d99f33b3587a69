//! The generic server: listens, authenticates, authorizes and filters. What it serves is a router.

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use kube_dial::ApiClientError;
use net::{Doors, Listener, dns::Resolver};
use tokio::sync::watch;

use crate::{
    access::{self, Access, AccessError, ApiConfigs, ApiServer, ApiServers},
    audit::{Audit, AuditError, AuditOptions},
    serving::{self, FilterOptions, Filters, Secure, SecureError, SecureOptions},
};

/// What can be chosen about a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen.
    pub address: SocketAddr,
    /// Share the port with other processes (`SO_REUSEPORT`).
    pub share_port: bool,
    /// Authentication and authorization.
    pub access: access::Settings,
    /// The audit log.
    pub audit: AuditOptions,
    /// The filters before all requests.
    pub filters: FilterOptions,
    /// TLS.
    pub secure: SecureOptions,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no client for reviews.
    #[error(transparent)]
    Client(#[from] ApiClientError),
    /// Requests cannot be authenticated or authorized.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The audit log cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// TLS cannot be served.
    #[error(transparent)]
    Secure(#[from] SecureError),
    /// It cannot listen.
    #[error(
        "failed to listen on {address}: {}; choose another address with --secure-port or --bind-address",
        net::errno::describe("bind", source)
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// A server that is ready to listen.
pub struct GenericServer {
    /// Authenticates and authorizes. [`Access::follow`] keeps up with the cluster's CAs.
    pub access: Arc<Access>,
    /// The serving certificates and limits.
    pub secure: Secure,
    filters: Filters,
    address: SocketAddr,
    share_port: bool,
    doors: Doors,
}

// === impl ServerOptions ===

impl ServerOptions {
    /// The defaults of k8s.io/apiserver, with a self-signed certificate in memory.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            share_port: false,
            access: access::Settings::default(),
            audit: AuditOptions::default(),
            filters: FilterOptions::default(),
            secure: SecureOptions::default(),
        }
    }
}

// === impl GenericServer ===

impl GenericServer {
    /// A server whose reviews are answered by the API servers in `configs`: those that are not set
    /// by `own`. Requests to them carry `user_agent`.
    pub fn new(
        options: ServerOptions,
        configs: &ApiConfigs,
        own: &ApiServer,
        doors: Doors,
        resolver: &Resolver,
        user_agent: &'static str,
    ) -> Result<Self, ServerError> {
        let servers = ApiServers::new(configs, own, &doors, resolver, user_agent)?;
        let audit = Audit::new(&options.audit, &doors)?;
        Ok(Self {
            access: Access::new(&options.access, servers, &doors)?,
            secure: Secure::new(&options.secure, options.address.ip(), &doors)?,
            filters: Filters::new(options.filters, audit, &doors.random),
            address: options.address,
            share_port: options.share_port,
            doors,
        })
    }

    /// Begins to listen.
    pub async fn listen(&self) -> Result<Box<dyn Listener>, ServerError> {
        let (network, address) = (&self.doors.network, self.address);
        let listening = if self.share_port {
            network.listen_beside_others(address)
        } else {
            network.listen(address)
        };
        let listener = listening.await.map_err(|source| ServerError::Listen { address, source })?;
        if let Some(certificate) = &self.secure.generated {
            let certificate = certificate.display();
            tracing::info!(%certificate, "Generated a self-signed certificate");
        }
        tracing::info!(address = %listener.local(), "Serving securely");
        Ok(listener)
    }

    /// `router` behind the filters, authentication and authorization.
    pub fn guard(&self, router: Router) -> Router {
        self.filters.before(self.access.guard(router))
    }

    /// Serves `router` until `stop` is true, and then until the requests in flight have been
    /// answered.
    pub async fn run(self, router: Router, stop: watch::Receiver<bool>) -> Result<(), ServerError> {
        let listener = self.listen().await?;
        let router = self.guard(router);
        let Self { access, secure, .. } = self;
        let (limits, tls, observer) = (secure.limits, secure.tls.clone(), Arc::new(|_| {}));
        tokio::select! {
            biased;
            () = serving::serve_within(limits, listener, tls, router, stop, observer) => {}
            // This never ends.
            () = access.follow() => {}
        }
        Ok(())
    }
}
