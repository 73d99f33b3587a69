//! Flags of any API server, as its parts take them.

use std::{net::SocketAddr, time::Duration};

use apiserver::{
    ServerOptions,
    access::{self, RequestHeaderOptions},
    audit::{AuditOptions, Rotation},
    serving::{FilterOptions, SecureOptions},
};

use super::{AuditFlags, Flags, GenericFlags, ServingFlags};

const MEGABYTE: u64 = 1 << 20;
const DAY: Duration = Duration::from_hours(24);

impl From<&Flags> for access::Settings {
    fn from(flags: &Flags) -> Self {
        let (authentication, authorization) = (&flags.authentication, &flags.authorization);
        Self {
            client_ca_file: authentication.client_ca_file.clone(),
            request_header: RequestHeaderOptions {
                client_ca_file: authentication.requestheader_client_ca_file.clone(),
                allowed_names: authentication.requestheader_allowed_names.concat(),
                username_headers: authentication.requestheader_username_headers.concat(),
                uid_headers: authentication.requestheader_uid_headers.concat(),
                group_headers: authentication.requestheader_group_headers.concat(),
                extra_header_prefixes: authentication.requestheader_extra_headers_prefix.concat(),
            },
            skip_lookup: authentication.authentication_skip_lookup,
            token_ttl: authentication.authentication_token_webhook_cache_ttl,
            always_allow_paths: authorization.authorization_always_allow_paths.concat(),
            authorized_ttl: authorization.authorization_webhook_cache_authorized_ttl,
            unauthorized_ttl: authorization.authorization_webhook_cache_unauthorized_ttl,
            max_requests_in_flight: flags.generic.max_requests_inflight,
            max_mutating_requests_in_flight: flags.generic.max_mutating_requests_inflight,
        }
    }
}

impl Flags {
    /// What the generic server takes, for a server at `address`.
    pub fn server_options(&self, address: SocketAddr) -> ServerOptions {
        ServerOptions {
            address,
            share_port: self.serving.permit_port_sharing,
            access: self.into(),
            audit: (&self.audit).into(),
            filters: (&self.generic).into(),
            secure: (&self.serving).into(),
        }
    }
}

impl From<&AuditFlags> for AuditOptions {
    /// 0 means no limit; the flags' rules refuse negative values.
    fn from(flags: &AuditFlags) -> Self {
        let limit = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        let days = |days: u64| DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
        Self {
            log_path: flags.audit_log_path.clone(),
            policy_file: flags.audit_policy_file.clone(),
            rotation: Rotation {
                full_at: limit(flags.audit_log_maxsize).map(|size| size.saturating_mul(MEGABYTE)),
                backups: limit(flags.audit_log_maxbackup)
                    .map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
                age: limit(flags.audit_log_maxage).map(days),
            },
        }
    }
}

impl From<&GenericFlags> for FilterOptions {
    fn from(flags: &GenericFlags) -> Self {
        Self {
            request_timeout: flags.request_timeout,
            allowed_origins: flags.cors_allowed_origins.concat(),
            strict_transport_security: flags.strict_transport_security_directives.concat(),
        }
    }
}

impl From<&ServingFlags> for SecureOptions {
    fn from(flags: &ServingFlags) -> Self {
        let suites = flags.tls_cipher_suites.iter().flatten();
        Self {
            cert_dir: flags.cert_dir.clone(),
            tls_cert_file: flags.tls_cert_file.clone(),
            tls_private_key_file: flags.tls_private_key_file.clone(),
            tls_sni_cert_key: flags.tls_sni_cert_key.clone(),
            tls_min_version: flags.tls_min_version,
            tls_cipher_suites: suites.filter_map(|suite| suite.suite).collect(),
            disable_http2_serving: flags.disable_http2_serving,
            http2_max_streams_per_connection: flags.http2_max_streams_per_connection,
        }
    }
}
