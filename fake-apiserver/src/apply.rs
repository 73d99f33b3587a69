//! Objects that the cluster is given as JSON, whatever their kind.

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    certificates::v1::CertificateSigningRequest,
    core::v1::{ConfigMap, Pod, Service},
    discovery::v1::EndpointSlice,
    rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding},
};
use serde::de::{DeserializeOwned, Error};
use serde_json::Value;

use super::{FakeApiServer, object::Stored};

// === impl FakeApiServer ===

impl FakeApiServer {
    /// Adds an object or changes the one of that name.
    pub fn apply(&self, object: Value) -> Result<(), serde_json::Error> {
        match object["kind"].as_str().unwrap_or_default() {
            "ConfigMap" => self.put::<ConfigMap>(object),
            "Pod" => self.put::<Pod>(object),
            "Service" => self.put::<Service>(object),
            "Deployment" => self.put::<Deployment>(object),
            "ReplicaSet" => self.put::<ReplicaSet>(object),
            "EndpointSlice" => self.put::<EndpointSlice>(object),
            "ClusterRole" => self.put::<ClusterRole>(object),
            "ClusterRoleBinding" => self.put::<ClusterRoleBinding>(object),
            "RoleBinding" => self.put::<RoleBinding>(object),
            "CertificateSigningRequest" => self.put::<CertificateSigningRequest>(object),
            kind => Err(Error::custom(format!("objects of kind {kind:?} are not kept here"))),
        }
    }

    fn put<K: Stored + DeserializeOwned>(&self, object: Value) -> Result<(), serde_json::Error> {
        self.store.upsert(serde_json::from_value::<K>(object)?, self.clock.now());
        Ok(())
    }
}
