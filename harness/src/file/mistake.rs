//! What is wrong with a file.

use super::location::Location;

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is; none when the file could not be read at all.
    pub location: Option<Location>,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// How to put it right.
    pub help: Option<String>,
    /// Another place that has to do with it, and what is there.
    pub related: Option<(Location, String)>,
}

// === impl Mistake ===

impl Mistake {
    pub(super) fn at(location: &Location, message: impl Into<String>) -> Self {
        Self {
            location: Some(location.clone()),
            message: message.into(),
            help: None,
            related: None,
        }
    }

    pub(super) fn of_file(message: impl Into<String>) -> Self {
        Self { location: None, message: message.into(), help: None, related: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(super) fn related(self, location: &Location, label: impl Into<String>) -> Self {
        Self { related: Some((location.clone(), label.into())), ..self }
    }
}
