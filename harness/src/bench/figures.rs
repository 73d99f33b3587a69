//! What was measured. The JSON that `--json` writes has these fields; docs/performance.md explains
//! them.

use std::{num::NonZero, path::PathBuf, thread};

use serde::Serialize;

use super::{Options, Size, process::Memory};

/// One run of the benchmark.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bench {
    pub(super) cores: usize,
    pub(super) size: Size,
    pub(super) resolution_seconds: f64,
    pub(super) cycles: u32,
    /// One, or the two that are compared.
    pub(super) programs: Vec<Figures>,
}

/// What one program costs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// The size of the program's file.
    pub(super) bytes: u64,
    pub(super) start: Start,
    pub(super) cycle: Cycle,
    pub(super) memory_before_lists: Memory,
    pub(super) lists: Vec<List>,
    pub(super) memory_after_lists: Memory,
}

/// From the start of the program on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    /// CPU seconds until the first kubelet was scraped: nodes and pods are known then.
    pub(super) cpu_seconds: f64,
    /// The same in time.
    pub(super) seconds: f64,
    /// CPU seconds of the first cycle, in which all connections are made.
    pub(super) first_cycle_cpu_seconds: f64,
}

/// A cycle once connections are open, on average.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cycle {
    pub(super) cpu_seconds: f64,
    /// What the cluster around the server spent in the same time: kubelets, above all.
    pub(super) cluster_cpu_seconds: f64,
    /// How many kubelets answered.
    pub(super) answered: f64,
    /// From the first scrape to the last.
    pub(super) spread_seconds: f64,
    /// Scrapes in the busiest tenth of a second, as a multiple of what an even spread would have.
    pub(super) busiest: f64,
}

/// One request, sent many times.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    pub(super) what: &'static str,
    pub(super) path: String,
    pub(super) times: u32,
    pub(super) items: usize,
    /// The size of the answer.
    pub(super) bytes: usize,
    pub(super) median_seconds: f64,
    pub(super) least_seconds: f64,
    /// CPU seconds of the server for one answer.
    pub(super) cpu_seconds: f64,
}

/// A figure of every program, for a table.
pub(super) struct Row {
    pub(super) what: String,
    pub(super) unit: Unit,
    pub(super) values: Vec<f64>,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Cpu,
    Time,
    Bytes,
    Count,
    Times,
}

// === impl Bench ===

impl Bench {
    /// Nothing measured yet.
    pub(super) fn new(options: &Options) -> Self {
        Self {
            cores: thread::available_parallelism().map_or(0, NonZero::get),
            size: options.size,
            resolution_seconds: options.resolution.as_secs_f64(),
            cycles: options.cycles,
            programs: Vec::new(),
        }
    }

    /// All figures, one a row. Every program answers the same questions in the same order.
    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |what: &str, unit, value: &dyn Fn(&Figures) -> f64| Row {
            what: what.to_owned(),
            unit,
            values: self.programs.iter().map(value).collect(),
        };
        let bytes = |bytes: u64| bytes as f64;
        let mut rows = vec![
            row("program, size", Unit::Bytes, &|f| bytes(f.bytes)),
            row("start to the first scrape, CPU", Unit::Cpu, &|f| f.start.cpu_seconds),
            row("start to the first scrape", Unit::Time, &|f| f.start.seconds),
            row("first cycle, CPU", Unit::Cpu, &|f| f.start.first_cycle_cpu_seconds),
            row("later cycles, CPU each", Unit::Cpu, &|f| f.cycle.cpu_seconds),
            row("  (the cluster around it)", Unit::Cpu, &|f| f.cycle.cluster_cpu_seconds),
            row("  kubelets that answered", Unit::Count, &|f| f.cycle.answered),
            row("  from first to last scrape", Unit::Time, &|f| f.cycle.spread_seconds),
            row("  busiest 100 ms against even", Unit::Times, &|f| f.cycle.busiest),
            row("memory before lists", Unit::Bytes, &|f| bytes(f.memory_before_lists.resident)),
            row("memory after lists", Unit::Bytes, &|f| bytes(f.memory_after_lists.resident)),
            row("memory at its peak", Unit::Bytes, &|f| bytes(f.memory_after_lists.peak)),
        ];
        for (index, list) in self.programs.first().into_iter().flat_map(|f| &f.lists).enumerate() {
            let list_row = |suffix: &str, unit, value: &dyn Fn(&List) -> f64| {
                let what = format!("{}{suffix}", list.what);
                row(&what, unit, &|figures| figures.lists.get(index).map_or(f64::NAN, value))
            };
            rows.extend([
                list_row(", median", Unit::Time, &|list| list.median_seconds),
                list_row(", CPU", Unit::Cpu, &|list| list.cpu_seconds),
                list_row(", items", Unit::Count, &|list| list.items as f64),
                list_row(", size", Unit::Bytes, &|list| list.bytes as f64),
            ]);
        }
        rows
    }
}

// === impl Unit ===

impl Unit {
    /// A figure as people read it.
    pub(super) fn format(self, value: f64) -> String {
        const MEGABYTE: f64 = 1e6;
        const KILOBYTE: f64 = 1e3;
        match self {
            Self::Cpu if value < 0.1 => format!("{:.1} CPU-ms", value * 1e3),
            Self::Cpu => format!("{value:.2} CPU-s"),
            Self::Time if value < 1.0 => format!("{:.1} ms", value * 1e3),
            Self::Time => format!("{value:.2} s"),
            Self::Bytes if value < MEGABYTE => format!("{:.1} kB", value / KILOBYTE),
            Self::Bytes => format!("{:.1} MB", value / MEGABYTE),
            Self::Count => format!("{value:.0}"),
            Self::Times => format!("{value:.1}×"),
        }
    }
}
