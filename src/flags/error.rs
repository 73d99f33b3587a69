use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Wrong arguments.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    /// Not a failure: the text of `--help`.
    #[error("{0}")]
    Help(String),
    /// The arguments cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// All violations of the rules between flags.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

// === impl FlagError ===

impl FlagError {
    pub(super) fn from_clap(error: &clap::Error) -> Self {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) => texts.first().cloned(),
            _ => None,
        };
        match error.kind() {
            ErrorKind::DisplayHelp => Self::Help(error.to_string()),
            ErrorKind::UnknownArgument => {
                let unknown = context(ContextKind::InvalidArg).unwrap_or_default();
                let nearest = context(ContextKind::SuggestedArg).map_or_else(
                    || "see --help".to_owned(),
                    |nearest| format!("did you mean {nearest}?"),
                );
                Self::Unreadable(format!("unknown flag: {unknown} ({nearest})"))
            }
            _ => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                Self::Unreadable(first.strip_prefix("error: ").unwrap_or(first).to_owned())
            }
        }
    }
}
