//! Answers to other servers' questions: whose token is this, and may they do that?

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus, UserInfo},
    authorization::v1::{
        NonResourceAttributes, ResourceAttributes, SelfSubjectAccessReview, SubjectAccessReview,
        SubjectAccessReviewSpec, SubjectAccessReviewStatus,
    },
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    authentication::{Tokens, User},
    protobuf,
    rbac::Rules,
    request::{ResourceRequest, Target},
    resources::{SELF_SUBJECT_ACCESS_REVIEWS, SUBJECT_ACCESS_REVIEWS},
    status::{FieldError, Status, json, json_response},
};

/// The audience of tokens that are for the API server itself.
const API_SERVER: &str = "https://kubernetes.default.svc.cluster.local";

/// Says whose token it is.
pub(super) fn token(tokens: &Tokens, headers: &HeaderMap, body: &[u8]) -> Result<Response, Status> {
    let mut review: TokenReview = if is_protobuf(headers)? {
        TokenReview { spec: read(protobuf::token_review(body))?, ..TokenReview::default() }
    } else {
        from_json(body)?
    };
    let TokenReviewSpec { token, audiences } = &review.spec;
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    review.status = Some(match tokens.user(token) {
        Ok(user) => TokenReviewStatus {
            authenticated: Some(true),
            user: Some(info(user)),
            audiences: audiences.clone().or_else(|| Some(vec![API_SERVER.to_owned()])),
            ..TokenReviewStatus::default()
        },
        Err(error) => TokenReviewStatus {
            user: Some(UserInfo::default()),
            error: Some(error.to_string()),
            ..TokenReviewStatus::default()
        },
    });
    Ok(created(&review))
}

/// Says whether somebody may do something.
pub(super) fn access(rules: &Rules, headers: &HeaderMap, body: &[u8]) -> Result<Response, Status> {
    let mut review: SubjectAccessReview = if is_protobuf(headers)? {
        let spec = read(protobuf::subject_access_review(body))?;
        SubjectAccessReview { spec, ..SubjectAccessReview::default() }
    } else {
        from_json(body)?
    };
    let spec = &review.spec;
    let user = user(spec);
    let mut errors =
        wrong_attributes(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    if user.name.is_empty() && user.groups.is_empty() {
        errors.push(FieldError {
            field: "spec.user",
            reason: "FieldValueInvalid",
            message: "Invalid value: \"\": at least one of user or group must be specified"
                .to_owned(),
        });
    }
    if !errors.is_empty() {
        return Err(Status::invalid(
            SUBJECT_ACCESS_REVIEWS.group,
            SUBJECT_ACCESS_REVIEWS.kind,
            errors,
        ));
    }
    let target = target(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    review.status = Some(decide(rules, &user, &target));
    Ok(created(&review))
}

/// Says whether the one who asks may do something.
pub(super) fn own_access(
    rules: &Rules,
    user: &User,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Status> {
    let mut review: SelfSubjectAccessReview = if is_protobuf(headers)? {
        // The first two members are the same ones.
        let spec = read(protobuf::subject_access_review(body))?;
        let mut review = SelfSubjectAccessReview::default();
        review.spec.resource_attributes = spec.resource_attributes;
        review.spec.non_resource_attributes = spec.non_resource_attributes;
        review
    } else {
        from_json(body)?
    };
    let spec = &review.spec;
    let errors =
        wrong_attributes(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    if !errors.is_empty() {
        let asked = &SELF_SUBJECT_ACCESS_REVIEWS;
        return Err(Status::invalid(asked.group, asked.kind, errors));
    }
    let target = target(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    review.status = Some(decide(rules, user, &target));
    Ok(created(&review))
}

fn decide(rules: &Rules, user: &User, target: &Target) -> SubjectAccessReviewStatus {
    let decision = rules.decide(user, target);
    SubjectAccessReviewStatus {
        allowed: decision.allowed,
        reason: Some(decision.reason).filter(|reason| !reason.is_empty()),
        ..SubjectAccessReviewStatus::default()
    }
}

fn wrong_attributes(
    resource: Option<&ResourceAttributes>,
    path: Option<&NonResourceAttributes>,
) -> Vec<FieldError> {
    let message = match (resource, path) {
        (Some(_), Some(_)) => "cannot be specified in combination with resourceAttributes",
        (None, None) => {
            "exactly one of nonResourceAttributes or resourceAttributes must be \
                         specified"
        }
        _ => return Vec::new(),
    };
    let field =
        if resource.is_some() { "spec.nonResourceAttributes" } else { "spec.resourceAttributes" };
    vec![FieldError {
        field,
        reason: "FieldValueInvalid",
        message: format!("Invalid value: null: {message}"),
    }]
}

fn target(resource: Option<&ResourceAttributes>, path: Option<&NonResourceAttributes>) -> Target {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match (resource, path) {
        (Some(asked), _) => Target::Resource(ResourceRequest {
            verb: text(&asked.verb),
            group: text(&asked.group),
            version: text(&asked.version),
            namespace: text(&asked.namespace),
            resource: text(&asked.resource),
            subresource: text(&asked.subresource),
            name: text(&asked.name),
        }),
        (None, asked) => Target::Path {
            verb: asked.map(|asked| text(&asked.verb)).unwrap_or_default(),
            path: asked.map(|asked| text(&asked.path)).unwrap_or_default(),
        },
    }
}

fn user(spec: &SubjectAccessReviewSpec) -> User {
    User {
        name: spec.user.clone().unwrap_or_default(),
        uid: spec.uid.clone().unwrap_or_default(),
        groups: spec.groups.clone().unwrap_or_default(),
        extra: spec.extra.clone().unwrap_or_default(),
    }
}

fn info(user: User) -> UserInfo {
    UserInfo {
        username: Some(user.name),
        uid: Some(user.uid).filter(|uid| !uid.is_empty()),
        groups: Some(user.groups),
        extra: Some(user.extra).filter(|extra| !extra.is_empty()),
    }
}

fn is_protobuf(headers: &HeaderMap) -> Result<bool, Status> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match content_type.and_then(|value| value.split(';').next()).map(str::trim) {
        None | Some("" | "application/json") => Ok(false),
        Some("application/vnd.kubernetes.protobuf") => Ok(true),
        Some(_) => Err(Status::unsupported_media_type()),
    }
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Status> {
    serde_json::from_slice(body).map_err(|error| Status::bad_request(error.to_string()))
}

fn read<T>(decoded: Result<T, protobuf::Malformed>) -> Result<T, Status> {
    decoded.map_err(|error| Status::bad_request(error.to_string()))
}

fn created(review: &impl Serialize) -> Response {
    (StatusCode::CREATED, json_response(json(review))).into_response()
}
