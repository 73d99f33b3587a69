//! The cluster in the simulated world: as it is, and after a change.

use std::{
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::{
    candidates::resolution,
    seen::{Seen, answering, look},
    setup::Setup,
};
use crate::{
    events::Mark,
    expect,
    file::{ScenarioFile, format::Change},
    run::{Failure, in_simulated_world, run_step},
    world::{Simulated, World},
};

/// How many cycles a state must last.
const SETTLED: u32 = 2;

/// How many cycles a change may take, and the least time: a kubelet remembers a refusal for half
/// a minute, and a client that is refused a list waits longer and longer.
const CYCLES: u32 = 5;
const LEAST: Duration = Duration::from_secs(150);

/// How late a cycle may end.
const CYCLE_LIMIT: Duration = Duration::from_mins(2);

/// How long to wait where there are no cycles.
const WITHOUT_CYCLES: Duration = Duration::from_secs(15);

/// A cluster in which something is wrong: a scenario after its first steps.
pub(super) struct Broken<'f> {
    pub(super) file: &'f ScenarioFile,
    /// How many steps.
    pub(super) steps: usize,
    /// It takes two more cycles until it stays as it is.
    pub(super) settles: bool,
    pub(super) setup: Setup,
    pub(super) seen: Seen,
}

/// What a scenario's cluster is like.
pub(super) enum State<'f> {
    /// Nothing is wrong, at the end of any step.
    Well(Seen),
    /// Something is wrong.
    Broken(Box<Broken<'f>>),
    /// It does not behave as its file expects.
    Differs(Vec<String>),
}

/// How long a change may take, and for how long its result must last, by the server's flags.
pub(super) fn times(args: &[String]) -> (Duration, Duration) {
    let resolution = resolution(args);
    ((resolution * CYCLES).max(LEAST), resolution * SETTLED)
}

/// Takes the steps of a scenario until something is wrong.
pub(super) fn state(file: &ScenarioFile) -> Result<State<'_>, Failure> {
    let all = file.scenario.spec.steps.len();
    let mut well = Seen::default();
    for steps in all.min(1)..=all {
        let setup = Setup::new(file, steps);
        let looked = in_simulated_world(file, async |world| {
            take_steps(file, steps, world).await?;
            let first = look_at(world, &setup, Mark::default()).await;
            if first.is_well() {
                return Ok((first.clone(), first));
            }
            pass_cycles(world, SETTLED).await;
            Ok((first, look_at(world, &setup, Mark::default()).await))
        })?;
        let (first, seen) = match looked {
            Ok(looked) => looked,
            Err(differs) => return Ok(State::Differs(differs)),
        };
        if !seen.is_well() {
            let settles = all == 0 || !first.is_like(&seen);
            return Ok(State::Broken(Box::new(Broken { file, steps, settles, setup, seen })));
        }
        well = seen;
    }
    Ok(State::Well(well))
}

impl Broken<'_> {
    /// What is seen after a change, in place of what was; `setup` is what it leads to.
    pub(super) fn after(&self, setup: &Setup) -> Result<Seen, String> {
        let change = self.setup.change_to(setup);
        let change: Change = serde_json::from_value(change).map_err(|error| error.to_string())?;
        let (limit, _) = times(&setup.args);
        let looked = in_simulated_world(self.file, async |world| {
            take_steps(self.file, self.steps, world).await.map_err(|differs| differs.join("\n"))?;
            if self.settles {
                pass_cycles(world, SETTLED).await;
            }
            let mark = world.timeline().mark();
            world.change(&change).await.map_err(|error| error.to_string())?;
            let deadline = Instant::now() + limit;
            loop {
                pass_cycles(world, 1).await;
                let answers = answering(world).await.map_or(0, |names| names.len());
                if answers >= self.seen.nodes.len() || Instant::now() >= deadline {
                    break;
                }
            }
            pass_cycles(world, SETTLED).await;
            Ok(look_at(world, setup, mark).await)
        });
        looked.unwrap_or_else(|failure| Err(text_of(&failure)))
    }

    /// The same for many, side by side.
    pub(super) fn after_all(&self, setups: &[Setup]) -> Vec<Option<Seen>> {
        side_by_side(setups, |setup| self.after(setup).ok())
    }
}

/// Works on all items, as many at a time as there are cores.
pub(super) fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let (index, Some(item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    (index, items.get(index))
                } {
                    let result = work(item);
                    results.lock().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Takes the first steps; what does not hold of them is an error.
async fn take_steps(
    file: &ScenarioFile,
    steps: usize,
    world: &mut Simulated,
) -> Result<(), Vec<String>> {
    let mut mark = Mark::default();
    for (index, step) in file.scenario.spec.steps.iter().enumerate().take(steps) {
        let failures = run_step(world, index, step, mark, &|_| {}).await;
        if !failures.is_empty() {
            let place = |failure: &Failure| match failure {
                Failure::Expectation { expectation, .. } => step.expect.get(*expectation),
                _ => None,
            };
            let text = |failure: &Failure| match place(failure) {
                Some(expectation) => {
                    format!("{}: {}", expect::describe(expectation), text_of(failure))
                }
                None => text_of(failure),
            };
            return Err(failures
                .iter()
                .map(|failure| format!("step {:?}: {}", step.name, text(failure)))
                .collect());
        }
        mark = world.timeline().mark();
    }
    Ok(())
}

async fn pass_cycles(world: &mut Simulated, cycles: u32) {
    let limit = (world.resolution() + CYCLE_LIMIT) * cycles;
    if !world.cycles(cycles, limit).await {
        sleep(WITHOUT_CYCLES * cycles).await;
    }
    sleep(World::moment(world)).await;
}

async fn look_at(world: &Simulated, setup: &Setup, since: Mark) -> Seen {
    let events = world.timeline().since(since);
    look(world, &setup.args, setup.nodes.keys(), &events).await
}

/// A failure of a run, in a line.
pub(super) fn text_of(failure: &Failure) -> String {
    let line = |text: &str| text.trim().lines().next().unwrap_or_default().to_owned();
    match failure {
        Failure::World(error) => error.to_string(),
        Failure::Passed { known } => format!("it passed, and was known to fail: {}", line(known)),
        Failure::Panic(text) => format!("the harness panicked: {}", line(text)),
        Failure::Wait { waited_for, .. } => format!("waited in vain for {waited_for}"),
        Failure::Ended { reason, .. } => format!("the metrics server has ended: {}", line(reason)),
        Failure::Expectation { mismatch, .. } if ["log", "logs"].contains(&mismatch.field) => {
            "no such line was logged".to_owned()
        }
        Failure::Expectation { mismatch, .. } => {
            format!("expected {}, saw {}", line(&mismatch.expected), line(&mismatch.seen))
        }
    }
}
