//! Objects written over HTTP as far as kubelets and clients that create pods write them: POST, PUT,
//! merge PATCH and DELETE, each with its preconditions.

use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        coordination::v1::Lease,
        core::v1::{Node, Pod, PodStatus},
    },
    apimachinery::pkg::apis::meta::v1::{DeleteOptions, ObjectMeta, Time},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    key,
    object::{Key, Object, Stored},
    request_info::Parameters,
    resources::{NAMESPACES, PODS, ResourceType},
    response::{json_response, to_json},
    status::{FieldError, Status},
    store::Store,
};

/// `terminationGracePeriodSeconds` of pods without one.
const GRACE: i64 = 30;

/// A write and the object that it is for.
pub(super) struct WriteRequest<'a> {
    /// The name is empty for a POST.
    pub(super) key: Key,
    /// For the `status` subresource only.
    pub(super) of_status: bool,
    pub(super) headers: &'a HeaderMap,
    pub(super) parameters: &'a Parameters,
    pub(super) body: &'a [u8],
}

/// A type that can be written.
trait Written: Stored + DeserializeOwned {
    /// What the API server makes of a new one.
    fn prepare(&mut self) {}
}

impl Written for Node {}
impl Written for Lease {}

impl Written for Pod {
    fn prepare(&mut self) {
        let status = self.status.insert(PodStatus::default());
        status.phase = Some("Pending".to_owned());
        status.qos_class = Some("BestEffort".to_owned());
    }
}

/// Writes, and answers with what is there then.
pub(super) fn write(
    store: &Store,
    resource: &'static ResourceType,
    verb: &str,
    request: &WriteRequest<'_>,
    now: Timestamp,
) -> Result<Response, Status> {
    if verb == "delete" {
        return request.delete(store, resource, now);
    }
    match resource.plural {
        "nodes" => request.put::<Node>(store, verb, now),
        "pods" => request.put::<Pod>(store, verb, now),
        "leases" => request.put::<Lease>(store, verb, now),
        _ => Err(Status::method_not_allowed()),
    }
}

// === impl WriteRequest ===

impl WriteRequest<'_> {
    fn put<K: Written>(
        &self,
        store: &Store,
        verb: &str,
        now: Timestamp,
    ) -> Result<Response, Status> {
        match verb {
            "create" => self.create::<K>(store, now),
            "update" => {
                self.expect_json()?;
                let after: Value = read(self.body)?;
                self.change::<K>(store, now, |_| after)
            }
            _ => {
                if self.media_type() != "application/merge-patch+json" {
                    return Err(Status::unknown_patch());
                }
                let patch: Value = read(self.body)?;
                self.change::<K>(store, now, |mut before| {
                    merge(&mut before, patch);
                    before
                })
            }
        }
    }

    fn create<K: Written>(&self, store: &Store, now: Timestamp) -> Result<Response, Status> {
        let resource = K::RESOURCE;
        self.expect_json()?;
        let mut new: K = read(self.body)?;
        let metadata = new.metadata_mut();
        let name = metadata.name.clone().unwrap_or_default();
        if name.is_empty() {
            return Err(Status::invalid(
                resource.group,
                resource.kind,
                vec![FieldError {
                    field: "metadata.name",
                    reason: "FieldValueRequired",
                    message: "Required value: name or generateName is required".to_owned(),
                }],
            ));
        }
        if metadata.resource_version.as_ref().is_some_and(|version| !version.is_empty()) {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Status::bad_request(message));
        }
        self.take_namespace(metadata)?;
        (metadata.uid, metadata.deletion_timestamp) = (None, None);
        let namespace = &self.key.namespace;
        if resource.namespaced && store.get(&NAMESPACES, &key("", namespace)).is_none() {
            return Err(Status::not_found("", "namespaces", namespace));
        }
        new.prepare();
        let key = key(namespace, &name);
        let stored = store.modify(&key, now, |before| match before {
            Some(_) => Err(Status::already_exists(resource.group, resource.plural, &name)),
            None => Ok(new),
        })?;
        Ok(answer(StatusCode::CREATED, &stored))
    }

    fn change<K: Written>(
        &self,
        store: &Store,
        now: Timestamp,
        change: impl FnOnce(Value) -> Value,
    ) -> Result<Response, Status> {
        let resource = K::RESOURCE;
        let stored = store.modify(&self.key, now, |before| {
            let before = before.ok_or_else(|| self.not_found(resource))?;
            let old: Value = read(before.alone().as_bytes())?;
            let mut after = change(old.clone());
            if resource.has_status() {
                let kept = if self.of_status { "spec" } else { "status" };
                after[kept] = old[kept].clone();
            }
            let mut after: K = from_value(after)?;
            let metadata = after.metadata_mut();
            if metadata.name.as_ref().is_some_and(|name| *name != self.key.name) {
                return Err(Status::bad_request(format!(
                    "the name of the object ({}) does not match the name on the URL ({})",
                    metadata.name.clone().unwrap_or_default(),
                    self.key.name
                )));
            }
            metadata.name = Some(self.key.name.clone());
            self.take_namespace(metadata)?;
            self.check(before, metadata.uid.as_deref(), metadata.resource_version.as_deref())?;
            // A client sets a deletion time only by DELETE.
            let kept: ObjectMeta = from_value(old["metadata"].clone())?;
            metadata.deletion_timestamp = kept.deletion_timestamp;
            metadata.deletion_grace_period_seconds = kept.deletion_grace_period_seconds;
            Ok(after)
        })?;
        Ok(answer(StatusCode::OK, &stored))
    }

    fn delete(
        &self,
        store: &Store,
        resource: &'static ResourceType,
        now: Timestamp,
    ) -> Result<Response, Status> {
        let options: DeleteOptions =
            if self.body.is_empty() { DeleteOptions::default() } else { read(self.body)? };
        let conditions = options.preconditions.unwrap_or_default();
        let check = |object: Option<&Object>| {
            let object = object.ok_or_else(|| self.not_found(resource))?;
            let (uid, version) = (&conditions.uid, &conditions.resource_version);
            self.check(object, uid.as_deref(), version.as_deref()).map(|()| object.alone())
        };
        if resource == &PODS {
            let asked = match self.parameters.number("gracePeriodSeconds")? {
                Some(seconds) => i64::try_from(seconds).ok(),
                None => options.grace_period_seconds,
            };
            let present = check(store.get(resource, &self.key).as_deref())?;
            let pod: Pod = read(present.as_bytes())?;
            let grace = grace(&pod, asked);
            if grace > 0 {
                let stored = store.modify(&self.key, now, |before| {
                    let mut pod: Pod = read(check(before)?.as_bytes())?;
                    let end = now.saturating_add(SignedDuration::from_secs(grace));
                    pod.metadata.deletion_timestamp.get_or_insert(Time(end.unwrap_or(now)));
                    pod.metadata.deletion_grace_period_seconds.get_or_insert(grace);
                    Ok::<_, Status>(pod)
                })?;
                return Ok(answer(StatusCode::OK, &stored));
            }
        }
        let removed = store.remove_if(resource, &self.key, |object| check(object).map(drop))?;
        let removed = removed.ok_or_else(|| self.not_found(resource))?;
        if resource == &PODS {
            return Ok(answer(StatusCode::OK, &removed));
        }
        let group = match resource.group {
            "" => String::new(),
            group => format!("\"group\":{},", to_json(&group)),
        };
        // By hand, for the order of the members.
        Ok(json_response(format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Success","details":{{"name":{},{group}"kind":{},"uid":{}}}}}"#,
            to_json(&self.key.name),
            to_json(&resource.plural),
            to_json(&removed.stamp.uid),
        )))
    }

    fn take_namespace(&self, metadata: &mut ObjectMeta) -> Result<(), Status> {
        let namespace = &self.key.namespace;
        if metadata.namespace.as_ref().is_some_and(|own| !own.is_empty() && own != namespace) {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the \
                 request",
            ));
        }
        metadata.namespace = (!namespace.is_empty()).then(|| namespace.clone());
        Ok(())
    }

    fn check(
        &self,
        object: &Object,
        uid: Option<&str>,
        version: Option<&str>,
    ) -> Result<(), Status> {
        let ResourceType { group, plural, .. } = object.resource;
        let conflict = |why: &str| Err(Status::conflict(group, plural, &self.key.name, why));
        match (uid, version) {
            (Some(uid), _) if !uid.is_empty() && uid != object.stamp.uid => conflict(&format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                object.stamp.uid
            )),
            (_, Some(version)) if !version.is_empty() && version != object.version.to_string() => {
                conflict(
                    "the object has been modified; please apply your changes to the latest version \
                     and try again",
                )
            }
            _ => Ok(()),
        }
    }

    fn not_found(&self, resource: &ResourceType) -> Status {
        Status::not_found(resource.group, resource.plural, &self.key.name)
    }

    fn media_type(&self) -> &str {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().split(';').next().unwrap_or_default().trim()
    }

    fn expect_json(&self) -> Result<(), Status> {
        match self.media_type() {
            "application/json" | "" => Ok(()),
            _ => Err(Status::unsupported_media_type()),
        }
    }
}

/// How long a pod may take to end; no time where no kubelet runs it any longer.
fn grace(pod: &Pod, asked: Option<i64>) -> i64 {
    let spec = pod.spec.as_ref();
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let node = spec.and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
    if node.is_empty() || matches!(phase, Some("Succeeded" | "Failed")) {
        return 0;
    }
    let own = || spec.and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(GRACE);
    asked.unwrap_or_else(own)
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            if let Some(members) = target.as_object_mut() {
                members.remove(&name);
            }
        } else {
            merge(&mut target[name], value);
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Status> {
    serde_json::from_slice(body).map_err(|error| Status::bad_request(error.to_string()))
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Status> {
    serde_json::from_value(value).map_err(|error| Status::bad_request(error.to_string()))
}

fn answer(code: StatusCode, object: &Arc<Object>) -> Response {
    let mut response = json_response(object.alone());
    *response.status_mut() = code;
    response
}
