use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// The message and the fields of an event.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) message: String,
    /// In the order in which they were written.
    pub(super) others: Vec<(&'static str, Value)>,
}

// === impl Fields ===

impl Fields {
    /// The fields, what went wrong in front or at the end of them.
    pub(super) fn error_and_others(
        &self,
    ) -> (Option<&(&'static str, Value)>, impl Iterator<Item = &(&'static str, Value)>) {
        let error = self.others.iter().find(|(name, _)| *name == "err");
        (error, self.others.iter().filter(|(name, _)| *name != "err"))
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.others.push((field.name(), Value::String(format!("{value:?}"))));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.push((field.name(), value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), value.into()));
    }
}
