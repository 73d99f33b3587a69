//! TokenReview, SubjectAccessReview and `SelfSubjectAccessReview`.

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
    authn::{Tokens, User},
    protobuf,
    rbac::Rules,
    request_info::{RequestInfo, ResourceInfo},
    resources::{SELF_SUBJECT_ACCESS_REVIEWS, SUBJECT_ACCESS_REVIEWS},
    response::{json_response, to_json},
    status::{FieldError, Status},
};

/// The audience of tokens that are for the API server itself.
const API_SERVER: &str = "https://kubernetes.default.svc.cluster.local";

/// Answers a TokenReview.
pub(super) fn token(tokens: &Tokens, headers: &HeaderMap, body: &[u8]) -> Result<Response, Status> {
    let mut review: TokenReview = read(headers, body)?;
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

/// Answers a SubjectAccessReview.
pub(super) fn access(rules: &Rules, headers: &HeaderMap, body: &[u8]) -> Result<Response, Status> {
    let mut review: SubjectAccessReview = read(headers, body)?;
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
    let info =
        request_info(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    review.status = Some(decide(rules, &user, &info));
    Ok(created(&review))
}

/// Answers a `SelfSubjectAccessReview`.
pub(super) fn own_access(
    rules: &Rules,
    user: &User,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Status> {
    let mut review: SelfSubjectAccessReview = read(headers, body)?;
    let spec = &review.spec;
    let errors =
        wrong_attributes(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    if !errors.is_empty() {
        let asked = &SELF_SUBJECT_ACCESS_REVIEWS;
        return Err(Status::invalid(asked.group, asked.kind, errors));
    }
    let info =
        request_info(spec.resource_attributes.as_ref(), spec.non_resource_attributes.as_ref());
    review.status = Some(decide(rules, user, &info));
    Ok(created(&review))
}

fn decide(rules: &Rules, user: &User, info: &RequestInfo) -> SubjectAccessReviewStatus {
    let decision = rules.decide(user, info);
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

fn request_info(
    resource: Option<&ResourceAttributes>,
    path: Option<&NonResourceAttributes>,
) -> RequestInfo {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    match (resource, path) {
        (Some(asked), _) => RequestInfo::Resource(ResourceInfo {
            verb: text(&asked.verb),
            group: text(&asked.group),
            version: text(&asked.version),
            namespace: text(&asked.namespace),
            resource: text(&asked.resource),
            subresource: text(&asked.subresource),
            name: text(&asked.name),
        }),
        (None, asked) => RequestInfo::NonResource {
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

fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Status> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let review = match content_type.and_then(|value| value.split(';').next()).map(str::trim) {
        None | Some("" | "application/json") => serde_json::from_slice(body),
        Some(protobuf::MEDIA_TYPE) => match protobuf::decode(body) {
            Some(value) => serde_json::from_value(value),
            None => return Err(Status::bad_request("malformed protobuf")),
        },
        Some(_) => return Err(Status::unsupported_media_type()),
    };
    review.map_err(|error| Status::bad_request(error.to_string()))
}

fn created(review: &impl Serialize) -> Response {
    (StatusCode::CREATED, json_response(to_json(review))).into_response()
}
