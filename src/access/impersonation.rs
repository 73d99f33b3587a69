//! Acting as somebody else, by the headers that `kubectl --as` sends. Whoever asks needs the verb
//! `impersonate` on each thing that they want to be. An API server that passes a request on has
//! done so itself, and has taken the headers out.

use std::fmt::Write;

use http::{HeaderMap, HeaderName};

use super::{
    ANONYMOUS, AUTHENTICATED, Attributes, ResourceAttributes, UNAUTHENTICATED, User, percent,
};

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA: &str = "impersonate-extra-";

/// What starts the name of a service account as a user.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// The API that users' details belong to.
const DETAILS: (&str, &str) = ("authentication.k8s.io", "v1");

/// The wish to act as somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Impersonation {
    user: User,
    needs: Vec<Attributes>,
}

/// Who asks, where they act as somebody else: an extension of the request.
#[derive(Clone, Debug)]
pub(super) struct Requester(pub(super) User);

/// Headers that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ImpersonationError {
    /// There are groups, a UID or more, and no user.
    #[error("requested [{0}] without impersonating a user")]
    NoUser(String),
    /// Taken for text, two users could become one.
    #[error("the header {0} is not UTF-8")]
    NoText(HeaderName),
}

// === impl Impersonation ===

impl Impersonation {
    /// Whom the headers ask to act as, if anybody.
    pub(super) fn asked(headers: &HeaderMap) -> Result<Option<Self>, ImpersonationError> {
        let (mut name, mut uid, mut groups, mut extra) = (None, None, Vec::new(), Vec::new());
        for (header, value) in headers {
            if !is_of_it(header) {
                continue;
            }
            let text = std::str::from_utf8(value.as_bytes());
            let text = text.map_err(|_| ImpersonationError::NoText(header.clone()))?;
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
                said if said.is_empty() => Ok(None),
                said => Err(ImpersonationError::NoUser(said)),
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
        let mut needs = vec![match account {
            Some((namespace, name)) => need(("", ""), ("serviceaccounts", ""), namespace, name),
            None => need(("", ""), ("users", ""), "", name),
        }];
        needs.extend(groups.iter().map(|group| need(("", ""), ("groups", ""), "", group)));
        needs
            .extend(extra.iter().map(|(key, value)| need(DETAILS, ("userextras", key), "", value)));
        needs.extend(uid.map(|uid| need(DETAILS, ("uids", ""), "", uid)));

        let own = groups.is_empty();
        let uid = uid.unwrap_or_default().to_owned();
        let mut user = User { name: name.to_owned(), uid, groups, ..User::default() };
        if let (true, Some((namespace, _))) = (own, account) {
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
        Self { user, needs }
    }

    /// What whoever asks must be allowed, all of it.
    pub(super) fn needs(&self) -> &[Attributes] {
        &self.needs
    }

    /// Whom they are from then on.
    pub(super) fn into_user(self) -> User {
        self.user
    }
}

/// Takes out of a request what it says about this, for whoever handles it next.
pub(super) fn strip(headers: &mut HeaderMap) {
    let own: Vec<_> = headers.keys().filter(|name| is_of_it(name)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// Names of headers are in small letters.
fn is_of_it(name: &HeaderName) -> bool {
    matches!(name.as_str(), USER | GROUP | UID) || name.as_str().starts_with(EXTRA)
}

/// Namespace and name; nothing where it is a user like any other.
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    let is_one = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    is_one.then_some((namespace, name))
}

fn need(
    (group, version): (&str, &str),
    (resource, subresource): (&str, &str),
    namespace: &str,
    name: &str,
) -> Attributes {
    Attributes::Resource(ResourceAttributes {
        verb: "impersonate".to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        name: name.to_owned(),
    })
}

/// The wishes, as Go prints the `ObjectReference`s that its library makes of them.
fn references(groups: &[String], extra: &[(String, String)], uid: Option<&str>) -> String {
    let mut said = String::new();
    let api = format!("{}/{}", DETAILS.0, DETAILS.1);
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

    fn asked(headers: &[(&str, &str)]) -> Result<Option<Impersonation>, ImpersonationError> {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
        };
        Impersonation::asked(&headers.iter().map(pair).collect())
    }

    #[test]
    fn groups_follow_from_the_name_where_none_are_named() {
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
            let user = asked(headers).unwrap().unwrap().into_user();
            assert_eq!(user.groups, groups, "{headers:?}");
        }
    }

    #[test]
    fn what_comes_without_a_user_is_refused() {
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
            let error = asked(headers).map(|none| assert_eq!(none, None)).err();
            let expected = said.map(|said| ImpersonationError::NoUser(said.to_owned()));
            assert_eq!(error, expected, "{headers:?}");
        }
    }
}
