//! The fuzz targets, on the seeds that fuzzers begin with: they hold where no fuzzer is, too.

#[path = "../fuzz/src/lib.rs"]
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails panics"
)]
mod targets;

use std::{fs, path::Path};

fn with_seeds_of(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut seeds = 0;
    for file in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let Ok(bytes) = fs::read(file.path()) else { continue };
        run(&bytes);
        // What breaks off anywhere is what networks deliver.
        for end in (0..bytes.len()).step_by(7) {
            run(&bytes[..end]);
        }
        seeds += 1;
    }
    assert!(seeds > 0, "{} is empty", folder.display());
}

#[test]
fn bodies_of_metrics() {
    with_seeds_of("resource", targets::resource);
}

#[test]
fn bodies_of_summaries() {
    with_seeds_of("summary", targets::summary);
}

#[test]
fn answers_of_kubelets() {
    with_seeds_of("answer", targets::answer);
}

#[test]
fn selectors() {
    with_seeds_of("selector", targets::selector);
}

#[test]
fn heads_of_requests() {
    with_seeds_of("request", targets::request);
}

#[test]
fn audit_policies() {
    with_seeds_of("policy", targets::policy);
}

#[test]
fn kubeconfigs() {
    with_seeds_of("kubeconfig", targets::kubeconfig);
}
