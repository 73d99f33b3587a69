//! What a LIST or WATCH selects: a namespace, a label selector and a field selector.

use k8s_text::selector::{FieldSelector, LabelSelector};

use super::{object::Object, request_info::Parameters, resources::ResourceType, status::Status};

/// The selection of a LIST or WATCH.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// Empty for all namespaces.
    namespace: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

// === impl Selection ===

impl Selection {
    pub(super) fn of(
        resource: &ResourceType,
        namespace: &str,
        parameters: &Parameters,
    ) -> Result<Self, Status> {
        let labels = LabelSelector::parse(parameters.text("labelSelector"))
            .map_err(|error| Status::bad_request(error.to_string()))?;
        let mut fields = FieldSelector::parse(parameters.text("fieldSelector"))
            .map_err(|error| Status::bad_request(error.to_string()))?;
        if resource.selectable.is_empty() {
            fields =
                fields.metadata_only().map_err(|error| Status::bad_request(error.to_string()))?;
        } else if let Some(field) = fields.fields().find(|field| !resource.has_field(field)) {
            return Err(Status::bad_request(format!("field label not supported: {field}")));
        }
        Ok(Self { namespace: namespace.to_owned(), labels, fields })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether it selects everything in its namespace.
    pub(super) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn matches(&self, object: &Object) -> bool {
        (self.namespace.is_empty() || object.key.namespace == self.namespace)
            && self.labels.matches(&object.labels)
            && self.fields.matches(|field| object.field(field))
    }
}
