//! Answers of the API beyond the recorded ones: notations, forms, refusals, long lists.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]
#![allow(clippy::format_push_string, reason = "speed is no matter here")]

#[path = "golden_api/exchange.rs"]
#[allow(dead_code, reason = "shared with the replay of recorded exchanges")]
mod exchange;
#[path = "golden_api/world.rs"]
#[allow(dead_code, reason = "shared with the replay of recorded exchanges")]
mod world;

use std::io::Read;

use http::Method;
use metrics_server::api::router;
use serde_json::{Value, json};

use self::{
    exchange::{Answer, Request, get},
    world::{World, ask},
};

const BASE: &str = "/apis/metrics.k8s.io/v1beta1";
const META: &str = "g=meta.k8s.io;v=v1";
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn with(path: &str, accept: &str) -> Request {
    let path = if path.starts_with("/apis") || path.starts_with("/openapi") {
        path.to_owned()
    } else {
        format!("{BASE}{path}")
    };
    Request { headers: vec![("Accept".to_owned(), accept.to_owned())], ..get(&path) }
}

async fn warm(request: &Request) -> Answer {
    ask(router(&World::warm().sources), request).await
}

fn content_type(answer: &Answer) -> &str {
    answer.headers.get("content-type").map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn refusals_have_the_requested_form() {
    let cases = [
        ("/nodes/nope", "application/json", 404, "application/json"),
        ("/nodes/nope", "application/yaml", 404, "application/yaml"),
        ("/nodes/nope", PROTOBUF, 404, PROTOBUF),
        // No table of a refusal: plain JSON, indented.
        ("/nodes/nope", TABLE, 404, "application/json"),
        ("/nodes", "text/html", 406, "application/json"),
        (
            "/nodes",
            "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1",
            406,
            "application/json",
        ),
        ("/apis", "text/html", 406, "application/json"),
        ("/namespaces/team-00/pods/nope", "application/json", 404, "application/json"),
    ];
    let mut said = String::new();
    for (path, accept, status, expected) in cases {
        let answer = warm(&with(path, accept)).await;
        assert_eq!((answer.status.as_u16(), content_type(&answer)), (status, expected), "{path}");
        said += &format!(
            "{path} as {accept}\n{}\n\n",
            answer.body.escape_ascii().to_string().replace("\\n", "\n").replace("\\\"", "\"")
        );
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn responses_have_the_requested_form() {
    let list = format!("application/json;as=PartialObjectMetadataList;{META}");
    let one = format!("application/json;as=PartialObjectMetadata;{META}");
    let cases = [
        ("/nodes/k8s-m1", one.as_str(), 200),
        ("/nodes/k8s-m1", &list, 406),
        ("/nodes", &one, 406),
        ("/nodes?labelSelector=none", &list, 200),
        ("/nodes?labelSelector=none", TABLE, 200),
        ("/nodes/k8s-m1?includeObject=Object", TABLE, 200),
        ("/nodes?includeObject=x", TABLE, 400),
        ("/nodes?limit=x", "application/json", 400),
        (
            "/nodes?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            "application/json",
            405,
        ),
        ("/nodes?labelSelector=none", "application/yaml", 200),
        (
            "/nodes/k8s-m1?includeObject=None",
            "application/yaml;as=Table;g=meta.k8s.io;v=v1beta1",
            200,
        ),
    ];
    let mut said = String::new();
    for (path, accept, status) in cases {
        let answer = warm(&with(path, accept)).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        said += &format!("{path} as {accept}\n{}\n\n", answer.text());
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn all_media_types_have_the_same_content() {
    for path in ["/nodes", "/pods", "/namespaces/team-01/pods", "/nodes/k8s-m1"] {
        let plain: Value =
            serde_json::from_slice(&warm(&with(path, "application/json")).await.body).unwrap();
        let pretty = warm(&with(&format!("{path}?pretty=1"), "application/json")).await;
        assert_eq!(serde_json::from_slice::<Value>(&pretty.body).unwrap(), plain);
        let yaml = warm(&with(path, "application/yaml")).await;
        assert!(yaml.text().contains(&format!("kind: {}\n", plain["kind"].as_str().unwrap())));
    }
}

#[tokio::test]
async fn people_get_indented_json() {
    let cases = [
        ("curl/8.0", "", true),
        ("Wget/1.2", "", true),
        ("Mozilla/5.0 (X11)", "", true),
        ("Mozilla/4.0", "", false),
        ("kubectl/v1.32", "", false),
        ("kubectl/v1.32", "?pretty=t", true),
        ("kubectl/v1.32", "?pretty=yes", false),
        ("curl/8.0", "?pretty=false", false),
        ("curl/8.0", "?pretty=", true),
    ];
    for (agent, query, expected) in cases {
        let mut request = get(&format!("{BASE}/nodes{query}"));
        request.headers.push(("User-Agent".to_owned(), agent.to_owned()));
        let answer = warm(&request).await;
        assert_eq!(answer.text().starts_with("{\n  "), expected, "{agent} {query}");
        assert_eq!(answer.text().ends_with("}\n"), !expected, "{agent} {query}");
    }
}

#[tokio::test]
async fn long_lists_arrive_whole_in_every_notation() {
    let pods = 3_000;
    let service = || router(&World::crowded(pods).sources);
    let plain = ask(service(), &get(&format!("{BASE}/pods"))).await;
    assert!(plain.body.len() > 500_000);
    let document: Value = serde_json::from_slice(&plain.body).unwrap();
    assert_eq!(document["items"].as_array().unwrap().len(), pods);
    assert!(plain.headers.get("content-encoding").is_none());

    for (accept, agent) in
        [("application/json", ""), ("application/json", "curl/8"), (PROTOBUF, "")]
    {
        let mut request = with("/pods", accept);
        request.headers.push(("User-Agent".to_owned(), agent.to_owned()));
        let whole = ask(service(), &request).await;
        request.headers.push(("Accept-Encoding".to_owned(), "br, gzip".to_owned()));
        let packed = ask(service(), &request).await;
        assert_eq!(packed.headers["content-encoding"], "gzip");
        assert_eq!(packed.headers["vary"], "Accept-Encoding");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == whole.body, "{accept}");
        assert!(packed.body.len() * 4 < unpacked.len(), "{accept}");
    }
    let mut short = with("/nodes", "application/json");
    short.headers.push(("Accept-Encoding".to_owned(), "gzip".to_owned()));
    assert!(warm(&short).await.headers.get("content-encoding").is_none());
}

#[tokio::test]
async fn open_api_is_cached_by_its_tag() {
    let index = warm(&get("/openapi/v3")).await;
    let document: Value = serde_json::from_slice(&index.body).unwrap();
    let names: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        json!(names),
        json!([
            "apis",
            "apis/metrics.k8s.io",
            "apis/metrics.k8s.io/v1",
            "apis/metrics.k8s.io/v1beta1",
            "version"
        ])
    );
    let url = document["paths"]["apis/metrics.k8s.io/v1"]["serverRelativeURL"].as_str().unwrap();
    let first = warm(&get(url)).await;
    assert_eq!(first.headers["cache-control"], "public, immutable");
    assert_eq!(first.headers["expires"], "Mon, 22 Nov 2027 09:27:23 GMT");
    let tag = first.headers["etag"].to_str().unwrap().to_owned();

    let mut known = get(url);
    known.headers.push(("If-None-Match".to_owned(), format!("\"x\", {tag}")));
    let unchanged = warm(&known).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));

    let old = warm(&get("/openapi/v3/apis/metrics.k8s.io/v1?hash=OLD")).await;
    assert_eq!((old.status.as_u16(), old.headers["location"].to_str().unwrap()), (301, url));

    let unacceptable = warm(&with("/openapi/v2", "text/html")).await;
    assert_eq!(unacceptable.status.as_u16(), 406);
}

/// Every type that is referred to is there. In version 2 Kubernetes' own types are the API server's,
/// which merges the document into its own: there no definition may have the name of one of them.
#[tokio::test]
async fn open_api_has_no_loose_ends() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
                Value::String(text) if name == "$ref" => found.push(text.clone()),
                _ => references(value, found),
            }),
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    const OF_API_SERVER: [&str; 8] = [
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup",
        "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList",
        "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList",
        "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
        "io.k8s.apimachinery.pkg.version.Info",
    ];
    let paths = [
        "v2",
        "v3/apis",
        "v3/apis/metrics.k8s.io/v1",
        "v3/apis/metrics.k8s.io/v1beta1",
        "v3/version",
    ];
    for path in paths {
        let answer = warm(&get(&format!("/openapi/{path}"))).await;
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty(), "{path}");
        for reference in found {
            let name = reference.rsplit('/').next().unwrap();
            let of_api_server = path == "v2" && OF_API_SERVER.contains(&name);
            let is_defined = document.pointer(&reference[1..]).is_some();
            assert_eq!(is_defined, !of_api_server, "{path}: {reference}");
        }
    }
}

#[tokio::test]
async fn aggregated_discovery_is_cached_by_its_tag() {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let first = warm(&with("/apis/", accept)).await;
    assert_eq!(first.headers["cache-control"], "public");
    let mut again = with("/apis", accept);
    again
        .headers
        .push(("If-None-Match".to_owned(), first.headers["etag"].to_str().unwrap().to_owned()));
    let unchanged = warm(&again).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.headers["vary"], "Accept");
}

/// Every request gets a response.
#[tokio::test]
async fn every_request_gets_a_response() {
    let service = router(&World::warm().sources);
    let mut pieces = vec![
        "",
        "/",
        "%",
        "%2",
        "%00",
        "%ff",
        "?",
        "&",
        "=",
        ";",
        "nodes",
        "pods",
        "namespaces",
        "(",
        ")",
        ",",
        "!",
        "in",
        "\\",
        "%F0%9F%98%80",
        "labelSelector=",
        "fieldSelector=metadata.name",
        "watch",
        "pretty",
        "..",
        "//",
    ];
    pieces.push(BASE);
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..3_000 {
        let tail: String = (0..round % 9).map(|_| pieces[random.usize(..pieces.len())]).collect();
        let path = format!("/apis/metrics.k8s.io/v1beta1/{tail}");
        if path.parse::<http::Uri>().is_err() {
            continue;
        }
        let accept: String = (0..round % 5)
            .map(|_| {
                ["a/b", "*", "/", ";", "=", ",", "q=", "0.5", "application/json", "as=Table"]
                    [random.usize(..10)]
            })
            .collect();
        let methods = [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST];
        let method = methods[random.usize(..methods.len())].clone();
        let headers = vec![("Accept".to_owned(), accept)];
        let request = Request { method, headers, ..get(&path) };
        let answer = ask(service.clone(), &request).await;
        assert!(answer.status.as_u16() < 500, "{}", request.path);
    }
}
