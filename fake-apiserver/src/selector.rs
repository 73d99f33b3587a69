//! Label and field selectors.

mod field;

use k8s_text::selector::LabelSelector;

pub(super) use self::field::FieldSelector;
use super::{object::Object, request::Parameters, resources::ResourceType, status::Status};

/// What a LIST or WATCH asks for beside the resource.
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
        let fields = FieldSelector::parse(parameters.text("fieldSelector"))
            .and_then(|fields| fields.check(resource).map(|()| fields))
            .map_err(Status::bad_request)?;
        Ok(Self { namespace: namespace.to_owned(), labels, fields })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether everything in the namespace is asked for.
    pub(super) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn matches(&self, object: &Object) -> bool {
        (self.namespace.is_empty() || object.key.namespace == self.namespace)
            && self.labels.matches(&object.labels)
            && self.fields.matches(object)
    }
}
