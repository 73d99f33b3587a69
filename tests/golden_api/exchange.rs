use std::collections::BTreeMap;

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;

/// A recorded request with its answer.
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) answer: Answer,
    request: Request,
}

/// The request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The user, as the recording names it.
    pub(crate) identity: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Recorded {
    name: String,
    request: RecordedRequest,
    response: RecordedResponse,
}

#[derive(Deserialize)]
struct RecordedRequest {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    identity: String,
}

#[derive(Deserialize)]
struct RecordedResponse {
    status: u16,
    headers: BTreeMap<String, String>,
    encoding: Option<String>,
    body: String,
}

/// All that was recorded.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let text = include_str!("../golden/metrics-api/exchanges.json");
    let recorded: Vec<Recorded> = serde_json::from_str(text).unwrap();
    recorded.into_iter().map(Exchange::from).collect()
}

/// A request without headers.
pub(crate) fn get(path: &str) -> Request {
    Request {
        method: Method::GET,
        path: path.to_owned(),
        headers: Vec::new(),
        identity: "client certificate, O=system:masters".to_owned(),
    }
}

// === impl Exchange ===

impl Exchange {
    pub(crate) fn request(&self) -> Request {
        self.request.clone()
    }

    /// The path without its parameters.
    pub(crate) fn path(&self) -> &str {
        self.request.path.split('?').next().unwrap_or_default()
    }
}

impl From<Recorded> for Exchange {
    fn from(Recorded { name, request, response }: Recorded) -> Self {
        let body = match response.encoding.as_deref() {
            Some("base64") => {
                base64::engine::general_purpose::STANDARD.decode(&response.body).unwrap()
            }
            _ => response.body.clone().into_bytes(),
        };
        let headers = response.headers.iter().map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
        });
        let status = StatusCode::from_u16(response.status).unwrap();
        Self {
            name,
            answer: Answer { status, headers: headers.collect(), body },
            request: Request {
                method: request.method.parse().unwrap(),
                path: request.path,
                headers: request.headers.into_iter().collect(),
                identity: request.identity,
            },
        }
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
