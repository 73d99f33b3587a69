//! Usage: expected usage as a line, each reported usage as a bar as long as its window.

use std::{fmt::Write, time::Duration};

use maud::{Markup, html};

use super::{
    super::ScenarioReport,
    chart::{Axis, clock, px, span},
};
use crate::expected_usage::{Amount, ReportedUsage, Series};

const WIDTH: f64 = 420.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 396.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 112.0;
const HEIGHT: f64 = 132.0;

/// Reported usage that differs by more than this share is wrong. Less is rounding and the
/// milliseconds between a sample and its timestamp.
const TOLERANCE: f64 = 0.02;

/// Smaller differences do not count, whatever share they are: a millicore, a mebibyte.
const LEAST: [f64; 2] = [1e6, MI];

const MI: f64 = 1_048_576.0;
const GI: f64 = 1_073_741_824.0;

/// Nodes and containers beyond these are collapsed.
const SHOWN: usize = 4;

/// CPU or memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Cpu,
    Memory,
}

pub(super) fn usage(scenario: &ScenarioReport) -> Markup {
    if scenario.usage.is_empty() {
        return html! {};
    }
    let (shown, folded) = scenario.usage.split_at(scenario.usage.len().min(SHOWN));
    html! {
        section {
            h3 { "Expected and reported usage" }
            ul.legend aria-label="Lines" {
                li { i.expected {} "expected" } li { i.reported {} "reported by the server, as long as its window" }
                li { i.wrong {} "off by more than 2 %" }
            }
            (grid(shown, scenario))
            @if !folded.is_empty() {
                details { summary { (folded.len()) " more" } (grid(folded, scenario)) }
            }
            @if scenario.usage_left_out > 0 {
                p.quiet { (scenario.usage_left_out) " more nodes and containers are not drawn." }
            }
        }
    }
}

fn grid(series: &[Series], scenario: &ScenarioReport) -> Markup {
    html! {
        @for series in series {
            figure.usage {
                figcaption { strong { (series.subject.label()) } " " (verdict(series)) }
                div.plots {
                    @for resource in [Resource::Cpu, Resource::Memory] { (plot(series, resource, scenario)) }
                }
            }
        }
    }
}

fn verdict(series: &Series) -> Markup {
    let wrong = series.reports.iter().filter(|report| {
        [Resource::Cpu, Resource::Memory].iter().any(|resource| resource.is_wrong(report))
    });
    let (wrong, all) = (wrong.count(), series.reports.len());
    html! {
        @if all == 0 { span.off { "never reported" } }
        @else if wrong == 0 { span.on { (all) @if all == 1 { " report, right" } @else { " reports, all right" } } }
        @else { span.off { (wrong) " of " (all) " reports wrong" } }
    }
}

fn plot(series: &Series, resource: Resource, scenario: &ScenarioReport) -> Markup {
    let axis = Axis::of(scenario, LEFT, RIGHT);
    let values = series.expected.iter().map(|point| resource.of(point.used));
    let reported = series.reports.iter().map(|report| resource.of(report.reported));
    let top = round_up(values.chain(reported).fold(0.0, f64::max), resource);
    let levels = [0.0, top / 2.0, top];
    let y = |value: f64| BOTTOM - (value / top).clamp(0.0, 1.0) * (BOTTOM - TOP);
    let label = format!("{} of {}", resource.name(), series.subject.label());
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(label) {
            text.name x=(px(LEFT)) y="11" { (resource.name()) }
            (axis.grid(TOP, BOTTOM, &levels.map(y)))
            g.levels {
                @for level in levels {
                    text x=(px(LEFT - 6.0)) y=(px(y(level) + 4.0)) { (resource.text(level)) }
                }
            }
            path.expected d=(path(series, resource, &axis, y)) {}
            @for report in &series.reports {
                @let value = resource.of(report.reported);
                @let (begin, end) = bar(report, &axis);
                g class=(if resource.is_wrong(report) { "reported wrong" } else { "reported" }) {
                    @if resource == Resource::Cpu {
                        path d={ "M" (px(begin)) " " (px(y(value))) "H" (px(end)) } {}
                    }
                    circle cx=(px(end)) cy=(px(y(value))) r="3.2" {}
                    title { (tooltip(report, resource)) }
                }
            }
        }
    }
}

/// The two ends of a window. With a wrong clock it may be outside of the run: then it ends where
/// the server began to report it.
fn bar(report: &ReportedUsage, axis: &Axis) -> (f64, f64) {
    let end = if axis.has(report.timestamp) { report.timestamp } else { report.since };
    let window = Duration::try_from_secs_f64(report.window_seconds).unwrap_or_default();
    (axis.place(end.saturating_sub(window).unwrap_or(end)), axis.place(end))
}

fn tooltip(report: &ReportedUsage, resource: Resource) -> String {
    format!(
        "at {} reported {}, expected {}; window {} to {}",
        clock(report.since),
        resource.text(resource.of(report.reported)),
        resource.text(resource.of(report.expected)),
        span(report.window_seconds),
        clock(report.timestamp)
    )
}

/// Between points that follow each other in one piece of the run, a step; the line is a mean.
fn path(series: &Series, resource: Resource, axis: &Axis, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    for point in &series.expected {
        path.push(if path.is_empty() { 'M' } else { 'L' });
        let (x, y) = (px(axis.place(point.at)), px(y(resource.of(point.used))));
        // Writing to a String cannot fail.
        let _ = write!(path, "{x} {y}");
    }
    path
}

/// The top of a plot: the next round value, and something where nothing is used.
fn round_up(most: f64, resource: Resource) -> f64 {
    let unit = match resource {
        Resource::Cpu => 1e6,
        Resource::Memory if most >= GI => GI,
        Resource::Memory => MI,
    };
    let most = (most * 1.05 / unit).max(0.01);
    let power = 10_f64.powf(most.log10().floor());
    let rounds = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let round = rounds.into_iter().find(|round| round * power >= most).unwrap_or(10.0);
    round * power * unit
}

// === impl Resource ===

impl Resource {
    fn of(self, amount: Amount) -> f64 {
        match self {
            Self::Cpu => amount.cpu as f64,
            Self::Memory => amount.memory as f64,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
        }
    }

    fn is_wrong(self, report: &ReportedUsage) -> bool {
        let (reported, expected) = (self.of(report.reported), self.of(report.expected));
        (reported - expected).abs()
            > (expected * TOLERANCE).max(LEAST[usize::from(self == Self::Memory)])
    }

    /// A value with its unit: `250m`, `1.5`, `64Mi`.
    fn text(self, value: f64) -> String {
        let (value, unit) = match self {
            Self::Cpu if value >= 1e9 => (value / 1e9, " cores"),
            Self::Cpu => (value / 1e6, "m"),
            Self::Memory if value >= GI => (value / GI, " Gi"),
            Self::Memory => (value / MI, " Mi"),
        };
        let text = if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        format!("{text}{unit}")
    }
}
