//! Why requests to the API server and watches fail, with the cure.

use std::error::Error;

use kube::runtime::watcher;

/// Logs that a watch failed, why, and the cure; `forbidden` is the cure of a 403.
pub fn report(resource: &str, forbidden: &'static str, error: &watcher::Error) {
    let (reason, cure) = match error {
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => explain(inner, forbidden),
        watcher::Error::WatchError(status) => {
            (status.message.clone(), "none needed: it is listed again")
        }
        watcher::Error::NoResourceVersion => {
            (error.to_string(), "check what answers in the API server's place")
        }
    };
    tracing::error!(resource, err = %reason, cure, "Failed to watch, will try again");
}

/// What went wrong at the bottom of a question to the API server, and what to do about it;
/// `forbidden` cures a refusal.
pub fn explain(error: &kube::Error, forbidden: &'static str) -> (String, &'static str) {
    match error {
        kube::Error::Api(status) if status.code == 403 => (status.message.clone(), forbidden),
        kube::Error::Api(status) if status.code == 401 => (
            status.message.clone(),
            "give the metrics server valid credentials: its service account token or kubeconfig",
        ),
        kube::Error::Api(status) => (status.message.clone(), "look at the API server"),
        other => (bottom(other), "check that the API server runs and can be reached from here"),
    }
}

/// The last error in a chain, which names the cause.
fn bottom(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
