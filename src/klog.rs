//! Log lines in klog's text format, which everything in Kubernetes writes and people grep for:
//! `E0104 09:53:46.000000       1 scrape.rs:120] "Failed to scrape node" err="…" node="k8s-node1"`.

use std::{fmt, fmt::Write, path::Path, sync::Arc};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use crate::doors::Clock;

/// Takes one line, without its end.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Formats events of this project's crates and hands them to a sink.
pub struct Klog {
    clock: Clock,
    pid: u32,
    most_verbose: Level,
    sink: Sink,
}

#[derive(Default)]
struct Fields {
    message: String,
    error: String,
    rest: String,
}

/// The crates whose events are logged: libraries log in their own words for their own developers.
const CRATES: [&str; 3] = ["metrics_server", "fake_kubelet", "harness"];

// === impl Klog ===

impl Klog {
    /// A formatter for klog verbosity `verbosity` (`-v`): 0 is for operators, 2 for those who look
    /// for a fault, 6 for developers.
    pub fn new(clock: Clock, pid: u32, verbosity: u8, sink: Sink) -> Self {
        let most_verbose = match verbosity {
            0 | 1 => Level::INFO,
            2..=5 => Level::DEBUG,
            _ => Level::TRACE,
        };
        Self { clock, pid, most_verbose, sink }
    }
}

impl<S: Subscriber> Layer<S> for Klog {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        let ours = metadata.target().split("::").next().is_some_and(|name| CRATES.contains(&name));
        ours && *metadata.level() <= self.most_verbose
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let severity = match *metadata.level() {
            Level::ERROR => 'E',
            Level::WARN => 'W',
            _ => 'I',
        };
        let file = metadata
            .file()
            .and_then(|file| Path::new(file).file_name()?.to_str())
            .unwrap_or("unknown");
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = format!(
            "{severity}{} {:>7} {file}:{}] {:?}{}{}",
            self.clock.now().strftime("%m%d %H:%M:%S.%6f"),
            self.pid,
            metadata.line().unwrap_or_default(),
            fields.message,
            fields.error,
            fields.rest,
        );
        (self.sink)(&line);
    }
}

// === impl Fields ===

impl Fields {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // klog says what went wrong before anything else.
        let part = if field.name() == "err" { &mut self.error } else { &mut self.rest };
        // Writing to a String cannot fail.
        let _ = write!(part, " {}={value}", field.name());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.add(field, format_args!("{:?}", format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, format_args!("{value}"));
    }
}
