use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Empty;

use super::ScrapeError;
use crate::observability::USER_AGENT;

/// Where a node's kubelet is asked.
pub(super) struct Target {
    pub(super) scheme: &'static str,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

// === impl Target ===

impl Target {
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.path)
    }

    pub(super) fn request(
        &self,
        token: Option<&str>,
    ) -> Result<Request<Empty<Bytes>>, ScrapeError> {
        let bad = |_| ScrapeError::BadAddress { url: self.url() };
        let mut request = Request::get(self.path.as_str())
            .header(header::HOST, self.authority())
            .header(header::USER_AGENT, USER_AGENT)
            .body(Empty::new())
            .map_err(bad)?;
        if let Some(token) = token {
            // A token that is not fit for a header cannot be shown: the kubelet will answer 401.
            if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
                value.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
        }
        Ok(request)
    }
}
