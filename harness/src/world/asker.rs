//! Those who ask for metrics in a scenario, and how they show who they are.

use fake_apiserver::User;
use fake_kubelet::{Subject, Validity};
use kube::Config;

use super::{Simulated, WorldError, cluster::url, people, visitor};
use crate::file::format::{Asker, Credentials};

// === impl Simulated ===

impl Simulated {
    /// How `asker` asks: the metrics server itself if `directly`, else the API server.
    pub(crate) fn client_of(
        &self,
        asker: Option<&Asker>,
        directly: bool,
    ) -> Result<kube::Client, WorldError> {
        let Some(asker) = asker else {
            return Ok(if directly { self.probe() } else { self.admin() }.clone());
        };
        let mut config = if directly { self.direct() } else { self.cluster.config("") };
        config.auth_info.token = None;
        match asker.shows.unwrap_or(Credentials::Token) {
            Credentials::Token => {
                let token = format!("{}-{}", asker.user, asker.groups.join("-"));
                let groups: Vec<_> = asker.groups.iter().map(String::as_str).collect();
                let user = User::new(asker.user.as_str(), &groups);
                self.cluster.api_server().add_token(&token, user);
                config.auth_info.token = Some(token.into());
            }
            Credentials::UnknownToken => {
                config.auth_info.token = Some("nobody-knows".to_owned().into());
            }
            Credentials::ExpiredToken => {
                let token = format!("{}-expired", asker.user);
                self.cluster.api_server().add_expired_token(&token);
                config.auth_info.token = Some(token.into());
            }
            shows @ (Credentials::Certificate | Credentials::UnknownCaCertificate) => {
                self.show_certificate(asker, shows, &mut config)?;
            }
            Credentials::Headers => {}
        }
        self.cluster.site().client(&config)
    }

    /// One who may read the metrics server's own metrics.
    pub(crate) fn scraper(&self) -> Result<kube::Client, WorldError> {
        let mut config = self.direct();
        config.auth_info.token = Some(people::ADMIN_TOKEN.to_owned().into());
        self.cluster.site().client(&config)
    }

    /// The metrics server's own certificate is self-signed: whoever asks it directly does not
    /// care.
    fn direct(&self) -> Config {
        visitor::config(url(self.server_address), None)
    }

    fn show_certificate(
        &self,
        asker: &Asker,
        shows: Credentials,
        config: &mut Config,
    ) -> Result<(), WorldError> {
        let certificates = self.cluster.certificates();
        let authority = match shows {
            Credentials::UnknownCaCertificate => certificates.unknown(),
            _ => certificates.cluster(),
        };
        let subject = Subject {
            common_name: asker.user.clone(),
            organization: asker.groups.first().cloned(),
            ..Subject::default()
        };
        let validity = Validity::year_from_an_hour_before(self.clock().now());
        let identity = authority.client(&subject, validity)?;
        visitor::show(config, &identity);
        Ok(())
    }
}
