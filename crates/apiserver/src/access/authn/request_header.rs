//! Front proxy headers, which name the user of a request that came with a front proxy's
//! certificate.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, HeaderName};

use crate::access::{RequestHeaderOptions, User, percent};

/// The accepted front proxies and their headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::access) struct RequestHeaderConfig {
    /// Any, when empty.
    pub(in crate::access) allowed_names: Vec<String>,
    pub(in crate::access) username: Vec<String>,
    pub(in crate::access) uid: Vec<String>,
    pub(in crate::access) groups: Vec<String>,
    pub(in crate::access) extra_prefixes: Vec<String>,
}

/// The default headers. They are removed whatever is configured.
const STANDARD_NAMES: [&str; 3] = ["x-remote-user", "x-remote-uid", "x-remote-group"];
const STANDARD_PREFIX: &str = "x-remote-extra-";

// === impl RequestHeaderConfig ===

impl RequestHeaderConfig {
    pub(in crate::access) fn allow(&self, common_name: &str) -> bool {
        self.allowed_names.is_empty() || self.allowed_names.iter().any(|name| name == common_name)
    }

    /// The user that the headers name.
    pub(in crate::access) fn user(&self, headers: &HeaderMap) -> Option<User> {
        let first = |names: &[String]| {
            names
                .iter()
                .filter_map(|name| text(headers.get(name.trim())?.as_bytes()))
                .find(|value| !value.is_empty())
        };
        let groups = self.groups.iter().flat_map(|name| {
            let values = headers.get_all(name.trim()).into_iter();
            values.filter_map(|value| text(value.as_bytes())).filter(|value| !value.is_empty())
        });
        Some(User {
            name: first(&self.username)?,
            uid: first(&self.uid).unwrap_or_default(),
            groups: groups.collect(),
            extra: self.extra(headers),
        })
    }

    fn extra(&self, headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
        let mut extra = BTreeMap::<String, Vec<String>>::new();
        for prefix in &self.extra_prefixes {
            for (name, value) in headers {
                let (Some(key), Some(value)) = (after(name, prefix), text(value.as_bytes())) else {
                    continue;
                };
                let key = percent::decode(key).unwrap_or_else(|| key.to_owned());
                extra.entry(key).or_default().push(value);
            }
        }
        extra
    }

    /// Whether a request names a user as front proxies do by default.
    pub(in crate::access) fn names_user(headers: &HeaderMap) -> bool {
        headers.contains_key(STANDARD_NAMES[0])
    }

    /// Removes the headers that only a front proxy may set.
    pub(in crate::access) fn strip(&self, headers: &mut HeaderMap) {
        let configured = self.username.iter().chain(&self.uid).chain(&self.groups);
        for name in configured.map(String::as_str).chain(STANDARD_NAMES) {
            headers.remove(name.trim());
        }
        let prefixes = || self.extra_prefixes.iter().map(String::as_str).chain([STANDARD_PREFIX]);
        let extra: BTreeSet<String> = headers
            .keys()
            .filter(|name| prefixes().any(|prefix| after(name, prefix).is_some()))
            .map(ToString::to_string)
            .collect();
        for name in extra {
            headers.remove(name);
        }
    }
}

impl From<&RequestHeaderOptions> for RequestHeaderConfig {
    fn from(settings: &RequestHeaderOptions) -> Self {
        Self {
            allowed_names: settings.allowed_names.clone(),
            username: settings.username_headers.clone(),
            uid: settings.uid_headers.clone(),
            groups: settings.group_headers.clone(),
            extra_prefixes: settings.extra_header_prefixes.clone(),
        }
    }
}

/// The rest of a header's name after a prefix. Names are in lower case, prefixes need not be. An
/// empty prefix matches nothing, or every header would be a user's extra.
fn after<'a>(name: &'a HeaderName, prefix: &str) -> Option<&'a str> {
    let prefix = Some(prefix.trim()).filter(|prefix| !prefix.is_empty())?;
    let (start, rest) = name.as_str().split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A value that is not UTF-8 names no user: a lossy conversion could make two users one.
fn text(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().map(str::to_owned)
}
