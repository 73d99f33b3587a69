//! `pods/NAME/log`.

use axum::response::Response;
use http::StatusCode;

use super::{
    FakeApiServer, key, request_info::Parameters, resources::PODS, response::text_response,
    status::Status,
};

/// What a pod's container has logged until now.
pub type PodLog = Box<dyn Fn() -> String + Send + Sync>;

// === impl FakeApiServer ===

impl FakeApiServer {
    /// From now on `log` is the log of a pod.
    pub fn set_log(&self, namespace: &str, pod: &str, log: PodLog) {
        self.logs.lock().insert(key(namespace, pod), log);
    }

    pub(super) fn log(
        &self,
        namespace: &str,
        pod: &str,
        parameters: &Parameters,
    ) -> Result<Response, Status> {
        let key = key(namespace, pod);
        if self.store.get(&PODS, &key).is_none() {
            return Err(Status::not_found("", PODS.plural, pod));
        }
        if parameters.flag("previous") {
            let message = format!("previous terminated container in pod {pod:?} not found");
            return Err(Status::bad_request(message));
        }
        let text = self.logs.lock().get(&key).map(|log| log()).unwrap_or_default();
        let lines = text.split_inclusive('\n').count() as u64;
        let wanted = parameters.number("tailLines")?.unwrap_or(u64::MAX);
        let skipped = usize::try_from(lines.saturating_sub(wanted)).unwrap_or(usize::MAX);
        let text: String = text.split_inclusive('\n').skip(skipped).collect();
        Ok(text_response(StatusCode::OK, text))
    }
}
