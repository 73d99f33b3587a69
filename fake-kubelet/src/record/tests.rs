use std::{convert::Infallible, env};

use http::Response;
use tower::service_fn;

use super::*;
use crate::Recording;

const METRICS: &str = include_str!("../../../tests/golden/kubelet-1.36/resource.1.prom");
const SUMMARY: &str = include_str!("../../../tests/golden/kubelet-1.36/summary.1.json");

/// An API server with one node behind it.
fn api_server() -> Client {
    let answer = |request: Request<Body>| async move {
        let target = request.uri().path_and_query().unwrap().as_str().to_owned();
        let (status, kind, body) = match target.strip_prefix("/api/v1/nodes/real-1/proxy/") {
            Some("metrics/resource") => (200, "text/plain; version=0.0.4", METRICS),
            Some("stats/summary?only_cpu_and_memory=true") => (200, "application/json", SUMMARY),
            _ => (403, "application/json", "nodes \"other\" is forbidden"),
        };
        let response = Response::builder()
            .status(status)
            .header("content-type", kind)
            .header("audit-id", "1")
            .body(Body::from(body.as_bytes().to_vec()));
        Ok::<_, Infallible>(response.unwrap())
    };
    Client::new(service_fn(answer), "default")
}

/// A folder of this test's own, which is removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("record-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(folder: &Folder, node: &str, rename: bool) -> RecordOptions {
    RecordOptions {
        node: node.to_owned(),
        scrapes: 2,
        every: Duration::from_secs(15),
        folder: folder.0.clone(),
        direct: false,
        rename,
    }
}

#[tokio::test(start_paused = true)]
async fn recordings_can_be_replayed() {
    let folder = Folder::new("replayed");
    let start = Instant::now();
    let mut files = Vec::new();
    let progress = |file: &Path| files.push(file.file_name().unwrap().to_owned());
    record(&api_server(), &options(&folder, "real-1", false), progress).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(15));
    assert_eq!(files.len(), 6);
    let recording = Recording::read(&folder.0).unwrap();
    assert_eq!(recording.scrape(1).unwrap(), METRICS);
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    assert_eq!(read("summary.2.json"), SUMMARY);
    assert_eq!(
        read("resource.1.headers"),
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
    );
}

#[tokio::test(start_paused = true)]
async fn names_are_replaced_by_the_same_everywhere() {
    let folder = Folder::new("renamed");
    record(&api_server(), &options(&folder, "real-1", true), |_| ()).await.unwrap();
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    let (metrics, summary) = (read("resource.2.prom"), read("summary.2.json"));
    assert_eq!(metrics, read("resource.1.prom"));
    for text in [&metrics, &summary] {
        assert!(!text.contains("real-"), "{text}");
    }
    let cpu = "container_cpu_usage_seconds_total{container=\"container-1\",namespace=\"default\",pod=\"pod-1\"} 23.145849731";
    assert!(metrics.contains(cpu), "{metrics}");
    assert!(summary.contains("\"nodeName\": \"node-1\""), "{summary}");
    assert!(summary.contains("\"name\": \"pods\""), "{summary}");
    assert!(summary.contains("\"uid\": \"00000000-0000-4000-8000-000000000001\""), "{summary}");
    assert_eq!(summary.lines().count(), SUMMARY.lines().count());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_permission_that_is_missing() {
    let folder = Folder::new("refused");
    let error = record(&api_server(), &options(&folder, "other", false), |_| ()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to get /api/v1/nodes/other/proxy/metrics/resource: 403 Forbidden: nodes \"other\" is forbidden; the right to get nodes/proxy is needed"
    );
}
