//! Log lines as everything in Kubernetes writes them: klog's text, which people grep for
//! (`E0104 09:53:46.000000       1 report.rs:59] "Failed to scrape node" err="…" node="k8s-node1"`),
//! or component-base's JSON.

mod fields;
mod json;
mod patterns;
mod record;
mod text;
mod writer;

use std::{path::Path, sync::Arc};

use net::Clock;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use self::fields::Fields;
pub use self::{
    patterns::{FilePatterns, PatternError},
    record::{Record, Severity, is_open},
    writer::LineWriter,
};

/// Takes one line, without its end.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// klog's text.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// klog's verbosity: 0 is for operators, 2 for diagnosing a failure, 6 for developers.
    pub verbosity: u8,
    /// Other verbosities for some source files.
    pub files: FilePatterns,
    /// Text or JSON.
    pub format: Format,
    /// The crates whose events are logged; none, all. Libraries log for their own developers.
    pub crates: &'static [&'static str],
}

/// Formats events and passes them to a sink.
pub struct Klog {
    clock: Clock,
    pid: u32,
    settings: Settings,
    sink: Sink,
}

// === impl Settings ===

impl From<u8> for Settings {
    fn from(verbosity: u8) -> Self {
        Self { verbosity, ..Self::default() }
    }
}

// === impl Klog ===

impl Klog {
    /// A formatter for the lines of process `pid`.
    pub fn new(clock: Clock, pid: u32, settings: impl Into<Settings>, sink: Sink) -> Self {
        Self { clock, pid, settings: settings.into(), sink }
    }
}

impl<S: Subscriber> Layer<S> for Klog {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let crates = self.settings.crates;
        let logged = crates.is_empty()
            || metadata.target() == V1
            || metadata.target().split("::").next().is_some_and(|name| crates.contains(&name));
        let verbosity = metadata
            .file()
            .and_then(|file| self.settings.files.verbosity(file))
            .map_or(self.settings.verbosity, |file| file.max(self.settings.verbosity));
        logged && verbosity_of(metadata).is_none_or(|needed| needed <= verbosity)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let now = self.clock.now();
        let line = match self.settings.format {
            Format::Text => text::line(now, self.pid, event.metadata(), &fields),
            Format::Json => json::line(now, event.metadata(), &fields),
        };
        (self.sink)(&line);
    }
}

/// The target of events that are logged at verbosity 1, which is between tracing's levels.
pub const V1: &str = "klog::v1";

/// The verbosity at which events are logged; `None` for those that always are.
fn verbosity_of(metadata: &Metadata<'_>) -> Option<u8> {
    match *metadata.level() {
        Level::ERROR | Level::WARN => None,
        Level::INFO => Some(0),
        Level::DEBUG if metadata.target() == V1 => Some(1),
        Level::DEBUG => Some(2),
        Level::TRACE => Some(6),
    }
}

/// Where an event was written: `scrape.rs:120`.
fn caller(metadata: &Metadata<'_>) -> String {
    let file =
        metadata.file().and_then(|file| Path::new(file).file_name()?.to_str()).unwrap_or("unknown");
    format!("{file}:{}", metadata.line().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(settings: Settings) -> String {
        let lines = Arc::new(Mutex::new(String::new()));
        let sink = lines.clone();
        let clock = Clock::starting_at("2019-01-04T09:53:46.000123Z".parse().unwrap());
        let sink = Arc::new(move |line: &str| {
            let mut lines = sink.lock().unwrap();
            lines.push_str(line);
            lines.push('\n');
        });
        let klog = Klog::new(clock, 1, settings, sink);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(klog), || {
            tracing::error!(node = "n\"1", err = "EOF", tries = 2, "Failed");
            tracing::warn!(flag = "--profiling", "No effect");
            tracing::info!(probe = "ping", err = "late", ok = false, "Failed probe");
            tracing::debug!("Details");
            tracing::trace!("More details");
        });
        let lines = lines.lock().unwrap();
        // The lines of this file move: what they are is not the point.
        let mut text = lines.clone();
        for number in 1..=include_str!("klog.rs").lines().count() {
            text = text.replace(&format!("klog.rs:{number}]"), "klog.rs:N]");
            text = text.replace(&format!("klog.rs:{number}\""), "klog.rs:N\"");
        }
        text
    }

    #[tokio::test(start_paused = true)]
    async fn text_is_klogs() {
        insta::assert_snapshot!(logged(Settings::default()), @r#"
        E0104 09:53:46.000123       1 klog.rs:N] "Failed" err="EOF" node="n\"1" tries=2
        W0104 09:53:46.000123       1 klog.rs:N] "No effect" flag="--profiling"
        I0104 09:53:46.000123       1 klog.rs:N] "Failed probe" probe="ping" err="late" ok=false
        "#);
    }

    #[tokio::test(start_paused = true)]
    async fn json_is_component_bases() {
        let settings = Settings { verbosity: 2, format: Format::Json, ..Settings::default() };
        insta::assert_snapshot!(logged(settings), @r#"
        {"ts":1546595626000.123,"caller":"klog.rs:N","msg":"Failed","node":"n\"1","tries":2,"err":"EOF"}
        {"ts":1546595626000.123,"caller":"klog.rs:N","msg":"No effect","v":0,"flag":"--profiling"}
        {"ts":1546595626000.123,"caller":"klog.rs:N","msg":"Failed probe","v":0,"probe":"ping","err":"late","ok":false}
        {"ts":1546595626000.123,"caller":"klog.rs:N","msg":"Details","v":2}
        "#);
    }

    #[tokio::test(start_paused = true)]
    async fn vmodule_raises_the_verbosity_of_files() {
        let files = |text: &str| Settings { files: text.parse().unwrap(), ..Settings::default() };
        assert_eq!(logged(files("scrape=9")).lines().count(), 3);
        assert_eq!(logged(files("scrape=9,k*g=2")).lines().count(), 4);
        assert_eq!(logged(files("klog=9")).lines().count(), 5);
    }
}
