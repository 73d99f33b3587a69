//! Impersonation, by the headers that `kubectl --as` sends. The user needs the verb `impersonate`
//! on the user, each group, UID and extra. An API server that proxies a request has handled and
//! removed these headers itself.

use std::fmt::Write;

use http::{HeaderMap, HeaderName};

use crate::access::{
    ANONYMOUS, AUTHENTICATED, RequestInfo, ResourceInfo, UNAUTHENTICATED, User, percent,
};

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";

/// The prefix of the user names of service accounts.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// The group and version of UIDs and extras.
const AUTHENTICATION: (&str, &str) = ("authentication.k8s.io", "v1");

/// The user to impersonate, and the permissions that this needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::access) struct Impersonation {
    user: User,
    permissions: Vec<RequestInfo>,
}

/// The user who impersonates another one: an extension of the request.
#[derive(Clone, Debug)]
pub(in crate::access) struct Requester(pub(in crate::access) User);

/// Invalid headers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::access) enum ImpersonationError {
    /// There are groups, a UID or extras, and no user.
    #[error("requested [{0}] without impersonating a user")]
    NoUser(String),
    /// A lossy conversion could make two users one.
    #[error("the header {0} is not UTF-8")]
    NotUtf8(HeaderName),
}

// === impl Impersonation ===

impl Impersonation {
    /// The requested impersonation; none without its headers.
    pub(in crate::access) fn requested(
        headers: &HeaderMap,
    ) -> Result<Option<Self>, ImpersonationError> {
        let (mut name, mut uid, mut groups, mut extra) = (None, None, Vec::new(), Vec::new());
        for (header, value) in headers {
            if !is_impersonation(header) {
                continue;
            }
            let text = std::str::from_utf8(value.as_bytes());
            let text = text.map_err(|_| ImpersonationError::NotUtf8(header.clone()))?;
            match header.as_str() {
                USER => name = name.or(Some(text)),
                UID => uid = uid.or(Some(text)),
                GROUP => groups.push(text.to_owned()),
                other => {
                    let key = other.strip_prefix(EXTRA).unwrap_or_default();
                    let key = percent::decode(key).unwrap_or_else(|| key.to_owned());
                    extra.push((key, text.to_owned()));
                }
            }
        }
        let uid = uid.filter(|uid| !uid.is_empty());
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return match references(&groups, &extra, uid) {
                references if references.is_empty() => Ok(None),
                references => Err(ImpersonationError::NoUser(references)),
            };
        };
        Ok(Some(Self::of(name, uid, groups, extra)))
    }

    fn of(
        name: &str,
        uid: Option<&str>,
        groups: Vec<String>,
        extra: Vec<(String, String)>,
    ) -> Self {
        let account = service_account(name);
        let mut permissions = vec![match account {
            Some((namespace, name)) => {
                permission(("", ""), ("serviceaccounts", ""), namespace, name)
            }
            None => permission(("", ""), ("users", ""), "", name),
        }];
        permissions
            .extend(groups.iter().map(|group| permission(("", ""), ("groups", ""), "", group)));
        permissions.extend(
            extra
                .iter()
                .map(|(key, value)| permission(AUTHENTICATION, ("userextras", key), "", value)),
        );
        permissions.extend(uid.map(|uid| permission(AUTHENTICATION, ("uids", ""), "", uid)));

        let default_groups = groups.is_empty();
        let uid = uid.unwrap_or_default().to_owned();
        let mut user = User { name: name.to_owned(), uid, groups, ..User::default() };
        if let (true, Some((namespace, _))) = (default_groups, account) {
            user.groups = vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
            ];
        }
        for (key, value) in extra {
            user.extra.entry(key).or_default().push(value);
        }
        if name == ANONYMOUS {
            if !user.is_in(UNAUTHENTICATED) {
                user.groups.push(UNAUTHENTICATED.to_owned());
            }
        } else if !user.is_in(AUTHENTICATED) && !user.is_in(UNAUTHENTICATED) {
            user.groups.push(AUTHENTICATED.to_owned());
        }
        Self { user, permissions }
    }

    /// The permissions that the user needs, all of them.
    pub(in crate::access) fn permissions(&self) -> &[RequestInfo] {
        &self.permissions
    }

    /// The impersonated user.
    pub(in crate::access) fn into_user(self) -> User {
        self.user
    }
}

/// Removes the headers.
pub(in crate::access) fn strip(headers: &mut HeaderMap) {
    let names: Vec<_> = headers.keys().filter(|name| is_impersonation(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Header names are in lower case.
fn is_impersonation(name: &HeaderName) -> bool {
    matches!(name.as_str(), USER | GROUP | UID) || name.as_str().starts_with(EXTRA)
}

/// Namespace and name of a service account.
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    let is_valid = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    is_valid.then_some((namespace, name))
}

fn permission(
    (group, version): (&str, &str),
    (resource, subresource): (&str, &str),
    namespace: &str,
    name: &str,
) -> RequestInfo {
    RequestInfo::Resource(ResourceInfo {
        verb: "impersonate".to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        name: name.to_owned(),
    })
}

/// What is requested, as Go prints the `ObjectReference`s of it.
fn references(groups: &[String], extra: &[(String, String)], uid: Option<&str>) -> String {
    let mut said = String::new();
    let api = format!("{}/{}", AUTHENTICATION.0, AUTHENTICATION.1);
    let mut one = |kind: &str, name: &str, api: &str, path: &str| {
        let space = if said.is_empty() { "" } else { " " };
        let _ = write!(said, "{space}{{{kind}  {name}  {api}  {path}}}");
    };
    for group in groups {
        one("Group", group, "", "");
    }
    for (key, value) in extra {
        one("UserExtra", value, &api, key);
    }
    if let Some(uid) = uid {
        one("UID", uid, &api, "");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(headers: &[(&str, &str)]) -> Result<Option<Impersonation>, ImpersonationError> {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        Impersonation::requested(&headers.iter().map(pair).collect())
    }

    #[test]
    fn groups_are_derived_from_the_name_where_none_are_given() {
        let cases: [(&[_], &[&str]); 6] = [
            (&[("Impersonate-User", "bob")], &["system:authenticated"]),
            (
                &[("Impersonate-User", "bob"), ("Impersonate-Group", "dev")],
                &["dev", "system:authenticated"],
            ),
            (&[("Impersonate-User", "system:anonymous")], &["system:unauthenticated"]),
            (
                &[("Impersonate-User", "system:serviceaccount:a:b")],
                &["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
            ),
            (
                &[("Impersonate-User", "system:serviceaccount:a:b"), ("Impersonate-Group", "x")],
                &["x", "system:authenticated"],
            ),
            (&[("Impersonate-User", "system:serviceaccount:a")], &["system:authenticated"]),
        ];
        for (headers, groups) in cases {
            let user = requested(headers).unwrap().unwrap().into_user();
            assert_eq!(user.groups, groups, "{headers:?}");
        }
    }

    #[test]
    fn headers_without_a_user_are_invalid() {
        let cases: [(&[_], Option<&str>); 5] = [
            (&[], None),
            (&[("Impersonate-User", "")], None),
            (&[("Impersonate-Group", "x")], Some("{Group  x    }")),
            (&[("Impersonate-Uid", "x")], Some("{UID  x  authentication.k8s.io/v1  }")),
            (
                &[("Impersonate-Group", "a"), ("Impersonate-Extra-A%2Fb", "c")],
                Some("{Group  a    } {UserExtra  c  authentication.k8s.io/v1  a/b}"),
            ),
        ];
        for (headers, said) in cases {
            let error = requested(headers).map(|none| assert_eq!(none, None)).err();
            let expected = said.map(|said| ImpersonationError::NoUser(said.to_owned()));
            assert_eq!(error, expected, "{headers:?}");
        }
    }
}
