//! The steps in words: what was expected, and everything that happened.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    super::{ScenarioReport, StepReport},
    chart::clock,
    lanes::short_user,
};
use crate::events::{Event, What};

/// How many different events of a step are shown: a large cluster has too many.
const MOST_LINES: usize = 150;

/// Things that were the same but for the moment.
struct Line {
    first: Timestamp,
    last: Timestamp,
    count: usize,
    source: &'static str,
    text: String,
    is_error: bool,
}

pub(super) fn steps(scenario: &ScenarioReport) -> Markup {
    html! {
        ol.steps {
            @for step in &scenario.steps { li { (one(step, scenario)) } }
        }
    }
}

fn one(step: &StepReport, scenario: &ScenarioReport) -> Markup {
    let failed = scenario.failures.iter().any(|f| f.step.as_ref() == Some(&step.name));
    let lines = lines(&step.events);
    let changes = step.events.iter().filter_map(|event| match &event.what {
        What::Change { text } => Some(text),
        _ => None,
    });
    html! {
        div class=(if failed { "step failed" } else { "step" }) {
            h4 { (step.name) span.where { time { (clock(step.began)) } " " code { "line " (step.line) } } }
            @for change in changes { p.change { (change) } }
            @if !step.expectations.is_empty() {
                ul.checks {
                    @for checked in &step.expectations {
                        li class=(if checked.holds { "holds" } else { "fails" }) {
                            span aria-hidden="true" { (if checked.holds { "✓ " } else { "✗ " }) }
                            code { (checked.expectation) }
                            @if !checked.holds { strong { " does not hold" } }
                        }
                    }
                }
            }
            @if !lines.is_empty() {
                details.events open[failed] {
                    summary { (step.events.len()) @if step.events.len() == 1 { " event" } @else { " events" } }
                    (table(&lines))
                }
            }
        }
    }
}

fn table(lines: &[Line]) -> Markup {
    html! {
        table {
            thead.quiet { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } } }
            tbody {
                @for line in lines.iter().take(MOST_LINES) {
                    tr class=(if line.is_error { "bad" } else { line.source }) {
                        td { time { (clock(line.first)) } }
                        td.who { (line.source) }
                        td { (line.text)
                            @if line.count > 1 {
                                span.times title={ "last at " (clock(line.last)) } { "×" (line.count) }
                            }
                        }
                    }
                }
                @if lines.len() > MOST_LINES {
                    tr { td {} td {} td { "and " (lines.len() - MOST_LINES) " more; the report in JSON has all of them" } }
                }
            }
        }
    }
}

/// One line for all that is the same in a step, in the order in which things came first.
fn lines(events: &[Event]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut known: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    for event in events {
        let (source, text, is_error) = words(event);
        let at = *known.entry((source, text.clone())).or_insert(lines.len());
        if let Some(line) = lines.get_mut(at) {
            line.count += 1;
            line.last = event.at;
        } else {
            let (first, last) = (event.at, event.at);
            lines.push(Line { first, last, count: 1, source, text, is_error });
        }
    }
    lines
}

fn words(event: &Event) -> (&'static str, String, bool) {
    match &event.what {
        What::Change { text } => ("world", text.clone(), false),
        What::Ended { text } => ("server", format!("ended: {text}"), true),
        What::Log { text } => {
            let level = text.get(..1).unwrap_or_default();
            // The header repeats the moment.
            let said = text.split_once("] ").map_or(text.as_str(), |(_, said)| said);
            ("log", format!("{level} {said}"), matches!(level, "E" | "F"))
        }
        What::Kubelet { node, request, status, .. } => {
            let status = status.map_or("no answer".to_owned(), |status| status.to_string());
            ("kubelet", format!("{node}: {request} → {status}"), status != "200")
        }
        What::Api { user, request, status } => {
            let request = request.strip_suffix('?').unwrap_or(request).replace("?&", "?");
            ("api", format!("{}: {request} → {status}", short_user(user)), *status >= 400)
        }
        What::Dns { name, question, answer, .. } => {
            ("dns", format!("{name} {question} → {answer}"), false)
        }
        What::Step(name) => ("step", name.clone(), false),
        What::Checked { expectation, holds } => ("expectation", expectation.clone(), !holds),
    }
}
