//! Many scenarios side by side.

use std::{
    num::NonZero,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use super::{Outcome, Waiting, run_with};
use crate::{
    file::ScenarioFile,
    report::{SIMULATED, Verdict},
    world::SandboxOptions,
};
use parking_lot::Mutex;

/// How often an update reports that time passes.
const SECOND: Duration = Duration::from_secs(1);

/// How scenarios are run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Where they run. Default: in the simulated world.
    pub sandbox: Option<&'a SandboxOptions>,
    /// How many run side by side. Default: as many as there are cores.
    pub jobs: Option<NonZero<usize>>,
    /// Compare reported with expected usage.
    pub compare_usage: bool,
    /// Begin no other scenario once one has failed.
    pub fail_fast: bool,
    /// Why the program is known to fail a scenario, by the index of its file.
    pub known_failures: &'a [Option<String>],
}

/// An event of a run; the index is that of the scenario's file.
#[derive(Debug)]
pub enum Update {
    /// A scenario waits for something. Only where time is real.
    Waits(usize, Waiting),
    /// A scenario has ended, and how long it took.
    Ended(usize, Box<Outcome>, Duration),
    /// A second has passed. Only where time is real.
    Second,
}

/// Runs all scenarios, many of them side by side, and calls `tell` with each event as soon as it
/// happens.
pub fn run_all(files: &[ScenarioFile], options: Options<'_>, mut tell: impl FnMut(Update)) {
    let failed = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let jobs = options.jobs.or_else(|| thread::available_parallelism().ok());
    let workers = jobs.map_or(1, NonZero::get).min(files.len());
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (next, failed, sender) = (&next, &failed, sender.lock().clone());
            scope.spawn(move || {
                while let Some((index, file)) = {
                    if options.fail_fast && failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    files.get(index).map(|file| (index, file))
                } {
                    let tell = |waiting| drop(sender.send(Update::Waits(index, waiting)));
                    let (mut outcome, took) = timed(|| run_with(file, options, &tell));
                    if let Some(known) = options.known_failures.get(index).cloned().flatten() {
                        outcome = outcome.known_to_fail(known);
                    }
                    failed.fetch_or(outcome.verdict() == Verdict::Failed, Ordering::Relaxed);
                    if sender.send(Update::Ended(index, Box::new(outcome), took)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let limit = if options.sandbox.is_some() { SECOND } else { Duration::MAX };
        loop {
            match receiver.recv_timeout(limit) {
                Ok(update) => tell(update),
                Err(RecvTimeoutError::Timeout) => tell(Update::Second),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
}

/// Measures time on the wall's clock.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::disallowed_types, reason = "it is the real time that users wait for")]
pub struct Stopwatch(std::time::Instant);

/// How long something takes on the wall's clock.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let watch = Stopwatch::start();
    let result = work();
    (result, watch.passed())
}

// === impl Stopwatch ===

#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it is the real time that users wait for"
)]
impl Stopwatch {
    /// One that runs from now on.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long it has run.
    pub fn passed(self) -> Duration {
        self.0.elapsed()
    }
}

// === impl Options ===

impl Options<'_> {
    /// Where scenarios run, with which program, and with which `kubectl top`: for reports.
    pub fn world(&self) -> String {
        let Some(sandbox) = self.sandbox else { return SIMULATED.to_owned() };
        let top = match &sandbox.kubectl {
            Some(program) => program.display().to_string(),
            None => "this program".to_owned(),
        };
        format!("sandbox, server {}, kubectl top by {top}", sandbox.program.display())
    }
}
