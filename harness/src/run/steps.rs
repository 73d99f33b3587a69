//! The steps of a scenario, in order.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::{Failure, Outcome, TellWaiting, Waiting};
use crate::{
    events::{Mark, What},
    expect,
    file::{
        ScenarioFile,
        format::{Expectation, Step, Wait},
    },
    world::World,
};

/// How long after its time a cycle may end before the wait for it fails.
const CYCLE_LIMIT: Duration = Duration::from_mins(2);

/// How often expectations with a limit are tried.
const RETRY: Duration = Duration::from_secs(1);

/// Runs the steps of a scenario until one fails.
pub(super) async fn run_steps(
    file: &ScenarioFile,
    world: &mut dyn World,
    compare_usage: bool,
    tell: &TellWaiting<'_>,
) -> Outcome {
    if compare_usage {
        world.compare_usage();
    }
    let start = Instant::now();
    let mut failures = Vec::new();
    let mut mark = None;
    for (index, step) in file.scenario.spec.steps.iter().enumerate() {
        // The first step includes how the server started.
        let since = mark.unwrap_or_default();
        let failed = run_step(world, index, step, since, tell).await;
        mark = Some(world.timeline().mark());
        let broken = !failed.is_empty();
        failures.extend(failed);
        if broken {
            // Later steps would fail for the same reason.
            break;
        }
    }
    let cluster_time = SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX);
    let (events, usage) = (world.timeline().all(), world.usage());
    Outcome { failures, events, cluster_time, usage, ..Outcome::empty() }
}

/// Runs a step: its change, its wait, its expectations.
pub(crate) async fn run_step(
    world: &mut dyn World,
    index: usize,
    step: &Step,
    since: Mark,
    tell: &TellWaiting<'_>,
) -> Vec<Failure> {
    world.timeline().add(What::Step(step.name.clone()));
    let before = measure(world, step).await;
    if let Some(change) = &step.change
        && let Err(error) = world.change(change).await
    {
        return vec![Failure::World(error)];
    }
    let wait = step.wait.unwrap_or_default();
    tell(waiting(step, wait, world.resolution()));
    if let Err(waited_for) = pass_time(world, wait).await {
        return vec![Failure::Wait { step: index, waited_for }];
    }
    let limit = wait.up_to.map_or(Duration::ZERO, |limit| limit.0);
    let deadline = Instant::now() + limit.max(world.patience());
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

/// What a step waits for, all of it together.
fn waiting(step: &Step, wait: Wait, resolution: Duration) -> Waiting {
    let mut left = step.holds_for.map_or(Duration::ZERO, |time| time.0);
    let what = if let Some(cycles) = wait.cycles {
        left += resolution * cycles;
        if cycles == 1 { "1 cycle".to_owned() } else { format!("{cycles} cycles") }
    } else if let Some(time) = wait.for_ {
        left += time.0;
        "time to pass".to_owned()
    } else if let Some(limit) = wait.up_to {
        left += limit.0;
        "what it expects".to_owned()
    } else {
        "nothing".to_owned()
    };
    Waiting { step: step.name.clone(), what, left }
}

async fn pass_time(world: &mut dyn World, wait: Wait) -> Result<(), String> {
    if let Some(cycles) = wait.cycles {
        let limit = (world.resolution() + CYCLE_LIMIT) * cycles;
        if !world.cycles(cycles, limit).await {
            return Err(format!("{cycles} scrape cycles"));
        }
    }
    // At least the time for what happens at once to have happened.
    sleep(wait.for_.map_or(world.moment(), |time| time.0)).await;
    Ok(())
}

/// The values of the metrics whose change is expected, by the expectation's index.
async fn measure(world: &dyn World, step: &Step) -> BTreeMap<usize, f64> {
    let mut before = BTreeMap::new();
    for (index, expectation) in step.expect.iter().enumerate() {
        if let Expectation::Metric(wanted) = expectation
            && wanted.changed_by.is_some()
            // A metric that cannot be read yet is not there yet.
            && let Ok(Some(value)) = expect::metric::value(world, &wanted.metric).await
        {
            before.insert(index, value);
        }
    }
    before
}

/// Checks again and again, for as long as it must hold; returns what does not hold any longer.
async fn hold(
    world: &dyn World,
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
    world: &dyn World,
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
        // The expectations' own requests may have caused log lines.
        let events = world.timeline().since(since);
        if let Err(mismatch) =
            expect::check(world, expectation, &events, before.get(&number).copied()).await
        {
            failures.push(Failure::Expectation { step: index, expectation: number, mismatch });
        }
    }
    failures
}

fn note_checks(world: &dyn World, step: &Step, failures: &[Failure]) {
    for (number, expectation) in step.expect.iter().enumerate() {
        let holds = !failures.iter().any(
            |failure| matches!(failure, Failure::Expectation { expectation, .. } if *expectation == number),
        );
        world.timeline().add(What::Checked { expectation: expect::describe(expectation), holds });
    }
}
