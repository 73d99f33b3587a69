//! Runs scenarios: their steps in order, many of them side by side.

use std::{
    collections::BTreeMap,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::{
    runtime::Builder,
    time::{Instant, sleep},
};

use crate::{
    events::{Event, Mark, What},
    expect::{self, Mismatch},
    expected_usage::Comparison,
    file::{
        ScenarioFile,
        format::{Expectation, Step, Wait},
    },
    world::{Simulated, WorldError},
};

/// How long after its time a cycle may end before the wait for it fails.
const CYCLE_LIMIT: Duration = Duration::from_mins(2);

/// How often expectations with a limit are tried.
const RETRY: Duration = Duration::from_secs(1);

/// What became of a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// What failed; nothing if it passed.
    pub failures: Vec<Failure>,
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
    /// The harness panicked. Other scenarios run all the same.
    Panic(String),
    /// The server did not do what was waited for.
    Wait {
        /// Index of the step.
        step: usize,
        /// What was waited for.
        waited_for: String,
    },
    /// The server refused to start, or ended, and no expectation says so.
    Ended {
        /// Index of the step.
        step: usize,
        /// Why.
        reason: String,
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

/// How scenarios are run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Compare reported with expected usage.
    pub compare_usage: bool,
    /// Begin no other scenario once one has failed.
    pub fail_fast: bool,
}

/// Runs all scenarios side by side, as many as there are cores, and hands over each outcome with
/// the file's index as soon as there is one.
pub fn run_all(
    files: &[ScenarioFile],
    options: Options,
    mut done: impl FnMut(usize, Outcome, Duration),
) {
    let failed = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(files.len());
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (next, failed, sender) =
                (&next, &failed, sender.lock().unwrap_or_else(PoisonError::into_inner).clone());
            scope.spawn(move || {
                while let Some((index, file)) = {
                    if options.fail_fast && failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    files.get(index).map(|file| (index, file))
                } {
                    let (outcome, took) = timed(|| run_with(file, options.compare_usage));
                    failed.fetch_or(!outcome.passed(), Ordering::Relaxed);
                    if sender.send((index, outcome, took)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (index, outcome, took) in receiver {
            done(index, outcome, took);
        }
    });
}

/// How long something takes on the wall's clock.
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it is the real time that users wait for"
)]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Runs one scenario in the simulated world, on this thread.
pub fn run(file: &ScenarioFile) -> Outcome {
    run_with(file, false)
}

/// Runs one scenario, and compares usage if `compare_usage`. A panic fails this scenario only.
fn run_with(file: &ScenarioFile, compare_usage: bool) -> Outcome {
    let run = || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        match runtime {
            Ok(runtime) => runtime.block_on(run_steps(file, compare_usage)),
            Err(error) => Outcome::failed(Failure::World(WorldError::Runtime(error))),
        }
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Outcome::failed(Failure::Panic(text.unwrap_or_default()))
    })
}

async fn run_steps(file: &ScenarioFile, compare_usage: bool) -> Outcome {
    let mut world = match Simulated::build(file).await {
        Ok(world) => world,
        Err(error) => return Outcome::failed(Failure::World(error)),
    };
    if compare_usage {
        world.compare_usage();
    }
    let start = Instant::now();
    let mut failures = Vec::new();
    let mut mark = None;
    for (index, step) in file.scenario.spec.steps.iter().enumerate() {
        // The first step includes how the server started.
        let since = mark.unwrap_or_default();
        let failed = run_step(&mut world, index, step, since).await;
        mark = Some(world.timeline().mark());
        let broken = !failed.is_empty();
        failures.extend(failed);
        if broken {
            // Later steps would fail for the same reason.
            break;
        }
    }
    let cluster_time = SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX);
    Outcome { failures, events: world.timeline().all(), cluster_time, usage: world.usage() }
}

async fn run_step(world: &mut Simulated, index: usize, step: &Step, since: Mark) -> Vec<Failure> {
    world.timeline().add(What::Step(step.name.clone()));
    let before = measure(world, step).await;
    if let Some(change) = &step.change
        && let Err(error) = world.change(change).await
    {
        return vec![Failure::World(error)];
    }
    let wait = step.wait.unwrap_or_default();
    if let Err(waited_for) = pass_time(world, wait).await {
        return vec![Failure::Wait { step: index, waited_for }];
    }
    let deadline = Instant::now() + wait.up_to.map_or(Duration::ZERO, |limit| limit.0);
    loop {
        let failures = check_all(world, index, step, since, &before).await;
        if failures.is_empty() || Instant::now() >= deadline {
            let failures = if failures.is_empty() {
                hold(world, index, step, since, &before).await
            } else {
                failures
            };
            note_checks(world, step, &failures);
            return failures;
        }
        sleep(RETRY.min(deadline - Instant::now())).await;
    }
}

async fn pass_time(world: &mut Simulated, wait: Wait) -> Result<(), String> {
    if let Some(cycles) = wait.cycles {
        let limit = (world.resolution() + CYCLE_LIMIT) * cycles;
        if !world.cycles(cycles, limit).await {
            return Err(format!("{cycles} scrape cycles"));
        }
    }
    // At least the time for what happens at once to have happened.
    sleep(wait.for_.map_or(Duration::from_millis(1), |time| time.0)).await;
    Ok(())
}

/// The values of the metrics whose change is expected, by the expectation's index.
async fn measure(world: &Simulated, step: &Step) -> BTreeMap<usize, f64> {
    let mut before = BTreeMap::new();
    for (index, expectation) in step.expect.iter().enumerate() {
        if let Expectation::Metric(wanted) = expectation
            && wanted.changed_by.is_some()
            // What cannot be asked for yet is not there yet.
            && let Ok(Some(value)) = expect::metric::value(world, &wanted.metric).await
        {
            before.insert(index, value);
        }
    }
    before
}

/// Looks again and again, for as long as it must hold; returns what stops to hold.
async fn hold(
    world: &Simulated,
    index: usize,
    step: &Step,
    since: Mark,
    before: &BTreeMap<usize, f64>,
) -> Vec<Failure> {
    let end = Instant::now() + step.holds_for.map_or(Duration::ZERO, |time| time.0);
    while Instant::now() < end {
        sleep(RETRY.min(end - Instant::now())).await;
        let failures = check_all(world, index, step, since, before).await;
        if !failures.is_empty() {
            return failures;
        }
    }
    Vec::new()
}

async fn check_all(
    world: &Simulated,
    index: usize,
    step: &Step,
    since: Mark,
    before: &BTreeMap<usize, f64>,
) -> Vec<Failure> {
    let events = world.timeline().since(since);
    let mut failures = Vec::new();
    let refusal_expected = step.expect.iter().any(|it| matches!(it, Expectation::Refused(_)));
    if !refusal_expected {
        failures.extend(events.iter().find_map(|event| match &event.what {
            What::Ended { text: reason } => {
                Some(Failure::Ended { step: index, reason: reason.clone() })
            }
            _ => None,
        }));
    }
    for (number, expectation) in step.expect.iter().enumerate() {
        // What was asked may have left words in the log.
        let events = world.timeline().since(since);
        if let Err(mismatch) =
            expect::check(world, expectation, &events, before.get(&number).copied()).await
        {
            failures.push(Failure::Expectation { step: index, expectation: number, mismatch });
        }
    }
    failures
}

fn note_checks(world: &Simulated, step: &Step, failures: &[Failure]) {
    for (number, expectation) in step.expect.iter().enumerate() {
        let holds = !failures.iter().any(
            |failure| matches!(failure, Failure::Expectation { expectation, .. } if *expectation == number),
        );
        world.timeline().add(What::Checked { expectation: expect::describe(expectation), holds });
    }
}

// === impl Outcome ===

impl Outcome {
    fn failed(failure: Failure) -> Self {
        Self {
            failures: vec![failure],
            events: Vec::new(),
            cluster_time: SignedDuration::ZERO,
            usage: Comparison::default(),
        }
    }

    /// Whether everything held.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The time line as text, a line an event.
    pub fn transcript(&self) -> String {
        self.events.iter().fold(String::new(), |text, event| text + &event.to_string() + "\n")
    }
}
