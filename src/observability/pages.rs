//! `/version`, `/metrics`, `/statusz` and `/flagz`.

use std::fmt::Write;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Build, NO_CACHE, PLAIN_TEXT, Sources, short_version};

/// The name under which pages present themselves.
const COMPONENT: &str = "metrics-server";

const WARNING: &str = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";

/// The most nodes named for one cause: the first few tell enough.
const NAMED: usize = 10;

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
    page(&headers, || {
        let telemetry = &sources.telemetry;
        let seconds = telemetry.uptime().as_secs();
        let mut text = format!(
            "\n{COMPONENT} statusz\n{WARNING}\n\nStarted: {}\nUp: {} hr {:02} min {:02} sec\nBinary version: {}\n\nNodes by their last scrape\n",
            telemetry.started().strftime("%a %b %e %H:%M:%S UTC %Y"),
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            short_version(),
        );
        for (outcome, nodes) in telemetry.outcomes() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{outcome}: {}", nodes.len());
            if outcome != "ok" {
                let more = if nodes.len() > NAMED { ", …" } else { "" };
                let _ = write!(text, " ({}{more})", nodes[..nodes.len().min(NAMED)].join(", "));
            }
            text.push('\n');
        }
        text
    })
}

pub(super) async fn flagz(State(sources): State<Sources>, headers: HeaderMap) -> Response {
    page(&headers, || {
        let mut text = format!("\n{COMPONENT} flags\n{WARNING}\n\n");
        for (name, value) in sources.telemetry.flags() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
        text
    })
}

/// Pages are text, for whoever takes text.
fn page(headers: &HeaderMap, text: impl FnOnce() -> String) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let takes_text = accept.is_none_or(|accept| {
        let mut types = accept.split(',').map(|part| part.split(';').next().unwrap_or_default());
        types.any(|kind| matches!(kind.trim(), "" | "*/*" | "text/*" | "text/plain"))
    });
    if takes_text {
        ([NO_CACHE, PLAIN_TEXT], text()).into_response()
    } else {
        let body = "media type not acceptable, must be: text/plain\n";
        (StatusCode::NOT_ACCEPTABLE, [NO_CACHE, PLAIN_TEXT], body).into_response()
    }
}
