//! The cause of a failed request to the API server, in one line.

use std::error::Error;

use kube::runtime::watcher;

/// The Status message, or the innermost cause.
pub(super) fn message(error: &kube::Error) -> String {
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
pub(super) fn watch_message(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(inner)
        | watcher::Error::WatchStartFailed(inner)
        | watcher::Error::WatchFailed(inner) => message(inner),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn only_the_cause_is_printed() {
        let forbidden = Status::failure("nodes is forbidden", "Forbidden").with_code(403);
        assert_eq!(message(&kube::Error::Api(forbidden.clone().boxed())), "nodes is forbidden");
        let watch = watcher::Error::WatchStartFailed(kube::Error::Api(forbidden.boxed()));
        assert_eq!(watch_message(&watch), "nodes is forbidden");
        let refused = std::io::Error::other("connection refused");
        let below = std::io::Error::other(refused);
        let unreachable = kube::Error::Service(Box::new(below));
        assert_eq!(message(&unreachable), "connection refused");
    }
}
