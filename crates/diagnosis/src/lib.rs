//! What goes wrong around a metrics server: one table of causes with their cures, from which the
//! server's own log has them, and the texts of logs and of kubectl by which each cause is found.

#[macro_use]
mod causes;
mod alert;
mod api_error;
mod cause;
mod change;
mod collected;
mod core_dns;
mod error_text;
mod finding;
mod kubectl;
mod log;
mod others;
mod row;
mod steps;
mod table;

pub use self::{
    alert::cause_of_alert,
    cause::Cause,
    change::Change,
    core_dns::{Lookup, meaning_of_core_dns},
    error_text::cause_of_error,
    finding::{Finding, Meaning, Subject},
    kubectl::meaning_of_text,
    log::meaning_of_record,
    others::is_of_another_api,
    steps::Step,
};
