//! Patterns of origins for CORS.

use regex_lite::Regex;

/// A pattern of origins whose pages may send requests to this server.
#[derive(Clone, Debug)]
pub struct Origin(Regex);

/// A text that is no safe pattern.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OriginError {
    /// Not a regular expression.
    #[error("it is no regular expression: {0}")]
    Regex(#[from] regex_lite::Error),
    /// `example.com` would also be found in `example.com.evil.org` (CVE-2022-1996).
    #[error("pin the host at both ends, with ^ or // before it and $ or (:|$) after it")]
    NotPinned,
}

// === impl Origin ===

impl Origin {
    /// Parses a regular expression, which must contain where the host begins and where it ends.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let pattern = Regex::new(text)?;
        let is_pinned = (text.contains('^') || text.contains("//")) && text.contains(['$', ':']);
        if is_pinned { Ok(Self(pattern)) } else { Err(OriginError::NotPinned) }
    }

    /// Whether the pattern is found in an `Origin` header.
    pub fn matches(&self, origin: &str) -> bool {
        self.0.is_match(origin)
    }
}
