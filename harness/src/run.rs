//! Runs scenarios: their steps in order, many of them side by side.

mod side_by_side;
mod steps;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::runtime::{Builder, Runtime};

pub use self::side_by_side::{Options, Stopwatch, Update, run_all, timed};
pub(crate) use self::steps::run_step;
use self::steps::run_steps;
use crate::{
    events::Event,
    expect::Mismatch,
    expected_usage::Comparison,
    file::ScenarioFile,
    report::Verdict,
    world::{Sandbox, SandboxOptions, Simulated, WorldError, skip_reason},
};

/// What a scenario waits for, in a world where time is real.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The step.
    pub step: String,
    /// For what.
    pub what: String,
    /// How long it takes, most likely.
    pub left: Duration,
}

/// Gets to know what a scenario waits for.
pub(crate) type TellWaiting<'a> = dyn Fn(Waiting) + Send + Sync + 'a;

/// What became of a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// What failed; nothing if it passed.
    pub failures: Vec<Failure>,
    /// Why it was not run.
    pub skipped: Option<String>,
    /// Why this program is known to fail it, if it did.
    pub known_failure: Option<String>,
    /// Everything that happened.
    pub events: Vec<Event>,
    /// How much time passed in the cluster.
    pub cluster_time: SignedDuration,
    /// Expected and reported usage; empty unless [`Options::compare_usage`].
    pub usage: Comparison,
}

/// What can fail in a scenario.
#[derive(Debug)]
pub enum Failure {
    /// The world could not be built or changed.
    World(WorldError),
    /// The harness panicked. Other scenarios still run.
    Panic(String),
    /// The server did not do what was waited for.
    Wait {
        /// Index of the step.
        step: usize,
        /// What was waited for.
        waited_for: String,
    },
    /// The server refused to start, or ended, which no expectation allows.
    Ended {
        /// Index of the step.
        step: usize,
        /// Why.
        reason: String,
    },
    /// Everything held, although the program is known to fail.
    Passed {
        /// Why it would fail.
        known: String,
    },
    /// An expectation does not hold.
    Expectation {
        /// Index of the step.
        step: usize,
        /// Index of the expectation in the step.
        expectation: usize,
        /// What was seen instead.
        mismatch: Mismatch,
    },
}

/// Runs one scenario in the simulated world, on this thread.
pub fn run(file: &ScenarioFile) -> Outcome {
    run_with(file, Options::default(), &|_| {})
}

/// Runs one scenario in the simulated world, on this thread, and then `look`s at its world.
pub fn run_and_look<T>(
    file: &ScenarioFile,
    look: impl AsyncFnOnce(&Simulated) -> T,
) -> Result<(Outcome, T), WorldError> {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.map_err(WorldError::Runtime)?.block_on(async {
        let mut world = Simulated::build(file).await?;
        let outcome = run_steps(file, &mut world, false, &|_| {}).await;
        let seen = look(&world).await;
        Ok((outcome, seen))
    })
}

/// The same, comparing reported with expected usage.
pub(crate) fn run_comparing(file: &ScenarioFile) -> Outcome {
    run_with(file, Options { compare_usage: true, ..Options::default() }, &|_| {})
}

/// Runs one scenario. A panic fails this scenario only.
fn run_with(file: &ScenarioFile, options: Options<'_>, tell: &TellWaiting<'_>) -> Outcome {
    let run = || match options.sandbox {
        None => block_on(true, simulate(file, options.compare_usage)),
        Some(sandbox) => match skip_reason(file, sandbox) {
            Some(reason) => Outcome { skipped: Some(reason), ..Outcome::empty() },
            // The thread moves to another network, for good.
            None => thread::scope(|scope| {
                let run = scope.spawn(|| block_on(false, run_in_sandbox(file, sandbox, tell)));
                run.join().unwrap_or_else(|panic| Outcome::panicked(&*panic))
            }),
        },
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Outcome::panicked(&*panic))
}

/// Builds a scenario's cluster in the simulated world, on this thread, and lets `work` use it
/// before any step.
pub(crate) fn in_simulated_world<T>(
    file: &ScenarioFile,
    work: impl AsyncFnOnce(&mut Simulated) -> T,
) -> Result<T, Failure> {
    let run = || {
        let build_and_use = async {
            let mut world = Simulated::build(file).await.map_err(Failure::World)?;
            Ok(work(&mut world).await)
        };
        runtime(true).and_then(|runtime| runtime.block_on(build_and_use))
    };
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| Err(Failure::Panic(text_of(&*panic))))
}

fn block_on(paused: bool, run: impl Future<Output = Outcome>) -> Outcome {
    match runtime(paused) {
        Ok(runtime) => runtime.block_on(run),
        Err(failure) => Outcome::failed(failure),
    }
}

fn runtime(paused: bool) -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().start_paused(paused).build();
    runtime.map_err(|error| Failure::World(WorldError::Runtime(error)))
}

/// What a panic has printed.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned()
}

async fn simulate(file: &ScenarioFile, compare_usage: bool) -> Outcome {
    match Simulated::build(file).await {
        Ok(mut world) => run_steps(file, &mut world, compare_usage, &|_| {}).await,
        Err(error) => Outcome::failed(Failure::World(error)),
    }
}

async fn run_in_sandbox(
    file: &ScenarioFile,
    options: &SandboxOptions,
    tell: &TellWaiting<'_>,
) -> Outcome {
    match Sandbox::build(file, options).await {
        Ok(mut world) => run_steps(file, &mut world, false, tell).await,
        Err(error) => Outcome::failed(Failure::World(error)),
    }
}

// === impl Outcome ===

impl Outcome {
    fn empty() -> Self {
        Self {
            failures: Vec::new(),
            skipped: None,
            known_failure: None,
            events: Vec::new(),
            cluster_time: SignedDuration::ZERO,
            usage: Comparison::default(),
        }
    }

    fn failed(failure: Failure) -> Self {
        Self { failures: vec![failure], ..Self::empty() }
    }

    fn panicked(panic: &(dyn Any + Send)) -> Self {
        Self::failed(Failure::Panic(text_of(panic)))
    }

    /// The same for a program that is known to fail the scenario.
    fn known_to_fail(mut self, known: String) -> Self {
        match self.failures.as_slice() {
            [] if self.skipped.is_none() => self.failures.push(Failure::Passed { known }),
            failures if failures.iter().any(Failure::is_harness) => {}
            _ => self.known_failure = Some(known),
        }
        self
    }

    /// Whether everything held.
    pub fn passed(&self) -> bool {
        self.verdict() == Verdict::Passed
    }

    /// Its result, in a word.
    pub fn verdict(&self) -> Verdict {
        match (&self.skipped, self.failures.as_slice(), &self.known_failure) {
            (Some(_), ..) => Verdict::Skipped,
            (None, [], _) => Verdict::Passed,
            (None, _, Some(_)) => Verdict::Known,
            (None, _, None) => Verdict::Failed,
        }
    }

    /// The time line as text, a line an event.
    pub fn transcript(&self) -> String {
        self.events.iter().fold(String::new(), |text, event| text + &event.to_string() + "\n")
    }
}

// === impl Failure ===

impl Failure {
    /// Whether the harness failed, not the program.
    fn is_harness(&self) -> bool {
        matches!(self, Self::World(_) | Self::Panic(_))
    }
}
