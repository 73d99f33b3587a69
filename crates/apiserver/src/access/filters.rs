//! Filters between authentication and the handlers.

pub(super) mod impersonation;
pub(super) mod max_in_flight;
