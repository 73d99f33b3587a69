//! Requests to the API server and to the metrics server, and their answers.

use std::{error::Error, time::Duration};

use fake_apiserver::protobuf;
use http::{HeaderMap, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::Value;

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 64 << 20;

/// How long to wait for an answer.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

/// GETs a path with these headers, with a timeout of a minute.
pub(crate) async fn get(
    client: &Client,
    path: &str,
    headers: &[(String, String)],
) -> Result<Answer, String> {
    let answer = tokio::time::timeout(ANSWER_TIME, send(client, path, headers)).await;
    answer.unwrap_or_else(|_| Err("no answer within a minute".to_owned()))
}

async fn send(client: &Client, path: &str, headers: &[(String, String)]) -> Result<Answer, String> {
    let request = headers
        .iter()
        .fold(Request::get(path), |request, (name, value)| request.header(name, value))
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let response = client.send(request).await.map_err(|error| root_cause(&error))?;
    let (parts, body) = response.into_parts();
    let body = http_body_util::Limited::new(body, ANSWER_LIMIT)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes().to_vec() })
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

// === impl Answer ===

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a value, decoded where it is protobuf; as a text where it is neither.
    pub(crate) fn value(&self) -> Value {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with(protobuf::MEDIA_TYPE)) {
            return protobuf::decode(&self.body)
                .unwrap_or_else(|| Value::String("malformed protobuf".to_owned()));
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|_| Value::String(self.text()))
    }
}
