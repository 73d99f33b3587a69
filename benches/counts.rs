//! The cost of decoding, storing and lists, in instructions: callgrind's counts do not depend on
//! the machine's other load, so they can be compared with checked-in figures.
//!
//! `cargo bench --package benches` runs each case once in a process of its own under valgrind and
//! compares with `benches/counts.json`; it fails where a count is more than [`BAND`] off.
//! With `UPDATE_COUNTS=1` it writes the file instead.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    hint::black_box,
    path::Path,
    process::{Command, ExitCode},
};

use benches::{self as rig, Api};
use metrics_server::kubelet::decode::decode;

/// Other compilers and processors give other counts; a change that matters gives more than this.
const BAND: f64 = 0.05;

/// The function whose instructions, with all that it calls, are counted.
const COUNTED: &str = "*counted*";

type Case = fn() -> Result<(), Box<dyn Error>>;

/// Allocators map their first memory and so on: the work is done once before it is counted.
const CASES: [(&str, Case); 6] = [
    ("rendered scrape of the fake kubelet", render_a_scrape),
    ("decode a node", decode_a_node),
    ("record a node", record_a_node),
    ("look 3,000 pods up", look_up_all),
    ("list 3,000 pods", || list(rig::ALL_PODS)),
    ("list 100 of 3,000 pods", || list(rig::SELECTED_PODS)),
];

#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn render_a_scrape() -> Result<(), Box<dyn Error>> {
    let scrape = rig::scraped();
    let length = scrape(100_000).len();
    if counted(|| scrape(100_015)).len() < length {
        return Err("a counter has fallen".into());
    }
    Ok(())
}

fn decode_a_node() -> Result<(), Box<dyn Error>> {
    let body = rig::body(0, 100_000);
    decode(body.as_bytes(), 0)?;
    counted(|| decode(body.as_bytes(), 0))?;
    Ok(())
}

fn record_a_node() -> Result<(), Box<dyn Error>> {
    let store = rig::filled();
    let sample = decode(rig::body(7, 100_030).as_bytes(), 0)?.sample;
    counted(|| store.record("node-7", sample));
    Ok(())
}

fn look_up_all() -> Result<(), Box<dyn Error>> {
    let store = rig::filled();
    if counted(|| rig::look_up_all(&store)) == 0 {
        return Err("no pod was found".into());
    }
    Ok(())
}

fn list(path: &str) -> Result<(), Box<dyn Error>> {
    let api = Api::new()?;
    let length = api.get(path);
    if counted(|| api.get(path)) != length {
        return Err("two lists differ".into());
    }
    Ok(())
}

fn count(case: &str) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(env::current_exe()?)
        .args(["--case", case])
        .output()
        .map_err(|error| format!("valgrind: {error}; install it to count instructions"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().rev().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(0) | None => Err(format!("{case}: callgrind counted nothing:\n{said}").into()),
        Some(count) => Ok(count),
    }
}

fn compare() -> Result<bool, Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.json");
    let mut counts = BTreeMap::new();
    for (case, _) in CASES {
        counts.insert(case.to_owned(), count(case)?);
    }
    if env::var_os("UPDATE_COUNTS").is_some() {
        fs::write(&file, serde_json::to_string_pretty(&counts)? + "\n")?;
        return Ok(true);
    }
    let kept: BTreeMap<String, u64> = serde_json::from_slice(&fs::read(&file)?)?;
    let mut holds = kept.len() == counts.len();
    for (case, now) in counts {
        let before = kept.get(&case).copied().unwrap_or_default();
        let ratio = now as f64 / before as f64;
        let is_near = (ratio - 1.0).abs() <= BAND;
        holds &= is_near;
        let word = if is_near { "as before" } else { "CHANGED" };
        println!("{case:36} {now:>12} instructions, {ratio:.3} of {before}: {word}");
    }
    if !holds {
        eprintln!(
            "A count left its band of {:.0} %. Where that is meant: UPDATE_COUNTS=1 cargo bench --package benches",
            BAND * 100.0
        );
    }
    Ok(holds)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [flag, name] if flag == "--case" => CASES
            .iter()
            .find(|(case, _)| case == name)
            .map_or_else(|| Err(format!("no case {name}").into()), |(_, run)| run().map(|()| true)),
        // cargo's own arguments: `--bench`; with `--test` the program only has to start.
        arguments if arguments.iter().any(|argument| argument == "--bench") => compare(),
        _ => Ok(true),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
