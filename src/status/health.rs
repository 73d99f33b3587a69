//! `/healthz`, `/livez` and `/readyz`, with the checks that mean something here, under their
//! names and in their order.

use std::fmt::Write;

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any},
};
use k8s_text::duration;

use super::{NO_CACHE, PLAIN_TEXT, Sources};

/// A health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Ping,
    /// Checks of k8s.io/apiserver that pass as soon as a server listens. The Go server's own
    /// end-to-end suite and monitoring expect them by name.
    Log,
    MaxInFlightFilter,
    StorageObjectCountTracker,
    MetricStorageReady,
    MetricInformerSync,
    MetricCollectionTimely,
    MetadataInformerSync,
    /// Has the name of the one before, for `/livez`, where a failure restarts the server. It always
    /// passes: a restart does not bring the API server back, and the samples would be lost.
    MetadataInformerRuns,
    Shutdown,
}

use Check::{
    Log, MaxInFlightFilter, MetadataInformerRuns, MetadataInformerSync, MetricCollectionTimely,
    MetricInformerSync, MetricStorageReady, Ping, Shutdown, StorageObjectCountTracker,
};

/// A path for several checks.
#[derive(Clone, Copy)]
struct Endpoint {
    name: &'static str,
    /// The checks after [`COMMON`].
    own: &'static [Check],
}

const COMMON: [Check; 4] = [Ping, Log, MaxInFlightFilter, StorageObjectCountTracker];

const ENDPOINTS: [Endpoint; 3] = [
    Endpoint { name: "healthz", own: &[MetadataInformerRuns] },
    Endpoint { name: "livez", own: &[MetricCollectionTimely, MetadataInformerRuns] },
    Endpoint {
        name: "readyz",
        own: &[MetricStorageReady, MetricInformerSync, MetadataInformerSync, Shutdown],
    },
];

/// The endpoints and, below each, its single checks.
pub(super) fn routes() -> impl Iterator<Item = (String, MethodRouter<Sources>)> {
    ENDPOINTS.into_iter().flat_map(|endpoint| {
        let all = async move |State(sources): State<Sources>, RawQuery(query): RawQuery| {
            endpoint.answer(&sources, query.as_deref().unwrap_or_default())
        };
        let singles = endpoint.checks().map(move |check| {
            let one = async move |State(sources): State<Sources>| check.answer(&sources);
            (format!("/{}/{}", endpoint.name, check.name()), any(one))
        });
        std::iter::once((format!("/{}", endpoint.name), any(all))).chain(singles)
    })
}

// === impl Endpoint ===

impl Endpoint {
    fn checks(self) -> impl Iterator<Item = Check> {
        COMMON.into_iter().chain(self.own.iter().copied())
    }

    /// `ok`, or each check's result when one fails or with `verbose`. Why a check fails is only in
    /// the log, because these pages need no authorization.
    fn answer(self, sources: &Sources, query: &str) -> Response {
        let mut excluded = values(query, "exclude");
        let mut text = String::new();
        let mut passed = true;
        for check in self.checks() {
            let name = check.name();
            let count = excluded.len();
            excluded.retain(|other| other != name);
            // Writing to a String cannot fail.
            let _ = if excluded.len() < count {
                writeln!(text, "[+]{name} excluded: ok")
            } else if check.passes(sources).is_ok() {
                writeln!(text, "[+]{name} ok")
            } else {
                passed = false;
                writeln!(text, "[-]{name} failed: reason withheld")
            };
        }
        if !excluded.is_empty() {
            excluded.sort();
            excluded.dedup();
            let names: Vec<_> = excluded.iter().map(|name| format!("{name:?}")).collect();
            let _ = writeln!(
                text,
                "warn: some health checks cannot be excluded: no matches for {}",
                names.join(", ")
            );
        }
        let headers = [NO_CACHE, PLAIN_TEXT, (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        if passed && !asks_for(query, "verbose") {
            return (headers, "ok").into_response();
        }
        let (status, verdict) = if passed {
            (StatusCode::OK, "passed")
        } else {
            (StatusCode::INTERNAL_SERVER_ERROR, "failed")
        };
        let _ = writeln!(text, "{} check {verdict}", self.name);
        (status, headers, text).into_response()
    }
}

fn asks_for(query: &str, key: &str) -> bool {
    pairs(query).any(|(name, _)| name == key)
}

fn values(query: &str, key: &str) -> Vec<String> {
    pairs(query).filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
}

/// Names of checks have nothing in them that needs escapes.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

// === impl Check ===

impl Check {
    fn name(self) -> &'static str {
        match self {
            Ping => "ping",
            Log => "log",
            MaxInFlightFilter => "poststarthook/max-in-flight-filter",
            StorageObjectCountTracker => "poststarthook/storage-object-count-tracker-hook",
            MetricStorageReady => "metric-storage-ready",
            MetricInformerSync => "metric-informer-sync",
            MetricCollectionTimely => "metric-collection-timely",
            MetadataInformerSync | MetadataInformerRuns => "metadata-informer-sync",
            Shutdown => "shutdown",
        }
    }

    fn passes(self, sources: &Sources) -> Result<(), &'static str> {
        let Sources { telemetry, cluster, store, .. } = sources;
        let failed = |why: &'static str| {
            tracing::info!(probe = self.name(), err = why, "Failed probe");
            Err(why)
        };
        match self {
            MetricStorageReady if !store.is_ready() => failed("no metrics to serve"),
            MetricInformerSync if !cluster.are_nodes_known() => {
                failed("cache for node informer has not synced")
            }
            MetricInformerSync if !cluster.are_pods_known() => {
                failed("cache for pod informer has not synced")
            }
            MetadataInformerSync if !cluster.are_pods_known() => {
                Err("1 informers not started yet: [/v1, Resource=pods]")
            }
            MetricCollectionTimely => match telemetry.late_by() {
                None => Ok(()),
                Some((waited, limit)) => {
                    let why = "metric collection didn't finish on time";
                    tracing::info!(
                        probe = self.name(),
                        err = why,
                        duration = duration::format(waited),
                        maxDuration = duration::format(limit),
                        "Failed probe"
                    );
                    Err(why)
                }
            },
            Shutdown if telemetry.is_stopping() => Err("process is shutting down"),
            _ => Ok(()),
        }
    }

    fn answer(self, sources: &Sources) -> Response {
        match self.passes(sources) {
            Ok(()) => ([NO_CACHE, PLAIN_TEXT], "ok").into_response(),
            Err(why) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                [NO_CACHE, PLAIN_TEXT, (header::X_CONTENT_TYPE_OPTIONS, "nosniff")],
                format!("internal server error: {why}\n"),
            )
                .into_response(),
        }
    }
}
