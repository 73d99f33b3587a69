//! Which parameters of LIST and WATCH go together.

use super::{
    request_info::Parameters,
    status::{FieldError, Status},
};

/// Checks the parameters of a LIST.
pub(super) fn check_list(parameters: &Parameters) -> Result<(), Status> {
    let matching = parameters.text("resourceVersionMatch");
    let version = parameters.text("resourceVersion");
    let mut errors = Vec::new();
    if !matching.is_empty() {
        if version.is_empty() {
            errors.push(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !parameters.text("continue").is_empty() {
            errors.push(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
        if !matches!(matching, "Exact" | "NotOlderThan") {
            errors.push(FieldError {
                field: "resourceVersionMatch",
                reason: "FieldValueNotSupported",
                message: format!(
                    "Unsupported value: {matching:?}: supported values: \"\", \"Exact\", \
                     \"NotOlderThan\""
                ),
            });
        }
        if matching == "Exact" && version == "0" {
            errors.push(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
    }
    if parameters.flag("sendInitialEvents") {
        errors.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    none(errors)
}

/// Checks the parameters of a WATCH. Streaming lists are a feature that the real API server can
/// have switched off, and so it is here: clients must be able to fall back.
pub(super) fn check_watch(parameters: &Parameters) -> Result<(), Status> {
    let matching = parameters.text("resourceVersionMatch");
    let mut errors = Vec::new();
    if parameters.text("sendInitialEvents").is_empty() {
        if !matching.is_empty() {
            errors.push(forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        return none(errors);
    }
    if matching != "NotOlderThan" {
        errors.push(forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    errors.push(forbidden(
        "sendInitialEvents",
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
    ));
    none(errors)
}

fn forbidden(field: &'static str, message: &str) -> FieldError {
    FieldError { field, reason: "FieldValueForbidden", message: format!("Forbidden: {message}") }
}

fn none(errors: Vec<FieldError>) -> Result<(), Status> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Status::invalid("meta.k8s.io", "ListOptions", errors))
    }
}
