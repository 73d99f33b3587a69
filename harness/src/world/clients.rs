//! Clients of the API server and of the metrics server, and how they authenticate.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use fake_apiserver::User;
use fake_kubelet::{Identity, Subject, Validity};
use kube::Config;

use super::{
    WorldError,
    cluster::{Cluster, url},
    identities,
};
use crate::file::format::{Asker, Credentials};

/// Clients of the API server and of the metrics server of one cluster.
pub(crate) struct Clients {
    /// The administrator's, of the API server.
    pub(crate) admin: kube::Client,
    /// An anonymous one of the metrics server itself.
    pub(crate) probe: kube::Client,
    /// Where the metrics server listens.
    server: SocketAddr,
}

/// How a client of the metrics server itself authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientIdentity<'a> {
    /// Not at all.
    Anonymous,
    /// With a certificate of the cluster's CA.
    User {
        /// The user's name.
        name: &'a str,
        /// The user's group.
        group: &'a str,
    },
    /// With the API server's certificate, so that `X-Remote-*` headers are accepted.
    FrontProxy,
}

// === impl Clients ===

impl Clients {
    /// The clients of `cluster`, whose metrics server listens at `server`.
    pub(super) fn new(cluster: &Cluster, server: SocketAddr) -> Result<Self, WorldError> {
        let environment = &cluster.environment;
        Ok(Self {
            admin: environment.client(&cluster.config(identities::ADMIN_TOKEN))?,
            probe: environment.client(&direct_config(url(server)))?,
            server,
        })
    }

    /// A client of the metrics server itself.
    pub(super) fn direct(
        &self,
        cluster: &Cluster,
        identity: ClientIdentity<'_>,
    ) -> Result<kube::Client, WorldError> {
        let identity = cluster.client_certificate(identity)?;
        let mut config = direct_config(url(self.server));
        if let Some(identity) = identity {
            present(&mut config, &identity);
        }
        cluster.environment.client(&config)
    }

    /// The client of an expectation: of the metrics server itself if `directly`, else of the API
    /// server.
    pub(super) fn of(
        &self,
        cluster: &Cluster,
        asker: Option<&Asker>,
        directly: bool,
    ) -> Result<kube::Client, WorldError> {
        let Some(asker) = asker else {
            return Ok(if directly { &self.probe } else { &self.admin }.clone());
        };
        let mut config =
            if directly { direct_config(url(self.server)) } else { cluster.config("") };
        config.auth_info.token = None;
        match asker.shows.unwrap_or(Credentials::Token) {
            Credentials::Token => {
                let token = token_of(asker);
                let groups: Vec<_> = asker.groups.iter().map(String::as_str).collect();
                let user = User::new(asker.user.as_str(), &groups);
                cluster.api_server().add_token(&token, user);
                config.auth_info.token = Some(token.into());
            }
            Credentials::UnknownToken => {
                config.auth_info.token = Some("unknown-token".to_owned().into());
            }
            Credentials::ExpiredToken => {
                let token = format!("{}-expired", token_of(asker));
                cluster.api_server().add_expired_token(&token);
                config.auth_info.token = Some(token.into());
            }
            shows @ (Credentials::Certificate | Credentials::UnknownCaCertificate) => {
                present_certificate(cluster, asker, shows, &mut config)?;
            }
            Credentials::Headers => {}
        }
        cluster.environment.client(&config)
    }

    /// A client that may read the metrics server's own metrics.
    pub(super) fn metrics(&self, cluster: &Cluster) -> Result<kube::Client, WorldError> {
        let mut config = direct_config(url(self.server));
        config.auth_info.token = Some(identities::ADMIN_TOKEN.to_owned().into());
        cluster.environment.client(&config)
    }
}

fn present_certificate(
    cluster: &Cluster,
    asker: &Asker,
    shows: Credentials,
    config: &mut Config,
) -> Result<(), WorldError> {
    let certificates = cluster.certificates();
    let authority = match shows {
        Credentials::UnknownCaCertificate => certificates.unknown(),
        _ => certificates.cluster(),
    };
    let subject = Subject {
        common_name: asker.user.clone(),
        organization: asker.groups.first().cloned(),
        ..Subject::default()
    };
    let validity = Validity::year_from_an_hour_before(cluster.environment.clock.now());
    let x509 = asker.x509.unwrap_or_default();
    let identity = authority.client_in_form(&subject, validity, x509)?;
    present(config, &identity);
    Ok(())
}

/// A token for each client. Names may hold bytes that no header may, and groups more entries than
/// one should.
fn token_of(asker: &Asker) -> String {
    let mut hasher = DefaultHasher::new();
    (&asker.user, &asker.groups).hash(&mut hasher);
    format!("asker-{:016x}", hasher.finish())
}

/// For a server at `url` whose certificate is self-signed.
fn direct_config(url: http::Uri) -> Config {
    let mut config = Config::new(url);
    config.accept_invalid_certs = true;
    // Without any, all of the system's would be read, and then not used.
    config.root_cert = Some(Vec::new());
    config
}

/// Adds a client certificate.
fn present(config: &mut Config, identity: &Identity) {
    config.auth_info.client_certificate_data = Some(STANDARD.encode(identity.chain_pem()));
    config.auth_info.client_key_data = Some(STANDARD.encode(identity.key_pem()).into());
}
