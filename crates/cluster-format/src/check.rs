//! Rules that a schema cannot express: names that must differ, fields that exclude each other, files
//! that must exist.

mod faults;
mod listeners;
mod names;
mod nodes;
mod numbers;
mod schedule;
mod usage;

pub use self::{
    faults::check as check_faults,
    listeners::check as check_listeners,
    nodes::{all_names, check as check_nodes, check_addresses, check_node, check_pod},
    numbers::{check_port, check_status, zero},
    schedule::check as check_schedule,
    usage::check as check_usage,
};
