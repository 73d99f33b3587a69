//! Schedules: times of which something is left.

use super::numbers::zero;
use crate::{mistake::Mistake, schedule::Schedule, yaml_node::YamlNode};

/// Checks the times of a schedule; `help` is for a time of 0.
pub fn check(schedule: &Schedule, help: &str, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (name, time) in [("for", schedule.for_), ("every", schedule.every)] {
        if time.is_some_and(|time| time.0.is_zero()) {
            mistakes.push(zero(name, help, at));
        }
    }
    match (schedule.for_, schedule.every) {
        (None, Some(_)) if !at.broken => mistakes.push(
            Mistake::at(at.field("every").key_place(), "what never ends cannot come again")
                .help("add \"for\": how long it lasts each time"),
        ),
        (Some(length), Some(every)) if length.0 >= every.0 && !every.0.is_zero() => mistakes.push(
            Mistake::at(&at.field("for").location, "it would come again before it ends")
                .related(&at.field("every").location, "again after this")
                .help("make \"for\" shorter than \"every\""),
        ),
        _ => {}
    }
}
