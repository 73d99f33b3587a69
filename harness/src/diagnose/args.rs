//! The flags of a Deployment: a list of arguments, and how it is patched.

use std::ops::Range;

use serde_json::{Value, json};

/// A flag and its value; a boolean stands alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flag {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

// === impl Flag ===

impl Flag {
    pub(super) fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: Some(value.into()) }
    }

    /// A boolean that is true.
    pub(super) fn on(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// As an argument.
    pub(super) fn text(&self) -> String {
        let Self { name, value } = self;
        value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}"))
    }
}

/// The values of a flag, in their order. One that stands alone has none.
pub(super) fn values<'a>(args: &'a [String], name: &str) -> Vec<Option<&'a str>> {
    places(args, name).into_iter().map(|place| value(&args[place])).collect()
}

/// The names of all flags, once each.
pub(super) fn names(args: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in args.iter().filter(|arg| arg.starts_with('-')).map(|arg| name_of(arg)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Gives a flag a value, in the place where it stands if it does. Returns the operations of a JSON
/// patch that do it, with `at` as the list's path.
pub(super) fn set(args: &mut Vec<String>, flag: &Flag, at: &str) -> Vec<Value> {
    let (name, text) = (&flag.name, flag.text());
    let Some(first) = places(args, name).into_iter().next() else {
        args.push(text.clone());
        return vec![json!({"op": "add", "path": format!("{at}/-"), "value": text})];
    };
    let mut operations = cut(args, name, first.end, at);
    for index in (first.start + 1..first.end).rev() {
        operations.extend(remove_at(args, index, at));
    }
    let index = first.start;
    operations.push(test(args, index, at));
    operations.push(json!({"op": "replace", "path": format!("{at}/{index}"), "value": text}));
    args[index] = text;
    operations
}

/// Removes a flag; returns the operations of a JSON patch that do it.
pub(super) fn remove(args: &mut Vec<String>, name: &str, at: &str) -> Vec<Value> {
    cut(args, name, 0, at)
}

/// Removes a flag where it stands at `from` or later, the last one first.
fn cut(args: &mut Vec<String>, name: &str, from: usize, at: &str) -> Vec<Value> {
    let places = places(args, name).into_iter().rev().filter(|place| place.start >= from);
    let indices: Vec<_> = places.flat_map(Iterator::rev).collect();
    indices.into_iter().flat_map(|index| remove_at(args, index, at)).collect()
}

/// The patch is refused where the Deployment has other flags than were read.
fn remove_at(args: &mut Vec<String>, index: usize, at: &str) -> [Value; 2] {
    let operations =
        [test(args, index, at), json!({"op": "remove", "path": format!("{at}/{index}")})];
    args.remove(index);
    operations
}

fn test(args: &[String], index: usize, at: &str) -> Value {
    json!({"op": "test", "path": format!("{at}/{index}"), "value": args[index]})
}

/// Where a flag stands: one argument, or two where its value is the next one.
fn places(args: &[String], name: &str) -> Vec<Range<usize>> {
    let named = (0..args.len()).filter(|index| name_of(&args[*index]) == name);
    named
        .map(|index| {
            let has_next = !args[index].contains('=')
                && args.get(index + 1).is_some_and(|next| !next.starts_with('-'));
            index..index + 1 + usize::from(has_next)
        })
        .collect()
}

fn value(args: &[String]) -> Option<&str> {
    match args {
        [_, next] => Some(next),
        [one] => one.split_once('=').map(|(_, value)| value),
        _ => None,
    }
}

/// As pflag has it: underscores count as dashes.
fn name_of(arg: &str) -> String {
    arg.split('=').next().unwrap_or(arg).replace('_', "-")
}
