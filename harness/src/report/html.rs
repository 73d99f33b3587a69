//! A report for a browser: one page without other files. Its plots are made in Rust, so that the
//! same run gives the same page; a small script adds what depends on the reader.

mod chart;
mod failure;
mod lanes;
mod plot;
mod steps;

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Report, ScenarioReport, Verdict};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Keys and what they do.
const KEYS: [(&str, &str); 6] = [
    ("j / ↓", "next scenario"),
    ("k / ↑", "previous scenario"),
    ("/", "filter"),
    ("f", "only failures"),
    ("t", "light or dark"),
    ("Esc", "show all again"),
];

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    out.write_all(page(report).into_string().as_bytes())
}

fn page(report: &Report) -> Markup {
    // Failures first: they are what people come for.
    let mut scenarios: Vec<_> = report.scenarios.iter().collect();
    scenarios.sort_by_key(|scenario| scenario.verdict);
    let title = match report.totals.failed {
        0 => "Scenarios: all held".to_owned(),
        failed => format!("Scenarios: {failed} failed"),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#list" { "Skip to the scenarios" }
                (header(report))
                div.columns {
                    nav.list id="list" aria-label="Scenarios" { (toolbar(report)) (table(&scenarios)) }
                    main id="details" {
                        @for scenario in &scenarios { (details(scenario)) }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn header(report: &Report) -> Markup {
    let totals = report.totals;
    let counts = [
        (Verdict::Passed, totals.passed),
        (Verdict::Failed, totals.failed),
        (Verdict::Known, totals.known),
        (Verdict::Skipped, totals.skipped),
    ];
    html! {
        header.top {
            div {
                h1 { "Scenarios" }
                p.counts {
                    @for (verdict, count) in counts {
                        @if count > 0 || matches!(verdict, Verdict::Passed | Verdict::Failed) {
                            span class={ "count " (verdict.word()) } {
                                strong { (count) } " " (verdict.word())
                            }
                        }
                    }
                }
            }
            div.share role="img" aria-label={ (totals.passed) " of " (totals.scenarios) " passed" } {
                @for (verdict, count) in counts {
                    @if count > 0 { span class=(verdict.word()) style={ "flex:" (count) } {} }
                }
            }
            button.theme id="theme" type="button" hidden { "Dark" }
        }
    }
}

fn toolbar(report: &Report) -> Markup {
    html! {
        div.toolbar {
            input id="filter" type="search" placeholder="Filter by name, label or text  ( / )"
                aria-label="Filter scenarios" autocomplete="off" spellcheck="false";
            button id="failures" type="button" aria-pressed="false"
                disabled[report.totals.failed == 0] { "Failures" }
            p.shown id="shown" role="status" { (report.totals.scenarios) " scenarios" }
        }
    }
}

fn table(scenarios: &[&ScenarioReport]) -> Markup {
    html! {
        table id="scenarios" {
            thead { tr { th scope="col" aria-label="Result" {} th scope="col" { "Scenario" }
                th.number scope="col" title="Time that passed in the cluster" { "Time" } } }
            tbody {
                @for scenario in scenarios {
                    tr class=(scenario.verdict.word()) data-text=(searchable(scenario)) {
                        td { (sign_of(scenario.verdict)) }
                        th scope="row" { a href={ "#" (anchor(&scenario.name)) } { (split_name(&scenario.name)) } }
                        td.number { (chart::span(scenario.cluster_seconds)) }
                    }
                }
            }
        }
        details.keys {
            summary { "Keys" }
            dl { @for (key, does) in KEYS { div { dt { kbd { (key) } } dd { (does) } } } }
        }
    }
}

/// The folder in a quieter colour than the name.
fn split_name(name: &str) -> Markup {
    let (folder, rest) = name.rsplit_once('/').map_or(("", name), |(f, rest)| (f, rest));
    html! { @if !folder.is_empty() { span.folder { (folder) "/" } wbr; } (rest) }
}

fn searchable(scenario: &ScenarioReport) -> String {
    let labels = scenario.labels.iter().map(|(key, value)| format!("{key}={value}"));
    let labels = labels.collect::<Vec<_>>().join(" ");
    let verdict = scenario.verdict.word();
    format!("{} {labels} {verdict} {}", scenario.name, scenario.about).to_lowercase()
}

/// The name with only characters that are allowed in a link.
fn anchor(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_./".contains(c) { c } else { '-' };
    name.chars().map(plain).collect()
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✓",
        Verdict::Failed => "✗",
        Verdict::Known => "!",
        Verdict::Skipped => "–",
    }
}

/// A verdict in short, so that names in the list have more space.
fn sign_of(verdict: Verdict) -> Markup {
    let word = verdict.word();
    html! { span class={ "sign " (word) } role="img" aria-label=(word) title=(word) { (sign(verdict)) } }
}

fn pill(verdict: Verdict) -> Markup {
    let word = verdict.word();
    html! { span class={ "pill " (word) } { span aria-hidden="true" { (sign(verdict)) " " } (word) } }
}

fn details(scenario: &ScenarioReport) -> Markup {
    html! {
        article class={ "scenario " (scenario.verdict.word()) } id=(anchor(&scenario.name)) tabindex="-1" {
            header {
                h2 { (split_name(&scenario.name)) " " (pill(scenario.verdict)) }
                p.about { (scenario.about) }
                p.facts {
                    code { (scenario.file) }
                    @if scenario.cluster_seconds > 0.0 {
                        span { (chart::span(scenario.cluster_seconds)) " in the cluster" }
                    }
                    @for (key, value) in &scenario.labels { span.label { (key) ": " (value) } }
                    a.back href="#list" { "Back to the list" }
                }
            }
            @if let Some(reason) = &scenario.skipped_because { p.skipped-because { "Not run: " (reason) "." } }
            @if let Some(reason) = &scenario.known_failure { p.skipped-because { "Known failure: " (reason) "." } }
            @for failure in &scenario.failures { (failure::block(failure, scenario)) }
            @if !scenario.steps.is_empty() {
                section { h3 { "Time line" } (lanes::lanes(scenario)) }
                (plot::usage(scenario))
                section { h3 { "Steps" } (steps::steps(scenario)) }
            }
        }
    }
}
