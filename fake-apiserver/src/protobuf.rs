//! As much of protobuf as reviews need: Go clients post them in it.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    authentication::v1::TokenReviewSpec,
    authorization::v1::{NonResourceAttributes, ResourceAttributes, SubjectAccessReviewSpec},
};

/// What Kubernetes puts before every protobuf body.
const MAGIC: &[u8] = b"k8s\0";

/// A body that is not the protobuf it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a well-formed protobuf object")]
pub(super) struct Malformed;

/// A message's members that are strings, bytes or messages, in the order in which they came.
struct Message<'a>(Vec<(u64, &'a [u8])>);

/// The spec of a posted TokenReview.
pub(super) fn token_review(body: &[u8]) -> Result<TokenReviewSpec, Malformed> {
    let spec = spec(body)?;
    Ok(TokenReviewSpec { token: spec.text(1)?.unwrap_or_default(), audiences: spec.texts(2)? })
}

/// The spec of a posted SubjectAccessReview.
pub(super) fn subject_access_review(body: &[u8]) -> Result<SubjectAccessReviewSpec, Malformed> {
    let spec = spec(body)?;
    let mut extra = BTreeMap::new();
    for entry in spec.messages(5)? {
        let values = entry.message(2)?.and_then(|value| value.texts(1).transpose());
        extra.insert(entry.text(1)?.unwrap_or_default(), values.transpose()?.unwrap_or_default());
    }
    Ok(SubjectAccessReviewSpec {
        resource_attributes: spec.message(1)?.map(|it| resource_attributes(&it)).transpose()?,
        non_resource_attributes: spec
            .message(2)?
            .map(|it| Ok(NonResourceAttributes { path: it.text(1)?, verb: it.text(2)? }))
            .transpose()?,
        user: spec.text(3)?,
        groups: spec.texts(4)?,
        extra: (!extra.is_empty()).then_some(extra),
        uid: spec.text(6)?,
    })
}

fn resource_attributes(message: &Message<'_>) -> Result<ResourceAttributes, Malformed> {
    Ok(ResourceAttributes {
        namespace: message.text(1)?,
        verb: message.text(2)?,
        group: message.text(3)?,
        version: message.text(4)?,
        resource: message.text(5)?,
        subresource: message.text(6)?,
        name: message.text(7)?,
        ..ResourceAttributes::default()
    })
}

/// The second member of the object within the envelope.
fn spec(body: &[u8]) -> Result<Message<'_>, Malformed> {
    let envelope = Message::read(body.strip_prefix(MAGIC).ok_or(Malformed)?)?;
    let object = envelope.message(2)?.ok_or(Malformed)?;
    object.message(2)?.ok_or(Malformed)
}

// === impl Message ===

impl<'a> Message<'a> {
    fn read(mut bytes: &'a [u8]) -> Result<Self, Malformed> {
        const VARINT: u64 = 0;
        const EIGHT_BYTES: u64 = 1;
        const SIZED: u64 = 2;
        const FOUR_BYTES: u64 = 5;
        let mut members = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            match tag & 7 {
                VARINT => drop(varint(&mut bytes)?),
                EIGHT_BYTES => drop(take(&mut bytes, 8)?),
                FOUR_BYTES => drop(take(&mut bytes, 4)?),
                SIZED => {
                    let size = usize::try_from(varint(&mut bytes)?).map_err(|_| Malformed)?;
                    members.push((tag >> 3, take(&mut bytes, size)?));
                }
                _ => return Err(Malformed),
            }
        }
        Ok(Self(members))
    }

    fn all(&self, number: u64) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(member, _)| *member == number).map(|(_, bytes)| *bytes)
    }

    fn message(&self, number: u64) -> Result<Option<Message<'a>>, Malformed> {
        self.all(number).next_back().map(Message::read).transpose()
    }

    fn messages(&self, number: u64) -> Result<Vec<Message<'a>>, Malformed> {
        self.all(number).map(Message::read).collect()
    }

    fn text(&self, number: u64) -> Result<Option<String>, Malformed> {
        self.all(number).next_back().map(text).transpose()
    }

    fn texts(&self, number: u64) -> Result<Option<Vec<String>>, Malformed> {
        let texts: Vec<String> = self.all(number).map(text).collect::<Result<_, _>>()?;
        Ok((!texts.is_empty()).then_some(texts))
    }
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = bytes.split_at_checked(size).ok_or(Malformed)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend(content);
        bytes
    }

    fn envelope(spec: &[u8]) -> Vec<u8> {
        let object = [member(1, b""), member(2, spec)].concat();
        [MAGIC.to_vec(), member(1, &member(1, b"v1")), member(2, &object)].concat()
    }

    #[test]
    fn reads_the_reviews_that_go_clients_post() {
        let body = envelope(&[member(1, b"secret"), member(2, b"a"), member(2, b"b")].concat());
        let spec = token_review(&body).unwrap();
        assert_eq!(spec.token, "secret");
        assert_eq!(spec.audiences, Some(vec!["a".to_owned(), "b".to_owned()]));

        let attributes = [member(2, b"list"), member(3, b"metrics.k8s.io"), member(5, b"nodes")];
        let extra = [member(1, b"scopes"), member(2, &member(1, b"x"))].concat();
        let spec = [member(1, &attributes.concat()), member(3, b"bob"), member(5, &extra)];
        let spec = subject_access_review(&envelope(&spec.concat())).unwrap();
        assert_eq!(spec.user.as_deref(), Some("bob"));
        assert_eq!(spec.extra.unwrap()["scopes"], ["x"]);
        let attributes = spec.resource_attributes.unwrap();
        assert_eq!(attributes.verb.as_deref(), Some("list"));
        assert_eq!(attributes.group.as_deref(), Some("metrics.k8s.io"));
    }

    /// What `kubectl auth can-i list nodes` of 1.32 posts.
    #[test]
    fn reads_what_kubectl_posts() {
        let head = b"k8s\0\x0a\x32\x0a\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview";
        let object =
            b"\x12\x3e\x0a\x10\x0a\x00\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00";
        let spec = b"\x12\x20\x0a\x1e\x0a\x07default\x12\x04list\x1a\x00\x22\x00\x2a\x05nodes\x32\x00\x3a\x00";
        let status = b"\x1a\x08\x08\x00\x12\x00\x1a\x00\x20\x00\x1a\x00\x22\x00";
        let body = [&head[..], object, spec, status].concat();
        let attributes = subject_access_review(&body).unwrap().resource_attributes.unwrap();
        assert_eq!(attributes.namespace.as_deref(), Some("default"));
        assert_eq!(attributes.verb.as_deref(), Some("list"));
        assert_eq!(attributes.resource.as_deref(), Some("nodes"));
    }

    #[test]
    fn refuses_what_is_cut_short() {
        let body = envelope(&member(1, b"secret"));
        for length in 0..body.len() {
            assert_eq!(token_review(&body[..length]), Err(Malformed), "{length} bytes");
        }
    }
}
