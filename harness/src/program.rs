//! The program `scenario`: arguments, files, exit codes.

mod arguments;
mod error;
mod sandbox;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;

use self::{
    arguments::{Arguments, Colour, Command, Doctor, Files, Pod, Run, Up},
    error::{FAILED, ProgramError},
    sandbox::WorldName,
};
use crate::{
    attack, bench, capture, chaos, compare, diagnose, explain,
    file::{self, ScenarioFile, discover},
    known_failures::{KnownFailures, TestedProgram},
    new,
    report::{self, Collector, Earlier, Progress, Target, Terminal, Verdict, Waits},
    run::{Options, Update, run_all, timed},
    up,
    world::become_server,
};

/// The hidden command that a pod's process begins with.
pub(crate) const POD_COMMAND: &str = "pod";

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let Arguments { color, in_sandbox, command } = Arguments::parse();
    run_command(color, in_sandbox, command)
}

/// Runs `scenario diagnose`, as a program of its own.
pub fn doctor() -> ExitCode {
    let Doctor { color, options } = Doctor::parse();
    run_command(color, false, Command::Diagnose(options))
}

#[allow(clippy::print_stderr, reason = "this is where the program talks to its user")]
fn run_command(color: Colour, in_sandbox: bool, command: Command) -> ExitCode {
    let done = match command {
        Command::Run(run) if run.world == WorldName::Sandbox && !in_sandbox => {
            match enter_sandbox(&run) {
                Ok(code) => return code,
                Err(error) => Err(error),
            }
        }
        Command::Run(run) => self::run(&run, color),
        Command::Pod(Pod { folder, command }) => {
            eprintln!("error: failed to start the program: {}", become_server(&folder, &command));
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
        Command::Capture(options) => capture::capture(&options).map(|()| true).map_err(Into::into),
        Command::Diagnose(options) => match diagnose::diagnose(&options) {
            Ok(verdict) => return verdict.exit_code().into(),
            Err(error) => Err(error.into()),
        },
        Command::New(options) => new::new(&options).map(|()| true).map_err(Into::into),
        Command::Compare(options) => compare::compare(&options).map(|()| true).map_err(Into::into),
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
            eprintln!("{}", error.render(color));
            error.exit_code().into()
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
    let (files, known) = load_run(run)?;
    let open = report::open(&run.reports)?;
    // A report on standard output must not be mixed with other text.
    let is_stdout_free = !run.reports.iter().any(Target::is_stdout);
    let out = || -> Box<dyn Write> {
        if is_stdout_free { Box::new(io::stdout()) } else { Box::new(io::stderr()) }
    };
    let is_terminal =
        if is_stdout_free { io::stdout().is_terminal() } else { io::stderr().is_terminal() };
    let mut terminal = Terminal::new(out(), color.on(is_terminal), run.timeline);
    let mut progress =
        Progress::new(out(), files.len(), is_terminal && run.world == WorldName::Simulated);
    let (err, err_is_terminal) = (io::stderr(), io::stderr().is_terminal());
    let mut waits = Waits::new(&err, files.len(), err_is_terminal);
    let sandbox = match run.world {
        WorldName::Simulated => None,
        WorldName::Sandbox => Some(run.sandbox.options()?),
    };
    let jobs = run.jobs.or_else(|| sandbox.as_ref().and_then(|_| sandbox::default_jobs()));
    let tested = sandbox.as_ref().map(|it| TestedProgram::read(&it.program)).transpose();
    let tested = tested.map_err(sandbox::SandboxError::System)?;
    let known = known.reasons(&files, tested.as_ref());
    drop(tested);
    let options = Options {
        sandbox: sandbox.as_ref(),
        jobs,
        compare_usage: !open.is_empty(),
        fail_fast: run.fail_fast,
        known_failures: &known,
    };
    let world = options.world();
    let mut collector = Collector::new(&files, world.clone());
    let mut written = Ok(());
    let ((), took) = timed(|| {
        run_all(&files, options, |update| match update {
            Update::Ended(index, outcome, took) => {
                let passed = outcome.verdict() != Verdict::Failed;
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
            // Progress that cannot be shown is no reason to stop.
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
    load_run(run)?;
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

/// The scenarios of a run, and which of them are known to fail.
fn load_run(run: &Run) -> Result<(Vec<ScenarioFile>, KnownFailures), ProgramError> {
    let mut files = load(&run.files)?;
    let known = KnownFailures::read(&run.known_failures).map_err(ProgramError::KnownFailures)?;
    if let Some(path) = &run.failed_of {
        let earlier = Earlier::read(path)?;
        files.retain(|file| earlier.is_open(file));
    }
    Ok((files, known))
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
