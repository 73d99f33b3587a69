//! Arguments of the program `scenario`.

use std::{ffi::OsString, num::NonZero, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    POD_COMMAND,
    sandbox::{SandboxArguments, WorldName},
};
use crate::{
    attack, bench, capture, chaos, compare, diagnose, explain, file::Filter, new, report::Target,
};

/// Where scenarios are by default.
const DEFAULT_FOLDER: &str = "scenarios";

/// A Kubernetes cluster in a file: run it, and see what a metrics server makes of it.
///
/// Exit codes: 0, everything held; 1, an expectation failed, something is wrong (explain, diagnose),
/// or a cluster or benchmark would not start; 2, a bad file or bad usage; 3, a report could not be
/// written; 4, this machine does not allow the sandbox world; 5, something is wrong and no cure was
/// found (diagnose); 6, the simulated cluster does not behave as the real one (diagnose).
#[derive(Debug, Parser)]
#[command(name = "scenario", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// When to write colours. `auto`: on a terminal, unless the variable `NO_COLOR` is set.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Colour,
    /// This process is inside the namespaces of the sandbox world.
    #[arg(long, hide = true)]
    pub(super) in_sandbox: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Says what is wrong with the metrics of a cluster, and finds the change that cures it.
#[derive(Debug, Parser)]
#[command(name = "kubectl metrics-doctor", version, max_term_width = 100)]
pub(super) struct Doctor {
    /// When to write colours. `auto`: on a terminal, unless the variable `NO_COLOR` is set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Colour,
    #[command(flatten)]
    pub(super) options: diagnose::Options,
}

/// When to write colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios.
    Run(Box<Run>),
    /// List scenarios and what they are about.
    List(Files),
    /// Look for mistakes; nothing runs.
    Check(Files),
    /// Write a scenario that shows a cluster as it is.
    Capture(capture::Options),
    /// Write a scenario to start from.
    New(new::Options),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Say what is wrong in a cluster, from its metrics server's log and what kubectl prints.
    Explain(explain::Options),
    /// Compare the reports of several servers.
    Compare(compare::Options),
    /// Find the change that cures a cluster, in simulation.
    Diagnose(diagnose::Options),
    /// Measure what a metrics server costs in a large cluster on this machine.
    Bench(bench::Options),
    /// Let random things go wrong in random clusters, and see whether the laws hold.
    Chaos(chaos::Options),
    /// Attack a metrics server on this machine in many ways, and see whether it answers its users.
    Attack(attack::Options),
    #[command(hide = true)]
    BenchCluster(bench::ClusterOptions),
    #[command(hide = true, name = POD_COMMAND)]
    Pod(Pod),
    /// Bring a scenario's cluster up for real on this machine, until Ctrl-C.
    Up(Up),
}

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) files: Files,
    /// Where they run.
    #[arg(long, value_name = "WORLD", default_value = "simulated")]
    pub(super) world: WorldName,
    #[command(flatten)]
    pub(super) sandbox: SandboxArguments,
    /// How many scenarios run side by side. Default: as many as there are cores; in the sandbox,
    /// where they mostly wait, eight times as many.
    #[arg(long, value_name = "NUMBER")]
    pub(super) jobs: Option<NonZero<usize>>,
    /// Print the time line of passed scenarios too.
    #[arg(long)]
    pub(super) timeline: bool,
    /// Write a report too: junit, json, markdown, html or github (annotations of GitHub Actions). `-` is
    /// standard output; what else is printed then goes to standard error. May be given several times.
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub(super) reports: Vec<Target>,
    /// Scenarios that are known to fail, each with a reason, in YAML. Their failures are shown, and
    /// do not fail the run; that one of them passes does. May be given several times.
    #[arg(long = "known-failures", value_name = "FILE")]
    pub(super) known_failures: Vec<PathBuf>,
    /// Run only scenarios that failed in an earlier run, or that --fail-fast kept from beginning:
    /// what it wrote with `--report json=REPORT`.
    #[arg(long, value_name = "REPORT")]
    pub(super) failed_of: Option<PathBuf>,
    /// Begin no other scenario once one has failed; reports say of the rest that it was skipped.
    #[arg(long)]
    pub(super) fail_fast: bool,
}

/// What the process of a pod in the sandbox world becomes.
#[derive(Debug, Args)]
pub(super) struct Pod {
    /// The pod's files.
    pub(super) folder: PathBuf,
    /// The program and its arguments.
    #[arg(last = true)]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(super) struct Up {
    /// The scenario file.
    pub(super) file: PathBuf,
    /// Which case of the file's matrix.
    #[arg(long, value_name = "NAME")]
    pub(super) case: Option<String>,
    /// The metrics server's program. Default: the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) server: Option<PathBuf>,
    /// Hold the sandbox world open instead, at the addresses that the file says, with a shell in
    /// it. Leaving the shell takes the next step.
    #[arg(long)]
    pub(super) shell: bool,
}

#[derive(Debug, Args)]
pub(super) struct Files {
    /// Only scenarios whose path or `[case]` has this in it, fits it as a pattern with `*`, or that have labels
    /// such as `area=dns,profile!=extension`. Given several times, all must hold.
    #[arg(long, value_name = "NAME|LABELS")]
    pub(super) filter: Vec<Filter>,
    /// Scenario files, or folders to search.
    #[arg(value_name = "FILE|FOLDER", default_value = DEFAULT_FOLDER)]
    pub(super) paths: Vec<PathBuf>,
}

// === impl Colour ===

impl Colour {
    /// Whether to write colours to a stream: <https://no-color.org>.
    pub(super) fn on(self, is_terminal: bool) -> bool {
        let unwanted = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Auto => is_terminal && !unwanted(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}
