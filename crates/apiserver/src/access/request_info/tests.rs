use super::*;

/// In one line: verb, group/version, namespace, resource/subresource, name; or verb and path.
fn short(method: &str, uri: &str) -> String {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    match RequestInfo::of(&method, &uri.parse().unwrap()) {
        RequestInfo::NonResource { verb, path } => format!("{verb} path {path}"),
        RequestInfo::Resource(of) => {
            let ResourceInfo { verb, group, version, namespace, resource, .. } = &of;
            let subresource = &of.subresource;
            let name = &of.name;
            format!("{verb} {group}/{version} [{namespace}] {resource}/{subresource} {name:?}")
        }
    }
}

#[test]
fn resource_and_non_resource_requests_are_distinguished() {
    const V: &str = "/apis/metrics.k8s.io/v1beta1";
    let cases = [
        ("GET", "/", "get path /"),
        ("GET", "/healthz", "get path /healthz"),
        ("HEAD", "/readyz?verbose", "head path /readyz"),
        ("POST", "/metrics/", "post path /metrics/"),
        ("GET", "/apis", "get path /apis"),
        ("GET", "/apis/metrics.k8s.io", "get path /apis/metrics.k8s.io"),
        ("GET", V, "get path /apis/metrics.k8s.io/v1beta1"),
        ("GET", "/api/v1", "get path /api/v1"),
        ("GET", "/api/v1/nodes", r#"list /v1 [] nodes/ """#),
        ("GET", "/openapi/v2", "get path /openapi/v2"),
        ("GET", "{V}/nodes", r#"list metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("HEAD", "{V}/nodes/", r#"list metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("GET", "{V}/nodes?limit=500", r#"list metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("GET", "{V}/nodes?watch=1", r#"watch metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("GET", "{V}/nodes?watch", r#"watch metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("GET", "{V}/nodes?watch=false", r#"list metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("GET", "{V}/nodes/k8s-m1", r#"get metrics.k8s.io/v1beta1 [] nodes/ "k8s-m1""#),
        ("GET", "{V}/namespaces/a/pods", r#"list metrics.k8s.io/v1beta1 [a] pods/ """#),
        ("GET", "{V}/namespaces/a/pods/b", r#"get metrics.k8s.io/v1beta1 [a] pods/ "b""#),
        ("GET", "{V}/namespaces/a/pods/b/c", r#"get metrics.k8s.io/v1beta1 [a] pods/c "b""#),
        ("GET", "{V}/namespaces/a", r#"get metrics.k8s.io/v1beta1 [a] namespaces/ "a""#),
        ("POST", "{V}/nodes", r#"create metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("PUT", "{V}/nodes/n", r#"update metrics.k8s.io/v1beta1 [] nodes/ "n""#),
        ("PATCH", "{V}/nodes/n", r#"patch metrics.k8s.io/v1beta1 [] nodes/ "n""#),
        ("DELETE", "{V}/nodes/n", r#"delete metrics.k8s.io/v1beta1 [] nodes/ "n""#),
        ("DELETE", "{V}/nodes", r#"deletecollection metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("OPTIONS", "{V}/nodes", r#" metrics.k8s.io/v1beta1 [] nodes/ """#),
        ("GET", "{V}/watch/nodes", r#"watch metrics.k8s.io/v1beta1 [] nodes/ """#),
    ];
    for (method, uri, wanted) in cases {
        assert_eq!(short(method, &uri.replace("{V}", V)), wanted, "{method} {uri}");
    }
}

#[test]
fn percent_encoding_does_not_change_the_request_info() {
    const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/a/pods";
    let cases = [
        ("/%68ealthz", "get path /healthz"),
        ("/healthz%2F..%2Fmetrics", "get path /healthz/../metrics"),
        ("/%ff", "get path /%ff"),
        (
            "/apis/metrics.k8s.io/v1beta1/nodes/a%2Fb",
            r#"get metrics.k8s.io/v1beta1 [] nodes/b "a""#,
        ),
        ("/apis/metrics.k8s.io/v1beta1//pods", r#"get metrics.k8s.io/v1beta1 [] / "pods""#),
        ("{P}?fieldSelector=metadata.name%3Db", r#"list metrics.k8s.io/v1beta1 [a] pods/ "b""#),
        ("{P}?fieldSelector=metadata.name%3D%3Db", r#"list metrics.k8s.io/v1beta1 [a] pods/ "b""#),
        ("{P}?fieldSelector=metadata.name!%3Db", r#"list metrics.k8s.io/v1beta1 [a] pods/ """#),
        (
            "{P}?fieldSelector=metadata.name%3Db&fieldSelector=",
            r#"list metrics.k8s.io/v1beta1 [a] pods/ """#,
        ),
        (
            "{P}?fieldSelector=metadata.name%3Db,metadata.name%3Dc",
            r#"list metrics.k8s.io/v1beta1 [a] pods/ """#,
        ),
        ("{P}?fieldSelector=metadata.name%3D..", r#"list metrics.k8s.io/v1beta1 [a] pods/ """#),
    ];
    for (uri, wanted) in cases {
        assert_eq!(short("GET", &uri.replace("{P}", PODS)), wanted, "{uri}");
    }
}
