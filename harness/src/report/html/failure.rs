//! The place of a failure: expected and seen, line beside line.

use maud::{Markup, html};
use similar::{DiffTag, TextDiff};

use super::super::{FailureReport, ScenarioReport};

/// How many lines of an answer are shown; the rest is in the JSON report.
const MOST_LINES: usize = 120;

/// A line of what was expected, and what was seen in its place.
struct Pair<'a> {
    expected: Option<&'a str>,
    seen: Option<&'a str>,
    same: bool,
}

pub(super) fn block(failure: &FailureReport, scenario: &ScenarioReport) -> Markup {
    html! {
        section.failure {
            h3 {
                span aria-hidden="true" { "✗ " }
                @if let Some(step) = &failure.step { (step) } @else { "The run ended" }
            }
            p.place { code { (failure.place(&scenario.file)) } }
            @if let (Some(expected), Some(seen)) = (&failure.expected, &failure.seen) {
                @if failure.field.as_deref() == Some("log") { (missed(expected, seen)) }
                @else { (beside(expected, seen)) }
            } @else {
                p { (failure.message) }
            }
            @if let Some(snippet) = &failure.snippet {
                details { summary { "In the file" } pre { (snippet) } }
            }
        }
    }
}

/// A line that was not logged has no counterpart among those that were.
fn missed(expected: &str, seen: &str) -> Markup {
    html! {
        dl.missed {
            dt { "Expected, in one line" } dd.expected { (expected) }
            dt { "Seen" }
            @for line in seen.lines().take(MOST_LINES) { dd.seen { (line) } }
        }
    }
}

fn beside(expected: &str, seen: &str) -> Markup {
    let pairs = pairs(expected, seen);
    html! {
        div.scroll tabindex="0" role="group" aria-label="Expected and seen, scrolls sideways" {
            table.beside {
                thead { tr { th scope="col" { "Expected" } th scope="col" { "Seen" } } }
                tbody {
                    @for pair in pairs.iter().take(MOST_LINES) {
                        tr class=(if pair.same { "same" } else { "differs" }) {
                            (side(pair.expected, "expected", pair.same))
                            (side(pair.seen, "seen", pair.same))
                        }
                    }
                    @if pairs.len() > MOST_LINES {
                        tr { td colspan="2" { "and " (pairs.len() - MOST_LINES) " more lines; the report in JSON has all of them" } }
                    }
                }
            }
        }
    }
}

fn side(line: Option<&str>, class: &str, same: bool) -> Markup {
    match line {
        None => html! { td.none {} },
        Some(line) if same => html! { td { (line) } },
        Some(line) => html! { td class=(class) { (line) } },
    }
}

fn pairs<'a>(expected: &'a str, seen: &'a str) -> Vec<Pair<'a>> {
    let (left, right): (Vec<_>, Vec<_>) = (expected.lines().collect(), seen.lines().collect());
    let diff = TextDiff::from_slices(&left, &right);
    let mut pairs = Vec::new();
    for op in diff.ops() {
        let (old, new) = (&left[op.old_range()], &right[op.new_range()]);
        let same = op.tag() == DiffTag::Equal;
        for row in 0..old.len().max(new.len()) {
            let (expected, seen) = (old.get(row).copied(), new.get(row).copied());
            pairs.push(Pair { expected, seen, same });
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_stand_beside_each_other() {
        let (expected, seen) = ("head\na 1\nb 2", "head\na 3\nb 2\nc");
        let rows: Vec<_> =
            pairs(expected, seen).into_iter().map(|p| (p.expected, p.seen, p.same)).collect();
        let expected = [
            (Some("head"), Some("head"), true),
            (Some("a 1"), Some("a 3"), false),
            (Some("b 2"), Some("b 2"), true),
            (None, Some("c"), false),
        ];
        assert_eq!(rows, expected);
    }
}
