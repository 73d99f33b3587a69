//! Resources whose objects are JSON values, for APIs that are small enough to make them all.

use std::{collections::BTreeMap, sync::Arc, vec};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    Failure, ListOptions, Object, ObjectMeta, Objects, Resource, ResourceNames, encode::json,
};

/// A resource whose objects are JSON values. Like custom resources, they are not served as
/// protobuf.
pub trait JsonResource: Send + Sync + 'static {
    /// The names of the resource.
    fn names(&self) -> ResourceNames;

    /// The objects of a namespace, or all.
    fn objects(&self, namespace: Option<&str>) -> Vec<JsonObject>;
}

/// An object of a [`JsonResource`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonObject {
    /// Its name.
    pub name: String,
    /// Its namespace, where it has one.
    pub namespace: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
    /// What follows after `metadata`, such as `spec`.
    pub fields: Map<String, Value>,
}

struct Served<R> {
    group: &'static str,
    resource: R,
}

struct Selected {
    objects: vec::IntoIter<JsonObject>,
    options: ListOptions,
}

/// Makes a resource of the group `group` out of `resource`.
pub fn json_resource(group: &'static str, resource: impl JsonResource) -> Arc<dyn Resource> {
    Arc::new(Served { group, resource })
}

// === impl Served ===

impl<R: JsonResource> Resource for Served<R> {
    fn names(&self) -> ResourceNames {
        self.resource.names()
    }

    fn has_protobuf(&self) -> bool {
        false
    }

    fn list(&self, namespace: Option<&str>, options: ListOptions) -> Box<dyn Objects> {
        Box::new(Selected { objects: self.resource.objects(namespace).into_iter(), options })
    }

    fn get(&self, namespace: Option<&str>, name: &str) -> Result<Box<dyn Objects>, Failure> {
        let mut objects = self.resource.objects(namespace);
        objects.retain(|object| object.name == name);
        if objects.is_empty() {
            return Err(self.unavailable(namespace, name));
        }
        Ok(Box::new(Selected { objects: objects.into_iter(), options: ListOptions::default() }))
    }

    fn unavailable(&self, _: Option<&str>, name: &str) -> Failure {
        let (group, kind) = (self.group, self.names().plural);
        Failure::NotFound { group, kind, name: name.to_owned(), reason: String::new() }
    }
}

// === impl Selected ===

impl Objects for Selected {
    fn next(&mut self, visit: &mut dyn FnMut(&mut dyn Object)) -> bool {
        let Some(mut object) = self.objects.next() else { return false };
        let JsonObject { name, namespace, labels, .. } = &object;
        if self.options.selects(name, namespace.as_deref(), labels) {
            visit(&mut object);
        }
        true
    }

    fn batch(&self) -> usize {
        // As many as a selector with a thousand requirements leaves time for.
        64
    }
}

// === impl JsonObject ===

impl Object for JsonObject {
    fn metadata(&self) -> ObjectMeta<'_> {
        let Self { name, namespace, labels, created, .. } = self;
        ObjectMeta { name, namespace: namespace.as_deref(), labels, created: *created }
    }

    fn write_json(&mut self, out: &mut Vec<u8>) {
        for (name, value) in &self.fields {
            out.push(b',');
            json::string(out, name);
            out.push(b':');
            out.extend_from_slice(value.to_string().as_bytes());
        }
    }

    /// Never negotiated.
    fn write_protobuf(&mut self, _: &mut Vec<u8>) {}

    fn write_cells(&mut self, _: &mut Vec<u8>) {}
}
