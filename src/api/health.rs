//! `/healthz`, `/livez` and `/readyz`, with the checks that mean something here.

use std::fmt::Write;

use axum::extract::{RawQuery, State};
use http::{HeaderName, StatusCode, header};

use super::Sources;

type Answer = (StatusCode, [(HeaderName, &'static str); 2], String);

pub(super) async fn healthz(RawQuery(query): RawQuery) -> Answer {
    answer("healthz", &[("ping", true)], query.as_deref())
}

pub(super) async fn livez(RawQuery(query): RawQuery) -> Answer {
    answer("livez", &[("ping", true)], query.as_deref())
}

pub(super) async fn readyz(State(sources): State<Sources>, RawQuery(query): RawQuery) -> Answer {
    let checks = [
        ("ping", true),
        ("metric-storage-ready", sources.store.is_ready()),
        ("metadata-informer-sync", sources.cluster.is_known()),
    ];
    answer("readyz", &checks, query.as_deref())
}

/// `ok`, or each check's result when one fails or `?verbose` is asked for.
fn answer(name: &str, checks: &[(&str, bool)], query: Option<&str>) -> Answer {
    let passed = checks.iter().all(|(_, passed)| *passed);
    let verbose = query.is_some_and(|query| {
        query.split('&').any(|part| part == "verbose" || part.starts_with("verbose="))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if passed && !verbose {
        return (StatusCode::OK, headers, "ok".to_owned());
    }
    let mut text = String::new();
    for (check, passed) in checks {
        // Writing to a String cannot fail.
        let _ = match passed {
            true => writeln!(text, "[+]{check} ok"),
            false => writeln!(text, "[-]{check} failed: reason withheld"),
        };
    }
    let _ = writeln!(text, "{name} check {}", if passed { "passed" } else { "failed" });
    let status = if passed { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    (status, headers, text)
}
