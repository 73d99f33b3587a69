use std::{str::FromStr, time::Duration};

use tokio::time::Instant;

/// A kubelet without `/metrics/resource` may have been replaced by a newer one after this long.
const TRY_AGAIN: Duration = Duration::from_mins(10);

/// Which page of kubelets is scraped: `--kubelet-endpoint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endpoint {
    /// `/metrics/resource`, and `/stats/summary` where that is not found.
    Auto,
    /// `/metrics/resource`. The default, as in the Go server: the usage of a node without it must
    /// not depend on which of the two servers scrapes, nor on a permission that the Go server's
    /// role does not have.
    #[default]
    Resource,
    /// `/stats/summary`.
    Summary,
}

/// Something else than an endpoint.
#[derive(Debug, thiserror::Error)]
#[error("write auto, resource or summary")]
pub struct EndpointError;

/// A page with usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/metrics/resource`, or what the node names instead.
    Resource,
    /// `/stats/summary`.
    Summary,
}

/// Of one kubelet: until when it counts as one without `/metrics/resource`.
#[derive(Debug, Default)]
pub(super) struct KnownOld(Option<Instant>);

// === impl Endpoint ===

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text {
            "auto" => Ok(Self::Auto),
            "resource" => Ok(Self::Resource),
            "summary" => Ok(Self::Summary),
            _ => Err(EndpointError),
        }
    }
}

impl Endpoint {
    /// Which page to scrape first.
    pub(super) fn first(self, known: &KnownOld) -> Page {
        match self {
            Self::Summary => Page::Summary,
            Self::Auto if known.0.is_some_and(|until| Instant::now() < until) => Page::Summary,
            Self::Resource | Self::Auto => Page::Resource,
        }
    }
}

// === impl Page ===

impl Page {
    /// What an error names of the page: nothing for the usual one.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Resource => "",
            Self::Summary => " at /stats/summary",
        }
    }
}

// === impl KnownOld ===

impl KnownOld {
    /// It answered with its summary alone. True when it did not before.
    pub(super) fn remember(&mut self) -> bool {
        self.0.replace(Instant::now() + TRY_AGAIN).is_none()
    }

    /// It has `/metrics/resource`, or no summary either.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}
