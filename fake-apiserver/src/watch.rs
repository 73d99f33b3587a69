//! WATCH: the changes of the selected objects, one JSON line each, as they happen.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use futures::stream;
use tokio::{
    sync::broadcast,
    time::{Instant, sleep_until},
};

use super::{
    list_options::check_watch,
    negotiation::Form,
    object::Object,
    request_info::Parameters,
    resources::ResourceType,
    response::json_response,
    selection::Selection,
    status::Status,
    store::{Change, Store, VersionError},
    table::Table,
};

/// How long a watch without a timeout lasts. The real API server draws from 30 to 60 minutes.
const DEFAULT_LIFE: Duration = Duration::from_mins(30);

/// How often a watch without changes sends a bookmark.
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);

/// What a watch is about.
pub(super) struct Subject {
    pub(super) resource: &'static ResourceType,
    pub(super) selection: Selection,
    pub(super) form: Form,
    pub(super) table: Table,
}

struct Watch {
    store: Arc<Store>,
    subject: Subject,
    /// The version up to which all changes have been sent.
    version: u64,
    /// Wakes watches in the order in which they were opened, which `watch` does not.
    cut: broadcast::Receiver<()>,
    ends: Instant,
    next_bookmark: Option<Instant>,
    /// Sent before any change.
    initial: String,
}

/// Answers with the changes after the requested version, until the watch's timeout or until `cut`
/// changes.
pub(super) fn open(
    store: &Arc<Store>,
    subject: Subject,
    parameters: &Parameters,
    cut: broadcast::Receiver<()>,
) -> Result<Response, Status> {
    check_watch(parameters)?;
    let life = parameters.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
    let now = Instant::now();
    let mut watch = Watch {
        store: store.clone(),
        subject,
        version: 0,
        cut,
        ends: now + life.map_or(DEFAULT_LIFE, Duration::from_secs),
        next_bookmark: parameters.flag("allowWatchBookmarks").then(|| now + BOOKMARK_INTERVAL),
        initial: String::new(),
    };
    match parameters.resource_version()?.filter(|version| *version > 0) {
        Some(version) => watch.version = version,
        None => watch.show_present(),
    }
    let events = stream::unfold(Some(watch), |watch| async move { watch?.next().await });
    Ok(json_response(Body::from_stream(events)))
}

// === impl Watch ===

impl Watch {
    /// Without a version to start from, a watch begins with everything there is.
    fn show_present(&mut self) {
        let Subject { resource, selection, .. } = &self.subject;
        if let Ok(snapshot) = self.store.snapshot(resource, selection.namespace(), None, None) {
            self.version = snapshot.version;
            for object in snapshot.objects {
                if self.subject.selection.matches(&object) {
                    self.initial += &self.subject.event("ADDED", &object);
                }
            }
        }
    }

    /// The next lines, and the watch that continues after them.
    async fn next(mut self) -> Option<(Result<String, std::convert::Infallible>, Option<Self>)> {
        if !self.initial.is_empty() {
            let initial = std::mem::take(&mut self.initial);
            return Some((Ok(initial), Some(self)));
        }
        loop {
            let next_change = self.store.changed();
            // An error means that the API server is gone.
            if !self.cut.is_empty() {
                return None;
            }
            match self.store.since(self.subject.resource, self.version) {
                Ok((changes, reached)) => {
                    self.version = reached;
                    let lines: String =
                        changes.iter().filter_map(|change| self.subject.tell(change)).collect();
                    if !lines.is_empty() {
                        return Some((Ok(lines), Some(self)));
                    }
                }
                Err(error) => return Some((Ok(too_old(self.version, error)), None)),
            }
            let bookmark = self.next_bookmark.unwrap_or(self.ends);
            tokio::select! {
                biased;
                _ = self.cut.recv() => return None,
                () = sleep_until(self.ends) => {
                    self.next_bookmark?;
                    return Some((Ok(self.subject.bookmark(self.version)), None));
                }
                () = sleep_until(bookmark) => {
                    self.next_bookmark = Some(bookmark + BOOKMARK_INTERVAL);
                    return Some((Ok(self.subject.bookmark(self.version)), Some(self)));
                }
                () = next_change => {}
            }
        }
    }
}

// === impl Subject ===

impl Subject {
    /// A change as this watch sees it: an object that enters the selection is added, one that
    /// leaves it is deleted.
    fn tell(&self, change: &Change) -> Option<String> {
        let seen = |object: &Option<Arc<Object>>| {
            object.as_ref().filter(|object| self.selection.matches(object)).cloned()
        };
        match (seen(&change.before), seen(&change.after)) {
            (None, Some(after)) => Some(self.event("ADDED", &after)),
            (Some(_), Some(after)) => Some(self.event("MODIFIED", &after)),
            (Some(before), None) => Some(self.event("DELETED", &before.at(change.version))),
            (None, None) => None,
        }
    }

    fn event(&self, what: &str, object: &Object) -> String {
        let object = match self.form {
            Form::Object => object.alone(),
            Form::Partial => object.partial(),
            Form::Table => self
                .table
                .whole(&format!(r#"{{"resourceVersion":"{}"}}"#, object.version), &[object]),
        };
        line(what, &object)
    }

    fn bookmark(&self, version: u64) -> String {
        let (kind, api_version) = match self.form {
            Form::Object => (self.resource.kind, self.resource.api_version()),
            Form::Partial => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
            Form::Table => {
                let meta = format!(r#"{{"resourceVersion":"{version}"}}"#);
                return line("BOOKMARK", &self.table.whole(&meta, &[]));
            }
        };
        let object = format!(
            r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{{"resourceVersion":"{version}"}}}}"#
        );
        line("BOOKMARK", &object)
    }
}

fn line(what: &str, object: &str) -> String {
    format!("{{\"type\":\"{what}\",\"object\":{object}}}\n")
}

/// The only event of a watch that starts from a version that is not remembered.
pub(super) fn gone(asked: u64, oldest: u64) -> Response {
    json_response(too_old(asked, VersionError::TooOld { oldest }))
}

/// Once a watch is accepted, the real API server reports what is wrong with it inside.
fn too_old(asked: u64, error: VersionError) -> String {
    let status = match error {
        VersionError::TooOld { oldest } => Status::version_too_old(asked, oldest),
        VersionError::TooLarge { current } => Status::version_too_large(asked, current),
    };
    line("ERROR", &status.to_json())
}
