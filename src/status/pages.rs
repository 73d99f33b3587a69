//! `/version`, `/metrics`, `/statusz` and `/flagz`.

use std::{fmt::Write, time::Duration};

use apiserver::zpages::{self, PageObject};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use k8s_text::duration;
use serde_json::json;

use super::{Build, NO_CACHE, PLAIN_TEXT, Sources, short_version};
use crate::scrape::{NodeScrapes, ScrapeHealth, Scrapes};

/// The name at the top of pages.
const COMPONENT: &str = "metrics-server";

const WARNING: &str = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";

/// The most nodes named for one cause.
const NAMED: usize = 10;

/// The most characters of an error that are shown.
const MAX_ERROR: usize = 200;

pub(super) async fn version() -> Response {
    let json = (header::CONTENT_TYPE, "application/json");
    ([NO_CACHE, json], Build::current().to_json()).into_response()
}

pub(super) async fn metrics(State(sources): State<Sources>) -> Response {
    let text = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    match sources.telemetry.metrics() {
        Ok(metrics) => ([NO_CACHE, text], metrics).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, [NO_CACHE, PLAIN_TEXT], format!("{error}\n"))
                .into_response()
        }
    }
}

pub(super) async fn statusz(State(sources): State<Sources>, headers: HeaderMap) -> Response {
    page(&headers, None, || {
        let telemetry = &sources.telemetry;
        let seconds = telemetry.uptime().as_secs();
        let mut text = format!(
            "\n{COMPONENT} statusz\n{WARNING}\n\nStarted: {}\nUp: {} hr {:02} min {:02} sec\nBinary version: {}\n\nNodes by scrape health\n",
            telemetry.started().strftime("%a %b %e %H:%M:%S UTC %Y"),
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            short_version(),
        );
        nodes(&sources, &mut text);
        text
    })
}

pub(super) async fn flagz(State(sources): State<Sources>, headers: HeaderMap) -> Response {
    let flags = sources.telemetry.flags();
    let object = PageObject { kind: "Flagz", name: COMPONENT, field: ("flags", json!(flags)) };
    page(&headers, Some(object), || {
        let mut text = format!("\n{COMPONENT} flagz\n{WARNING}\n");
        for (name, value) in flags {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
        text
    })
}

/// How many nodes are in which scrape health, and the first few of those with a problem.
fn nodes(sources: &Sources, text: &mut String) {
    let scrapes = &sources.scrapes;
    let mut known = 0;
    for (health, (count, first)) in scrapes.by_health(NAMED) {
        known += count;
        // Writing to a String cannot fail.
        let _ = match (health, health.problem()) {
            (ScrapeHealth::Failing(cause), _) => {
                writeln!(text, "failing, {}: {count}", cause.name())
            }
            (ScrapeHealth::NotReady(cause), _) => {
                writeln!(text, "failing and not ready, {}: {count}", cause.name())
            }
            (_, Some(cause)) => {
                writeln!(text, "good, but {}: {count}", cause.problem().unwrap_or_default())
            }
            (_, None) => writeln!(text, "good: {count}"),
        };
        if health == ScrapeHealth::Healthy {
            continue;
        }
        for (name, state) in &first {
            node(scrapes, name, state, text);
        }
        if count > first.len() {
            let _ = writeln!(text, "  … and {} more", count - first.len());
        }
    }
    let unknown = sources.cluster.nodes().len().saturating_sub(known);
    if unknown > 0 {
        let _ = writeln!(text, "never scraped: {unknown}");
    }
}

fn node(scrapes: &Scrapes, name: &str, state: &NodeScrapes, text: &mut String) {
    let ago = |moment| duration::format(Duration::from_secs(scrapes.ago(moment).as_secs()));
    let error = state.diagnosis.as_ref().map_or("", |diagnosis| &*diagnosis.text);
    let error: String = error.chars().take(MAX_ERROR).collect();
    let good = match state.last_good {
        Some(moment) => format!("last good {} ago", ago(moment)),
        None => "never good".to_owned(),
    };
    let NodeScrapes { address, times, .. } = state;
    let since = ago(state.since);
    // Writing to a String cannot fail.
    let _ =
        writeln!(text, "  {name} at {address:?}: {error:?}, {times} times, since {since}, {good}");
}

/// A page that is not to be kept.
fn page(
    headers: &HeaderMap,
    object: Option<PageObject>,
    text: impl FnOnce() -> String,
) -> Response {
    ([NO_CACHE], zpages::respond(headers, object, text)).into_response()
}
