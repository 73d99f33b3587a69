use std::{num::NonZero, path::PathBuf, time::Duration};

use clap::Args;
use k8s_text::duration;

/// Flags of `scenario chaos`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How many runs, each with a seed of its own. Default: 100, or with --for as many as can be.
    #[arg(long, value_name = "NUMBER")]
    pub(super) seeds: Option<NonZero<u64>>,
    /// The first seed; the others follow it.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
    /// Begin no further run after this long.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    pub(super) time: Option<Duration>,
    /// The folder for the scenarios of failed runs and their time lines. It is made if needed.
    #[arg(long, value_name = "FOLDER", default_value = "chaos")]
    pub(super) out: PathBuf,
}
