//! Saves the pages of a real kubelet, through the API server's node proxy or directly. The folder
//! can be replayed by [`Recording`](crate::Recording): a problem seen in production becomes a
//! scenario.

mod rename;

use std::{
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use kube::{Client, client::Body, core::Status};
use tokio::time::{Instant, sleep_until};

use self::rename::Renames;

const HOW_TO_REACH: &str = "; name its address with --address, and the CA with --kubelet-certificate-authority or --kubelet-insecure-tls";

/// What to record.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    /// The node.
    pub node: String,
    /// How many scrapes.
    pub scrapes: u32,
    /// How far apart.
    pub every: Duration,
    /// The folder; made if it is not there.
    pub folder: PathBuf,
    /// The client is the kubelet's own, not the API server's.
    pub direct: bool,
    /// Replace the names of the node, namespaces, pods and containers, the same name by the same
    /// replacement each time.
    pub rename: bool,
}

/// Why nothing was recorded, or less than requested.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The API server could not be reached, or answered with an error.
    #[error("failed to get {path}: {}{cure}", causes(source))]
    Ask {
        /// The request.
        path: String,
        /// Why not.
        source: Box<kube::Error>,
        /// What to do about it, with what separates it from the cause.
        cure: &'static str,
    },
    /// It, or the kubelet behind it, refused.
    #[error("failed to get {path}: {status}: {said}{cure}")]
    Refused {
        /// The request.
        path: String,
        /// The status.
        status: StatusCode,
        /// The message of the response.
        said: String,
        /// What to do about it, with what separates it from the cause.
        cure: &'static str,
    },
    /// A file could not be written.
    #[error("failed to write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// An answer as it is saved.
struct Saved {
    head: String,
    body: String,
}

/// Records; calls `progress` with each file that is written.
pub async fn record(
    client: &Client,
    options: &RecordOptions,
    mut progress: impl FnMut(&Path),
) -> Result<(), RecordError> {
    let RecordOptions { node, folder, .. } = options;
    fs::create_dir_all(folder)
        .map_err(|source| RecordError::Write { file: folder.clone(), source })?;
    let mut renames = options.rename.then(|| Renames::of(node));
    let start = Instant::now();
    for number in 1..=options.scrapes {
        sleep_until(start + options.every * (number - 1)).await;
        let mut scrape = get(client, options, "/metrics/resource").await?;
        let mut summary = get(client, options, "/stats/summary?only_cpu_and_memory=true").await?;
        if let Some(renames) = &mut renames {
            scrape.body = renames.metrics(&scrape.body);
            summary.body = renames.summary(&summary.body);
        }
        for (name, text) in [
            (format!("resource.{number}.prom"), &scrape.body),
            (format!("resource.{number}.headers"), &scrape.head),
            (format!("summary.{number}.json"), &summary.body),
        ] {
            let file = folder.join(name);
            match fs::write(&file, text) {
                Ok(()) => progress(&file),
                Err(source) => return Err(RecordError::Write { file, source }),
            }
        }
    }
    Ok(())
}

async fn get(client: &Client, options: &RecordOptions, page: &str) -> Result<Saved, RecordError> {
    let (path, unreachable, refused) = if options.direct {
        (
            page.to_owned(),
            HOW_TO_REACH,
            "; the right to get nodes/metrics and nodes/stats is needed",
        )
    } else {
        let path = format!("/api/v1/nodes/{}/proxy{page}", options.node);
        (path, "", "; the right to get nodes/proxy is needed")
    };
    let asked = |error: kube::Error| RecordError::Ask {
        path: path.clone(),
        source: error.into(),
        cure: unreachable,
    };
    let request = Request::get(&path)
        .body(Body::empty())
        .map_err(|error| asked(kube::Error::HttpError(error)))?;
    let response = client.send(request).await.map_err(asked)?;
    let (status, head) = (response.status(), head(&response));
    let body = response.into_body().collect_bytes().await.map_err(asked)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if status == StatusCode::OK {
        return Ok(Saved { head, body });
    }
    let denied = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    Err(RecordError::Refused {
        path,
        status,
        said: said(&body),
        cure: if denied { refused } else { "" },
    })
}

/// The message of a refusal: that of a `Status`, or the whole body.
fn said(body: &str) -> String {
    let status = serde_json::from_str::<Status>(body).ok();
    let message = status.map(|status| status.message).filter(|message| !message.is_empty());
    message.unwrap_or_else(|| body.trim_end().to_owned())
}

/// An error with its causes: the client's own message does not have them.
fn causes(error: &kube::Error) -> String {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push(error.to_string());
        cause = error.source();
    }
    said.dedup();
    said.join(": ")
}

/// Status line and headers as they came over the wire, as Go spells them. What the API server adds
/// for its own audit is left out.
fn head(response: &Response<Body>) -> String {
    let mut head = format!("HTTP/1.1 {}\r\n", response.status());
    for (name, value) in response.headers() {
        if name == "audit-id" || name == "cache-control" {
            continue;
        }
        let words = name.as_str().split('-').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        });
        let name = words.collect::<Vec<_>>().join("-");
        // Writing to a String cannot fail.
        let _ = write!(head, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    head
}

#[cfg(test)]
mod tests;
