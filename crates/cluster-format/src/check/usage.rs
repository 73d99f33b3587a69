//! Usage: amounts, and which fields a shape has.

use std::path::Path;

use super::numbers::zero;
use crate::{
    mistake::Mistake,
    suggest::quote,
    usage::{Amounts, Shape, ShapeKind, Usage},
    yaml_node::YamlNode,
};

/// Fields of a shape that not all kinds have.
const FIELDS: [&str; 5] = ["to", "over", "every", "seed", "file"];

/// Kubelets count nanoseconds in 64 bits. A counter begins a day before the cluster's clock starts;
/// with this many cores it lasts for two days.
const MOST_CORES: i128 = 100_000;

/// Checks what a node or a container uses.
pub fn check(usage: &Usage, at: &YamlNode, folder: &Path, mistakes: &mut Vec<Mistake>) {
    check_amounts(Amounts { cpu: usage.cpu, memory: usage.memory }, at, mistakes);
    if let Some(shape) = &usage.shape {
        check_shape(shape, at.field("shape"), folder, mistakes);
    }
}

/// Counters only grow, so nothing can use less than nothing.
pub(super) fn check_amounts(amounts: Amounts, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (name, amount) in [("cpu", amounts.cpu.0), ("memory", amounts.memory.0)] {
        if amount.nanos() < 0 {
            mistakes.push(
                Mistake::at(
                    &at.field(name).location,
                    format!("{} is less than nothing", quote(name)),
                )
                .help("write 0 or more"),
            );
        }
    }
    if amounts.cpu.0.nanos() > MOST_CORES * 1_000_000_000 {
        let place = &at.field("cpu").location;
        let message = format!("more than {MOST_CORES} cores, which no kubelet can count");
        mistakes.push(Mistake::at(place, message).help(
            "write fewer cores: the counter, 64 bits of nanoseconds, would be full and stand still",
        ));
    }
}

fn check_shape(shape: &Shape, at: &YamlNode, folder: &Path, mistakes: &mut Vec<Mistake>) {
    let (needed, allowed): (&[&str], &[&str]) = match shape.kind {
        ShapeKind::Step => (&["to"], &[]),
        ShapeKind::Ramp | ShapeKind::Wave | ShapeKind::Leak => (&["to", "over"], &[]),
        ShapeKind::Spike => (&["to", "over"], &["every"]),
        ShapeKind::Walk => (&["to", "over"], &["seed"]),
        ShapeKind::Trace => (&["file"], &[]),
        ShapeKind::Restart => (&[], &[]),
    };
    let kind = format!("{:?}", shape.kind);
    for name in needed.iter().filter(|name| at.get(name).is_none() && !at.broken) {
        mistakes.push(
            Mistake::at(at.place(), format!("a shape of kind {kind} without {}", quote(name)))
                .help(format!("add {}", quote(name))),
        );
    }
    for name in FIELDS.iter().filter(|name| !needed.contains(name) && !allowed.contains(name)) {
        if at.get(name).is_some() {
            mistakes.push(
                Mistake::at(
                    at.field(name).key_place(),
                    format!("{} does not go with the kind {kind}", quote(name)),
                )
                .help("leave it out"),
            );
        }
    }
    if let Some(to) = shape.to {
        check_amounts(to, at.field("to"), mistakes);
    }
    let zeros = [("over", shape.over), ("every", shape.every)];
    for (name, _) in zeros.iter().filter(|(_, time)| time.is_some_and(|time| time.0.is_zero())) {
        mistakes.push(zero(name, "write how long it takes, such as 30s", at));
    }
    if let (Some(over), Some(every)) = (shape.over, shape.every)
        && over.0 >= every.0
        && !every.0.is_zero()
    {
        mistakes.push(
            Mistake::at(
                &at.field("every").location,
                "the next spike would begin before the last one ends",
            )
            .related(&at.field("over").location, "one lasts this long")
            .help("make \"every\" longer than \"over\""),
        );
    }
    if let Some(file) = &shape.file
        && !folder.join(file).is_file()
    {
        mistakes.push(
            Mistake::at(&at.field("file").location, format!("there is no file {}", quote(file)))
                .help("write its path relative to the file"),
        );
    }
}
