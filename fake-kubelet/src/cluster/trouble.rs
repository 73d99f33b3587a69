//! What the API server had against something, in its own words.

use std::error::Error;

use kube::runtime::watcher;

/// What went wrong at the bottom of a question to the API server.
pub(super) fn words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// The same of a watch.
pub(super) fn words_of_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => words(inner),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn the_cause_is_said_once_and_plainly() {
        let forbidden = Status::failure("nodes is forbidden", "Forbidden").with_code(403);
        assert_eq!(words(&kube::Error::Api(forbidden.clone().boxed())), "nodes is forbidden");
        let watch = watcher::Error::WatchStartFailed(kube::Error::Api(forbidden.boxed()));
        assert_eq!(words_of_watch(&watch), "nodes is forbidden");
        let refused = std::io::Error::other("connection refused");
        let below = std::io::Error::other(refused);
        let unreachable = kube::Error::Service(Box::new(below));
        assert_eq!(words(&unreachable), "connection refused");
    }
}
