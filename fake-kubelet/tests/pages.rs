//! What was not recorded of a real kubelet, as its source has it: paths, header lines and their
//! order, bodies to the last byte.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{io::Read, time::Duration};

use cluster_format::Access;
use fake_kubelet::{KubeletSpec, Sampling};
use flate2::read::GzDecoder;
use serde_json::Value;
use support::{World, spec};

const TEXT: &str = "Content-Type: text/plain; charset=utf-8";
const JSON: &str = "Content-Type: application/json";
const NOSNIFF: &str = "X-Content-Type-Options: nosniff";
const DATE: &str = "Date: Sun, 22 Nov 2026 09:48:15 GMT";

/// The lines of a head, without the one that the test brings about by asking for it.
fn lines(head: &str) -> Vec<&str> {
    head.lines().filter(|line| *line != "Connection: close").collect()
}

#[tokio::test(start_paused = true)]
async fn pages_follow_kubernetes_source() {
    let world = World::new();
    let _kubelet = world.start(spec()).await;
    let verbose = "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n";
    let configz = "{\"kubeletconfig\":{\"enableServer\":true,\
        \"authentication\":{\"webhook\":{\"enabled\":false,\"cacheTTL\":\"2m0s\"},\
        \"anonymous\":{\"enabled\":true}},\
        \"authorization\":{\"mode\":\"AlwaysAllow\",\
        \"webhook\":{\"cacheAuthorizedTTL\":\"5m0s\",\"cacheUnauthorizedTTL\":\"30s\"}}}}";
    let pods = "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[\
        {\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"UID\",\
        \"creationTimestamp\":\"2026-11-22T09:37:17Z\"},\
        \"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{}}],\"nodeName\":\"k8s-node1\"},\
        \"status\":{\"phase\":\"Running\",\"startTime\":\"2026-11-22T09:37:17Z\",\
        \"containerStatuses\":[{\"name\":\"c\",\
        \"state\":{\"running\":{\"startedAt\":\"2026-11-22T09:37:17Z\"}},\"lastState\":{},\
        \"ready\":true,\"restartCount\":0,\"image\":\"\",\"imageID\":\"\",\"started\":true}]}}]}\n";
    let cases = [
        ("/healthz", "200 OK", vec![TEXT, NOSNIFF], "ok"),
        ("/healthz?verbose", "200 OK", vec![TEXT, NOSNIFF], verbose),
        ("/healthz/syncloop", "200 OK", vec![TEXT], "ok"),
        ("/configz", "200 OK", vec![JSON, NOSNIFF], configz),
        ("/pods", "200 OK", vec![JSON], pods),
        ("/", "404 Not Found", vec![TEXT, NOSNIFF], "404 page not found\n"),
        ("/metrics/nothing", "404 Not Found", vec![TEXT, NOSNIFF], "404 page not found\n"),
        ("/stats/container", "404 Not Found", vec![TEXT], "404: Page Not Found"),
    ];
    for (path, status, headers, body) in cases {
        let (head, seen) = world.get_text(path, "").await;
        let uid = seen.split("\"uid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let body = body.replace("UID", uid.unwrap_or_default());
        let length = format!("Content-Length: {}", body.len());
        let status = format!("HTTP/1.1 {status}");
        let wanted = [vec![status.as_str()], headers, vec![DATE, length.as_str()]].concat();
        assert_eq!((lines(&head), seen), (wanted, body), "{path}");
    }
}

/// go-restful routes the pages in JSON by method and `Accept`; the others take any of both.
#[tokio::test(start_paused = true)]
async fn pages_in_json_need_their_methods_and_a_client_that_accepts_json() {
    let world = World::new();
    let _kubelet = world.start(spec()).await;
    let not_allowed = "405: Method Not Allowed";
    let not_acceptable = "406: Not Acceptable\n\nAvailable representations: application/json";
    let refused = [
        ("POST", "/pods", "", 405, "Allow: GET", not_allowed),
        ("PUT", "/pods/", "", 405, "Allow: GET", not_allowed),
        ("DELETE", "/stats/summary", "", 405, "Allow: GET, POST", not_allowed),
        ("GET", "/pods", "Accept: text/html, text/plain;q=0.5\r\n", 406, TEXT, not_acceptable),
    ];
    for (method, path, headers, status, line, body) in refused {
        let (head, seen) = world.ask_text(method, path, headers).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {head}");
        assert_eq!((lines(&head)[1], seen.as_str()), (line, body), "{method} {path}");
    }
    let taken = [
        ("POST", "/stats/summary", ""),
        ("GET", "/pods", "Accept: application/json;q=0.9\r\n"),
        ("GET", "/pods", "Accept: text/html, */*\r\n"),
        ("POST", "/metrics/resource", "Accept: text/html\r\n"),
        ("PUT", "/healthz", ""),
    ];
    for (method, path, headers) in taken {
        let (head, _) = world.ask_text(method, path, headers).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{method} {path}: {head}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_are_compressed_on_every_page_if_the_client_accepts_it() {
    let world = World::new();
    let _kubelet = world.start(spec()).await;
    for path in ["/metrics", "/metrics/cadvisor", "/metrics/resource"] {
        let answer = world.get(path, "Accept-Encoding: gzip\r\n").await.unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let wanted = [
            "HTTP/1.1 200 OK",
            "Content-Encoding: gzip",
            "Content-Type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            "Process-Start-Time-Unix: 1795340237",
            DATE,
        ];
        assert_eq!(lines(head)[..5], wanted, "{path}");
        let mut text = String::new();
        GzDecoder::new(&answer[end + 4..]).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("# HELP ") && text.ends_with('\n'), "{path}: {text}");
        assert!(text.lines().all(|line| line.starts_with('#') || line.contains(' ')), "{path}");
    }
}

/// `k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go` has these fields, in this order.
#[tokio::test(start_paused = true)]
async fn the_full_summary_has_the_fields_of_the_source_in_their_order() {
    let world = World::new();
    let _kubelet = world.start(spec()).await;
    let (head, body) = world.get_text("/stats/summary", "").await;
    assert_eq!(lines(&head)[..3], ["HTTP/1.1 200 OK", JSON, DATE]);
    let names_at = |indent: usize| {
        let named = body.lines().filter_map(move |line| {
            let rest = line.strip_prefix(&" ".repeat(indent))?.strip_prefix('"')?;
            rest.split_once("\":").map(|(name, _)| name)
        });
        named.collect::<Vec<_>>()
    };
    assert_eq!(names_at(1), ["node", "pods"]);
    assert_eq!(
        names_at(2),
        [
            "nodeName",
            "systemContainers",
            "startTime",
            "cpu",
            "memory",
            "io",
            "network",
            "fs",
            "runtime",
            "rlimit",
            "swap"
        ]
    );
    let of_pods = names_at(3);
    let pod = of_pods.iter().position(|name| *name == "podRef").unwrap();
    assert_eq!(
        of_pods[pod..],
        [
            "podRef",
            "startTime",
            "containers",
            "cpu",
            "memory",
            "io",
            "network",
            "ephemeral-storage",
            "process_stats",
            "swap"
        ]
    );
    let network = "\"name\": \"eth0\",\n   \"rxBytes\": 0,\n   \"rxErrors\": 0,\n   \"txBytes\": 0,\n   \"txErrors\": 0,\n   \"interfaces\": [\n    {\n     \"name\": \"eth0\",";
    assert!(body.contains(network), "{body}");
    let (_, only) = world.get_text("/stats/summary?only_cpu_and_memory=true", "").await;
    let value = |body: &str| {
        let from = body.find('{').unwrap();
        let until = body.rfind('}').unwrap();
        serde_json::from_str::<Value>(&body[from..=until]).unwrap()
    };
    assert!(value(&only)["node"]["fs"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_summary_has_rates_however_often_is_measured() {
    for every in [0, 10, 60] {
        let world = World::new();
        let every = Duration::from_secs(every);
        let sampling = Sampling { every, ..Sampling::default() };
        let _kubelet = world.start(KubeletSpec { sampling, ..spec() }).await;
        let (_, body) = world.get_text("/stats/summary?only_cpu_and_memory=true", "").await;
        assert!(body.contains("\"usageNanoCores\": 1000000000,"), "{every:?}: {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn paths_that_do_not_exist_need_no_authentication() {
    let world = World::new();
    let _kubelet = world.start(KubeletSpec { access: Access::Webhook, ..spec() }).await;
    let cases = [
        ("/metrics/resource", 401, "Unauthorized\n"),
        ("/healthz", 401, "Unauthorized\n"),
        ("/exec/ns/p/c", 401, "Unauthorized\n"),
        ("/", 404, "404 page not found\n"),
        ("/metricsx", 404, "404 page not found\n"),
    ];
    for (path, status, body) in cases {
        let (head, seen) = world.get_text(path, "").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {head}");
        assert_eq!(seen, body, "{path}");
        let request = format!("k8s-node1 GET {path} Some({status}) None None");
        assert_eq!(world.notes.take()[1], request);
    }
}
