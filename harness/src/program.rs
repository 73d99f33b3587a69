//! The program `scenario`: arguments, files, exit codes.

mod sandbox;

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    num::NonZero,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::sandbox::{SandboxArguments, SandboxError, WorldName};
use crate::{
    attack::{self, AttackError},
    bench::{self, BenchError},
    chaos::{self, ChaosError},
    explain::{self, ExplainError},
    file::{self, DiscoverError, FileErrors, Filter, ScenarioFile, discover},
    new::{self, NewError},
    report::{self, Collector, Progress, Target, Terminal, Waits, WriteError},
    run::{Options, Update, run_all, timed},
    up::{self, UpError},
    world::become_server,
};

/// The hidden command that a pod's process begins with.
pub(crate) const POD_COMMAND: &str = "pod";

/// Where scenarios are by default.
const DEFAULT_FOLDER: &str = "scenarios";

/// Exit code when an expectation does not hold.
const FAILED: u8 = 1;

/// Exit code for a bad file or bad usage; clap uses it for arguments too.
const BAD_INPUT: u8 = 2;

/// Exit code when a report cannot be written.
const NO_REPORT: u8 = 3;

/// Exit code where the sandbox world cannot be had.
const NO_SANDBOX: u8 = 4;

/// A Kubernetes cluster in a file: run it, and see what a metrics server makes of it.
///
/// Exit codes: 0, everything held; 1, an expectation failed, something is wrong (explain), or a
/// cluster or benchmark would not start; 2, a bad file or bad usage; 3, a report could not be written; 4, this machine does not allow
/// the sandbox world.
#[derive(Debug, Parser)]
#[command(name = "scenario", version, max_term_width = 100)]
struct Arguments {
    /// When to write colours. `auto`: on a terminal, unless the variable `NO_COLOR` is set.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Colour,
    /// This process is inside the namespaces of the sandbox world.
    #[arg(long, hide = true)]
    in_sandbox: bool,
    #[command(subcommand)]
    command: Command,
}

/// When to write colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios.
    Run(Box<Run>),
    /// List scenarios and what they are about.
    List(Files),
    /// Look for mistakes; nothing runs.
    Check(Files),
    /// Write a scenario to start from.
    New(new::Options),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Say what is wrong in a cluster, from its metrics server's log and what kubectl prints.
    Explain(explain::Options),
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
struct Run {
    #[command(flatten)]
    files: Files,
    /// Where they run.
    #[arg(long, value_name = "WORLD", default_value = "simulated")]
    world: WorldName,
    #[command(flatten)]
    sandbox: SandboxArguments,
    /// How many scenarios run side by side. Default: as many as there are cores; in the sandbox,
    /// where they mostly wait, eight times as many.
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<NonZero<usize>>,
    /// Print the time line of passed scenarios too.
    #[arg(long)]
    timeline: bool,
    /// Write a report to a file too: junit, json, markdown or html. May be given several times.
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    reports: Vec<Target>,
    /// Begin no other scenario once one has failed; reports say of the rest that it was skipped.
    #[arg(long)]
    fail_fast: bool,
}

/// What the process of a pod in the sandbox world becomes.
#[derive(Debug, Args)]
struct Pod {
    /// The pod's files.
    folder: PathBuf,
    /// The program and its arguments.
    #[arg(last = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct Up {
    /// The scenario file.
    file: PathBuf,
    /// Which case of the file's matrix.
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// The metrics server's program. Default: the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
    /// Hold the sandbox world open instead, at the addresses that the file says, with a shell in
    /// it. Leaving the shell takes the next step.
    #[arg(long)]
    shell: bool,
}

#[derive(Debug, Args)]
struct Files {
    /// Only scenarios whose path or `[case]` has this in it, fits it as a pattern with `*`, or that have labels
    /// such as `area=dns,profile!=extension`. Given several times, all must hold.
    #[arg(long, value_name = "NAME|LABELS")]
    filter: Vec<Filter>,
    /// Scenario files, or folders to search.
    #[arg(value_name = "FILE|FOLDER", default_value = DEFAULT_FOLDER)]
    paths: Vec<PathBuf>,
}

/// Why the program ends without having done its work.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error("{} scenario files have mistakes", .0.len())]
    Files(Vec<FileErrors>),
    #[error("no scenario fits --filter: see \"scenario list\" for names and labels")]
    NothingLeft,
    #[error("{} is several scenarios: choose one of them with --case: {cases}", .path.display())]
    Case { path: PathBuf, cases: String },
    #[error("{} has no matrix: leave --case out", .0.display())]
    NoMatrix(PathBuf),
    #[error("write: {0}")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Report(#[from] WriteError),
    #[error("two reports go to {}; give each a file of its own", .0.display())]
    SameFile(PathBuf),
    #[error(transparent)]
    Up(#[from] UpError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Attack(#[from] AttackError),
    #[error(transparent)]
    Explain(ExplainError),
    #[error(transparent)]
    New(#[from] NewError),
    #[error(transparent)]
    Chaos(#[from] ChaosError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Runs the program with the process's arguments.
#[allow(clippy::print_stderr, reason = "this is where the program talks to its user")]
pub fn main() -> ExitCode {
    let Arguments { color, in_sandbox, command } = Arguments::parse();
    let done = match command {
        Command::Run(run) if run.world == WorldName::Sandbox && !in_sandbox => {
            match enter_sandbox(&run) {
                Ok(code) => return code,
                Err(error) => Err(error),
            }
        }
        Command::Run(run) => self::run(&run, color),
        Command::Pod(Pod { folder, command }) => {
            eprintln!("error: start the program: {}", become_server(&folder, &command));
            return FAILED.into();
        }
        Command::List(files) => list(&files),
        Command::Check(files) => check(&files),
        Command::Schema => schema(),
        Command::Up(up) => match self::up(&up, in_sandbox) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Explain(options) => explain::explain(&options).map_err(Into::into),
        Command::New(options) => new::new(&options).map(|()| true).map_err(Into::into),
        Command::Bench(options) => bench::bench(&options).map(|()| true).map_err(Into::into),
        Command::Chaos(options) => chaos::chaos(&options).map_err(Into::into),
        Command::Attack(options) => attack::attack(&options).map_err(Into::into),
        Command::BenchCluster(options) => {
            bench::run_cluster(&options).map(|()| true).map_err(Into::into)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => FAILED.into(),
        // The reader of our output has closed the pipe.
        Err(ProgramError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            match error {
                ProgramError::Files(errors) => {
                    let colour = color.on(io::stderr().is_terminal());
                    let texts: Vec<_> = errors.iter().map(|e| e.render(colour)).collect();
                    let texts: Vec<_> = texts.iter().map(|text| text.trim_end()).collect();
                    eprintln!("{}", texts.join("\n\n"));
                }
                ProgramError::Report(error) => {
                    eprintln!("error: {error}");
                    return NO_REPORT.into();
                }
                ProgramError::Chaos(error) => {
                    eprintln!("error: {error}");
                    return NO_REPORT.into();
                }
                ProgramError::Up(error) => {
                    eprintln!("error: {error}");
                    return FAILED.into();
                }
                ProgramError::Sandbox(error) => {
                    eprintln!("error: {error}");
                    return match error {
                        SandboxError::Namespaces(_) => NO_SANDBOX.into(),
                        _ => BAD_INPUT.into(),
                    };
                }
                ProgramError::Bench(error) => {
                    eprintln!("error: {error}");
                    return FAILED.into();
                }
                ProgramError::Attack(error) => {
                    eprintln!("error: {error}");
                    return FAILED.into();
                }
                error => eprintln!("error: {error}"),
            }
            BAD_INPUT.into()
        }
    }
}

fn run(run: &Run, color: Colour) -> Result<bool, ProgramError> {
    let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let mut paths: Vec<_> = run.reports.iter().map(|it| (whole(&it.path), &it.path)).collect();
    paths.sort();
    if let Some(same) = paths.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(ProgramError::SameFile(same[0].1.clone()));
    }
    let files = load(&run.files)?;
    let open = report::open(&run.reports)?;
    let out = io::stdout();
    let is_terminal = out.is_terminal();
    let mut terminal = Terminal::new(&out, color.on(is_terminal), run.timeline);
    let mut progress =
        Progress::new(&out, files.len(), is_terminal && run.world == WorldName::Simulated);
    let (err, err_is_terminal) = (io::stderr(), io::stderr().is_terminal());
    let mut waits = Waits::new(&err, files.len(), err_is_terminal);
    let sandbox = match run.world {
        WorldName::Simulated => None,
        WorldName::Sandbox => Some(run.sandbox.options()?),
    };
    let jobs = run.jobs.or_else(|| sandbox.as_ref().and_then(|_| sandbox::default_jobs()));
    let options = Options {
        sandbox: sandbox.as_ref(),
        jobs,
        compare_usage: !open.is_empty(),
        fail_fast: run.fail_fast,
    };
    let world = options.world();
    let mut collector = Collector::new(&files, world.clone());
    let mut written = Ok(());
    let ((), took) = timed(|| {
        run_all(&files, options, |update| match update {
            Update::Ended(index, outcome, took) => {
                let passed = outcome.failures.is_empty();
                waits.ended(index, passed);
                if written.is_ok() {
                    written = waits
                        .clear()
                        .and_then(|()| progress.clear())
                        .and_then(|()| terminal.ended(&files[index], &outcome, took))
                        .and_then(|()| progress.ended(passed));
                }
                if !open.is_empty() {
                    collector.ended(index, *outcome, took);
                }
            }
            Update::Waits(index, waiting) => waits.waits(index, files[index].name(), waiting),
            // Who cannot read it has other worries.
            Update::Second => drop(waits.second()),
        });
    });
    // A user who has closed the terminal's pipe may still want the reports.
    if !open.is_empty() {
        report::write(&collector.finish(took), open)?;
    }
    written?;
    progress.clear()?;
    waits.clear()?;
    Ok(terminal.summary(files.len(), took, &world)?)
}

/// Mistakes in files are reported before anything is required of the machine.
fn enter_sandbox(run: &Run) -> Result<ExitCode, ProgramError> {
    load(&run.files)?;
    Ok(sandbox::enter(run.sandbox.server.as_deref())?)
}

fn list(files: &Files) -> Result<bool, ProgramError> {
    let mut out = io::stdout().lock();
    for file in load(files)? {
        let about = file.scenario.spec.about.split_whitespace().collect::<Vec<_>>().join(" ");
        let labels = file.scenario.metadata.labels.iter();
        let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!(" {}", labels.join(",")) };
        writeln!(out, "{}{labels}\n    {about}", file.full_name())?;
    }
    Ok(true)
}

fn check(files: &Files) -> Result<bool, ProgramError> {
    let count = load(files)?.len();
    let scenarios = if count == 1 { "scenario" } else { "scenarios" };
    writeln!(io::stdout(), "{count} {scenarios}, no mistakes")?;
    Ok(true)
}

fn up(up: &Up, in_sandbox: bool) -> Result<ExitCode, ProgramError> {
    let files = file::load_cluster(&up.file).map_err(|errors| ProgramError::Files(vec![errors]))?;
    let cases: Vec<_> = files.iter().filter_map(|file| file.case.clone()).collect();
    let mut chosen = files.iter().filter(|file| up.case.is_none() || file.case == up.case);
    let (Some(file), None) = (chosen.next(), chosen.next()) else {
        if cases.is_empty() {
            return Err(ProgramError::NoMatrix(up.file.clone()));
        }
        return Err(ProgramError::Case { path: up.file.clone(), cases: cases.join(", ") });
    };
    match (up.shell, in_sandbox) {
        (false, _) => up::up(file, up.server.as_deref())?,
        (true, false) => return Ok(sandbox::enter(up.server.as_deref())?),
        (true, true) => up::hold_open(file, &sandbox::inside(up.server.as_deref())?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn schema() -> Result<bool, ProgramError> {
    writeln!(io::stdout(), "{:#}", file::editor_schema())?;
    Ok(true)
}

/// Reads all files; what is wrong with any of them is reported at once.
fn load(files: &Files) -> Result<Vec<ScenarioFile>, ProgramError> {
    let mut loaded = Vec::new();
    let mut errors = Vec::new();
    for path in discover(&files.paths)? {
        match file::load(&path) {
            Ok(cases) => loaded.extend(
                cases
                    .into_iter()
                    .filter(|file| files.filter.iter().all(|filter| filter.matches(file))),
            ),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(ProgramError::Files(errors));
    }
    if loaded.is_empty() { Err(ProgramError::NothingLeft) } else { Ok(loaded) }
}

// === impl ProgramError ===

impl From<ExplainError> for ProgramError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Write(error) => Self::Write(error),
            error @ ExplainError::Read { .. } => Self::Explain(error),
        }
    }
}

// === impl Colour ===

impl Colour {
    /// Whether to write colours to a stream: <https://no-color.org>.
    fn on(self, is_terminal: bool) -> bool {
        let unwanted = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Auto => is_terminal && !unwanted(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}
