//! The program `scenario`: arguments, files, exit codes.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    attack::{self, AttackError},
    bench::{self, BenchError},
    file::{self, DiscoverError, FileErrors, Filter, ScenarioFile, discover},
    report::{self, Collector, Progress, Target, Terminal, WriteError},
    run::{Options, run_all, timed},
    up::{self, UpError},
};

/// Where scenarios are when nothing else is said.
const DEFAULT_FOLDER: &str = "scenarios";

/// Exit code when an expectation does not hold.
const FAILED: u8 = 1;

/// Exit code for a bad file or bad usage; clap uses it for arguments too.
const BAD_INPUT: u8 = 2;

/// Exit code when a report cannot be written.
const NO_REPORT: u8 = 3;

/// A Kubernetes cluster in a file: run it, and see what a metrics server makes of it.
///
/// Exit codes: 0, everything held; 1, an expectation failed, or a cluster or benchmark would not
/// start; 2, a bad file or bad usage; 3, a report could not be written.
#[derive(Debug, Parser)]
#[command(name = "scenario", version, max_term_width = 100)]
struct Arguments {
    /// When to write colours. `auto`: on a terminal, unless the variable `NO_COLOR` is set.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Colour,
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
    /// Run scenarios in the simulated world.
    Run(Run),
    /// List scenarios and what they are about.
    List(Files),
    /// Look for mistakes; nothing runs.
    Check(Files),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Measure what a metrics server costs in a large cluster on this machine.
    Bench(bench::Options),
    /// Attack a metrics server on this machine in many ways, and see whether it answers its users.
    Attack(attack::Options),
    #[command(hide = true)]
    BenchCluster(bench::ClusterOptions),
    /// Bring a scenario's cluster up for real on this machine, until Ctrl-C.
    Up(Up),
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    files: Files,
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
}

/// Runs the program with the process's arguments.
#[allow(clippy::print_stderr, reason = "this is where the program talks to its user")]
pub fn main() -> ExitCode {
    let Arguments { color, command } = Arguments::parse();
    let done = match command {
        Command::Run(run) => self::run(&run, color),
        Command::List(files) => list(&files),
        Command::Check(files) => check(&files),
        Command::Schema => schema(),
        Command::Up(up) => self::up(&up),
        Command::Bench(options) => bench::bench(&options).map(|()| true).map_err(Into::into),
        Command::Attack(options) => attack::attack(&options).map_err(Into::into),
        Command::BenchCluster(options) => {
            bench::run_cluster(&options).map(|()| true).map_err(Into::into)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => FAILED.into(),
        // Whoever reads our output has seen enough.
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
                ProgramError::Up(error) => {
                    eprintln!("error: {error}");
                    return FAILED.into();
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
    let mut progress = Progress::new(&out, files.len(), is_terminal);
    let mut collector = Collector::new(&files);
    let options = Options { compare_usage: !open.is_empty(), fail_fast: run.fail_fast };
    let mut written = Ok(());
    let ((), took) = timed(|| {
        run_all(&files, options, |index, outcome, took| {
            if written.is_ok() {
                written = progress
                    .clear()
                    .and_then(|()| terminal.ended(&files[index], &outcome, took))
                    .and_then(|()| progress.ended(outcome.passed()));
            }
            if !open.is_empty() {
                collector.ended(index, outcome, took);
            }
        });
    });
    // Whoever has stopped reading the terminal may still want the reports.
    if !open.is_empty() {
        report::write(&collector.finish(took), open)?;
    }
    written?;
    progress.clear()?;
    Ok(terminal.summary(files.len(), took)?)
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

fn up(up: &Up) -> Result<bool, ProgramError> {
    let files = file::load(&up.file).map_err(|errors| ProgramError::Files(vec![errors]))?;
    let cases: Vec<_> = files.iter().filter_map(|file| file.case.clone()).collect();
    let mut chosen = files.iter().filter(|file| up.case.is_none() || file.case == up.case);
    let (Some(file), None) = (chosen.next(), chosen.next()) else {
        if cases.is_empty() {
            return Err(ProgramError::NoMatrix(up.file.clone()));
        }
        return Err(ProgramError::Case { path: up.file.clone(), cases: cases.join(", ") });
    };
    up::up(file, up.server.as_deref())?;
    Ok(true)
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
