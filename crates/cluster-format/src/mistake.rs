//! What is wrong with a file.

use crate::location::Location;

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is; `None` when the file could not be read at all.
    pub location: Option<Location>,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// How to put it right.
    pub help: Option<String>,
    /// Another location that has to do with it, and what is there.
    pub related: Option<(Location, String)>,
}

// === impl Mistake ===

impl Mistake {
    /// A mistake at a location.
    pub fn at(location: &Location, message: impl Into<String>) -> Self {
        Self {
            location: Some(location.clone()),
            message: message.into(),
            help: None,
            related: None,
        }
    }

    /// A mistake of the file as a whole.
    pub fn of_file(message: impl Into<String>) -> Self {
        Self { location: None, message: message.into(), help: None, related: None }
    }

    /// With how to put it right.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With another location that has to do with it.
    #[must_use]
    pub fn related(self, location: &Location, label: impl Into<String>) -> Self {
        Self { related: Some((location.clone(), label.into())), ..self }
    }
}
