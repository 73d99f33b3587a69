//! What plots along time have in common.

use jiff::Timestamp;
use maud::{Markup, html};

use super::super::ScenarioReport;

/// How far apart ticks may be, in seconds.
const TICKS: [i64; 10] = [5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400];

/// How far apart ticks must be to be read.
const TICK_APART: f64 = 64.0;

/// From moments to places along a line.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    start: Timestamp,
    /// In milliseconds; never zero.
    length: i64,
    left: f64,
    width: f64,
}

// === impl Axis ===

impl Axis {
    /// The time of a scenario between two places.
    pub(super) fn of(scenario: &ScenarioReport, left: f64, right: f64) -> Self {
        let began = scenario.steps.first().map(|step| step.began).unwrap_or_default();
        let first = scenario.steps.iter().flat_map(|step| &step.events).map(|event| event.at);
        let start = first.min().map_or(began, |first| first.min(began));
        let length = (scenario.cluster_seconds * 1e3).ceil().max(1.0) as i64;
        Self { start, length, left, width: right - left }
    }

    /// Where a moment is.
    pub(super) fn place(&self, at: Timestamp) -> f64 {
        self.of_millis(at.duration_since(self.start).as_millis() as i64)
    }

    /// Whether a moment is on it.
    pub(super) fn has(&self, at: Timestamp) -> bool {
        (0..=self.length).contains(&(at.duration_since(self.start).as_millis() as i64))
    }

    fn of_millis(&self, millis: i64) -> f64 {
        let share = millis as f64 / self.length as f64;
        self.left + share.clamp(0.0, 1.0) * self.width
    }

    /// Round times and where they are.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let seconds = self.length / 1000;
        let most = (self.width / TICK_APART) as i64;
        let fits = |every: &&i64| seconds / **every <= most;
        let every = TICKS.iter().find(fits).copied().unwrap_or(86_400);
        (0..=seconds / every)
            .map(|n| (self.of_millis(n * every * 1000), span((n * every) as f64)))
            .collect()
    }

    /// Lines and words at the ticks, and level lines at `levels`.
    pub(super) fn grid(&self, top: f64, bottom: f64, levels: &[f64]) -> Markup {
        let ticks = self.ticks();
        let upright = ticks.iter().map(|(x, _)| format!("M{} {}V{}", px(*x), px(top), px(bottom)));
        let (left, right) = (self.left, self.left + self.width);
        let level = levels.iter().map(|y| format!("M{} {}H{}", px(left), px(*y), px(right)));
        let lines: String = upright.chain(level).collect();
        html! {
            path.grid d=(lines) {}
            g.ticks {
                @for (x, words) in ticks { text x=(px(x)) y=(px(bottom + 13.0)) { (words) } }
            }
        }
    }
}

/// A number of pixels, short.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A length of time in words: `45 s`, `5 m 35 s`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (minutes, rest) {
        (0, _) => format!("{rest} s"),
        (_, 0) => format!("{minutes} m"),
        _ => format!("{minutes} m {rest} s"),
    }
}

/// A time as the time line writes it.
pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S.%3f").to_string()
}
