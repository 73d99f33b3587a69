use regex_lite::Regex;

use super::values::ValueError;

/// A pattern of origins whose pages may ask this server.
#[derive(Clone, Debug)]
pub struct Origin(Regex);

// === impl Origin ===

impl Origin {
    /// Whether the pattern is found in an `Origin` header.
    pub fn matches(&self, origin: &str) -> bool {
        self.0.is_match(origin)
    }
}

/// A pattern must say where the host begins and where it ends, or `example.com` would also be
/// found in `example.com.evil.org` (CVE-2022-1996).
pub(super) fn read_origin(text: &str) -> Result<Origin, ValueError> {
    let pattern = Regex::new(text)
        .map_err(|error| ValueError::Other(format!("it is no regular expression: {error}")))?;
    let is_pinned = (text.contains('^') || text.contains("//")) && text.contains(['$', ':']);
    if is_pinned {
        Ok(Origin(pattern))
    } else {
        let how = "pin the host at both ends, with ^ or // before it and $ or (:|$) after it";
        Err(ValueError::Other(how.to_owned()))
    }
}
