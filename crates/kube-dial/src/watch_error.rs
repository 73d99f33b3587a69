//! Why requests to the API server and watches fail, with the cure.

use std::error::Error;

use diagnosis::Cause;
use kube::runtime::watcher;

/// Logs that a watch failed, why, and the cure; `forbidden` is the cause of a 403.
pub fn report(resource: &str, forbidden: Cause, error: &watcher::Error) {
    let (reason, cure) = match error {
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => {
            let (reason, cause) = explain(inner, forbidden);
            (reason, cause.cure())
        }
        watcher::Error::WatchError(status) => {
            (status.message.clone(), "none needed: it is listed again")
        }
        watcher::Error::NoResourceVersion => {
            (error.to_string(), "check what answers in the API server's place")
        }
    };
    tracing::error!(resource, err = %reason, cure, "Failed to watch, will try again");
}

/// What went wrong at the bottom of a request to the API server, and the cause; `forbidden` is that
/// of a 403.
pub fn explain(error: &kube::Error, forbidden: Cause) -> (String, Cause) {
    match error {
        kube::Error::Api(status) if status.code == 403 => (status.message.clone(), forbidden),
        kube::Error::Api(status) if status.code == 401 => {
            (status.message.clone(), Cause::ApiServerUnauthorized)
        }
        kube::Error::Api(status) => (status.message.clone(), Cause::ApiServerFailing),
        other => (bottom(other), Cause::ApiServerUnreachable),
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
