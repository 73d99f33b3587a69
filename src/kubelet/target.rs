use http::{
    HeaderValue,
    uri::{Authority, PathAndQuery},
};

use super::ScrapeError;
use crate::names::USER_AGENT;

/// Where a node's kubelet is scraped.
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

    /// The bytes of a request for it.
    pub(super) fn request(&self, token: Option<&str>) -> Result<Vec<u8>, ScrapeError> {
        let authority = self.authority();
        if !self.path.starts_with('/')
            || PathAndQuery::try_from(self.path.as_str()).is_err()
            || Authority::try_from(authority.as_str()).is_err()
        {
            return Err(ScrapeError::BadAddress { url: self.url() });
        }
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\n",
            self.path
        );
        // A token that is not valid in a header cannot be sent: the kubelet will answer 401.
        if let Some(token) = token.filter(|token| HeaderValue::from_str(token).is_ok()) {
            request.extend(["Authorization: Bearer ", token, "\r\n"]);
        }
        request.push_str("\r\n");
        Ok(request.into_bytes())
    }
}
