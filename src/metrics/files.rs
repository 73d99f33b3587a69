//! How often files changed to something that cannot be used.

use net::Files;
use prometheus::{
    IntCounterVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// The counts that [`Files`] keeps, as a metrics family. It is absent until there is a failure.
pub struct FileMetrics {
    files: Files,
    failures: IntCounterVec,
}

// === impl FileMetrics ===

impl FileMetrics {
    /// Of `files`.
    pub fn new(files: Files) -> Result<Self, prometheus::Error> {
        let failures = Opts::new(
            "metrics_server_file_reload_failures_total",
            "Number of changes of certificates, CAs, tokens and other files that could not be used, by kind of file.",
        );
        Ok(Self { files, failures: IntCounterVec::new(failures, &["file"])? })
    }
}

impl Collector for FileMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.failures.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (kind, count) in self.files.failures() {
            let counter = self.failures.with_label_values(&[kind]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        self.failures.collect()
    }
}
