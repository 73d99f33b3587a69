//! Random clusters in which random things go wrong, in the simulated world, where the truth is known.
//!
//! A seed becomes a plan (`plan`), the plan a scenario file with the laws as its expectations
//! (`document`), and the file is run (`laws`). A plan that breaks a law is shrunk (`shrink`) to a
//! small file that fails by itself.

mod document;
mod laws;
mod options;
mod plan;
mod shrink;
#[cfg(test)]
mod tests;

use std::{
    fs,
    io::{self, Write},
    num::NonZero,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use parking_lot::Mutex;

pub use self::options::Options;
use self::{
    laws::{Broken, HANG, Judged, judge},
    plan::Plan,
    shrink::shrink,
};
use crate::run::{Stopwatch, timed};

/// How many runs there are where nothing else is given.
const SEEDS: u64 = 100;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// A failed run cannot be written.
    #[error("failed to write {}: {source}; name a folder that this process may write to with --out", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The terminal is gone.
    #[error("failed to write to standard output: {0}")]
    Print(#[from] io::Error),
}

/// A law that a seed breaks, and the file that shows it.
struct Found {
    seed: u64,
    broken: Broken,
    file: PathBuf,
}

/// What is known so far.
#[derive(Default)]
struct Sum {
    runs: u64,
    cluster_time: Duration,
    found: Vec<Found>,
    error: Option<ChaosError>,
}

/// Runs as many seeds as the options say and prints what they break. True if that is nothing.
pub fn chaos(options: &Options) -> Result<bool, ChaosError> {
    let next = AtomicU64::new(0);
    let limit = options.seeds.map(NonZero::get).or(options.time.is_none().then_some(SEEDS));
    let sum = Mutex::new(Sum::default());
    let watch = Stopwatch::start();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let is_over = limit.is_some_and(|limit| number >= limit)
                || options.time.is_some_and(|time| watch.passed() >= time);
            if is_over || sum.lock().error.is_some() {
                return;
            }
            let seed = options.seed.wrapping_add(number);
            let plan = Plan::random(seed);
            let judged = judge(&plan);
            let cluster_time = judged.cluster_time;
            let found = report(seed, plan, judged, &options.out).transpose();
            let mut sum = sum.lock();
            sum.runs += 1;
            sum.cluster_time += cluster_time;
            match found {
                Some(Ok(found)) => sum.found.push(found),
                Some(Err(error)) => sum.error = Some(error),
                None => {}
            }
        }
    };
    let ((), took) = timed(|| {
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
                scope.spawn(work);
            }
        });
    });
    let mut sum = sum.into_inner();
    if let Some(error) = sum.error {
        return Err(error);
    }
    let mut out = io::stdout().lock();
    sum.found.sort_by_key(|found| found.seed);
    for Found { seed, broken, file } in &sum.found {
        writeln!(out, "FAIL seed {seed}, law {}: {}", broken.law, broken.text.trim_end())?;
        writeln!(out, "     see {}\n", file.display())?;
    }
    let hours = sum.cluster_time.as_secs_f64() / 3600.0;
    let seconds = took.as_secs_f64();
    let (runs, failed) = (sum.runs, sum.found.len());
    writeln!(out, "{runs} runs, {failed} failed, {hours:.1} cluster-hours in {seconds:.1} s")?;
    Ok(failed == 0)
}

/// Shrinks a plan that breaks a law and writes it down with its time line.
fn report(
    seed: u64,
    plan: Plan,
    judged: Judged,
    folder: &Path,
) -> Result<Option<Found>, ChaosError> {
    let Some(broken) = judged.broken.as_ref() else { return Ok(None) };
    let (plan, judged) =
        if broken.law == HANG { (plan, judged) } else { shrink(plan, judged, judge) };
    let file = folder.join(format!("chaos-{seed}.yaml"));
    let write = |path: &Path, text: &str| {
        fs::write(path, text).map_err(|source| ChaosError::Write { path: path.to_owned(), source })
    };
    fs::create_dir_all(folder)
        .map_err(|source| ChaosError::Write { path: folder.to_owned(), source })?;
    write(&file, &document::write(&plan))?;
    write(&file.with_extension("log"), &judged.transcript)?;
    Ok(judged.broken.map(|broken| Found { seed, broken, file }))
}
