use std::{path::PathBuf, time::Duration};

use clap::Args;
use k8s_text::duration;

use super::Size;

/// What to measure, and how long.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub(super) size: Size,
    /// Over how many cycles the cost of one is averaged.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) cycles: u32,
    /// From one scrape of a kubelet to the next.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    pub(super) resolution: Duration,
    /// The metrics server's program. Default: the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) server: Option<PathBuf>,
    /// One more argument for it; may be given many times.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub(super) server_arg: Vec<String>,
    /// Another metrics server, to be measured after it and compared with it.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) vs: Option<PathBuf>,
    /// One more argument for the other one; may be given many times.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true, requires = "vs")]
    pub(super) vs_arg: Vec<String>,
    /// Where to write the figures as JSON; docs/performance.md explains its fields.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

// === impl Options ===

impl Options {
    /// The plan of the measurement, printed before it starts.
    pub(super) fn plan(&self) -> String {
        let Size { nodes, pods, containers } = self.size;
        format!(
            "{nodes} nodes, {pods} pods a node, {containers} containers a pod; {} cycles of {} after the first two",
            self.cycles,
            duration::format(self.resolution)
        )
    }
}
