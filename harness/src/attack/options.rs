use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use k8s_text::duration;

use super::attacks::Attack;
use crate::bench::Size;

/// What to attack, and how long.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pub(super) size: Size,
    /// How long each attack lasts.
    #[arg(long = "for", value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub(super) duration: Duration,
    /// Only this attack; may be given many times. Default: all.
    #[arg(long = "attack", value_name = "NAME")]
    pub(super) only: Vec<Attack>,
    /// How many connections the attacks with the most of them have.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub(super) crowd: usize,
    /// From one scrape of a kubelet to the next.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    pub(super) resolution: Duration,
    /// The metrics server's program. Default: the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) server: Option<PathBuf>,
    /// One more argument for it; may be given many times.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub(super) server_arg: Vec<String>,
    /// Users at addresses of their own may wait this long at the 99th percentile.
    #[arg(long, value_name = "DURATION", default_value = "250ms", value_parser = duration::parse)]
    pub(super) p99: Duration,
    /// A probe that takes longer has failed: a kubelet's `timeoutSeconds`.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse)]
    pub(super) probe_timeout: Duration,
    /// The server's memory may grow by this number of MiB in an attack.
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    pub(super) memory: u64,
    /// Where to write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

// === impl Options ===

impl Options {
    /// In the order of their definition, each once.
    pub(super) fn attacks(&self) -> impl Iterator<Item = Attack> {
        let all = Attack::value_variants().iter().copied();
        all.filter(|attack| self.only.is_empty() || self.only.contains(attack))
    }
}
