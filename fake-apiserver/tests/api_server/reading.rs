//! Lists, single objects, selectors, chunks, forms, and what is refused.

use http::{Method, StatusCode};
use serde_json::json;

use super::support::{
    Answer, BEFORE, Client, PARTIAL, PARTIAL_LIST, TABLE, cluster, empty, labelled, node, pod,
};

#[tokio::test]
async fn lists_what_the_selectors_choose() {
    let client = Client::admin(&cluster());
    for (path, expected) in [
        ("/api/v1/nodes", "k8s-m1 k8s-node1"),
        ("/api/v1/nodes?fieldSelector=metadata.name%3Dk8s-m1", "k8s-m1"),
        ("/api/v1/nodes?fieldSelector=metadata.name!%3Dk8s-m1", "k8s-node1"),
        ("/api/v1/nodes?labelSelector=node-role.kubernetes.io/control-plane", "k8s-m1"),
        ("/api/v1/nodes?labelSelector=!node-role.kubernetes.io/control-plane", "k8s-node1"),
        ("/api/v1/nodes?labelSelector=kubernetes.io/hostname+in+(k8s-m1,x)", "k8s-m1"),
        ("/api/v1/nodes?labelSelector=kubernetes.io/hostname+notin+(k8s-m1,x)", "k8s-node1"),
        (
            "/api/v1/nodes?labelSelector=kubernetes.io/os%3D%3Dlinux,kubernetes.io/hostname%3Dk8s-m1",
            "k8s-m1",
        ),
        ("/api/v1/nodes?labelSelector=kubernetes.io/os!%3Dlinux", ""),
        ("/api/v1/pods", "kube-system/coredns team-00/app team-00/job"),
        ("/api/v1/pods?fieldSelector=status.phase%3DRunning", "kube-system/coredns team-00/app"),
        (
            "/api/v1/pods?fieldSelector=status.phase%3D%3DRunning,spec.nodeName%3Dk8s-node1",
            "team-00/app",
        ),
        ("/api/v1/pods?fieldSelector=metadata.namespace!%3Dkube-system", "team-00/app team-00/job"),
        ("/api/v1/namespaces/team-00/pods", "team-00/app team-00/job"),
        ("/api/v1/namespaces/team-00/pods?labelSelector=app%3Djob", "team-00/job"),
        ("/api/v1/namespaces/nobody/pods", ""),
        ("/api/v1/namespaces", "default kube-node-lease kube-public kube-system team-00"),
        (
            "/apis/apiregistration.k8s.io/v1/apiservices",
            "v1. v1.apiregistration.k8s.io v1.apps v1.authentication.k8s.io \
             v1.authorization.k8s.io v1.certificates.k8s.io v1.coordination.k8s.io \
             v1.discovery.k8s.io v1.rbac.authorization.k8s.io",
        ),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert_eq!(answer.names().join(" "), expected, "{path}");
    }
}

#[tokio::test]
async fn lists_are_in_the_order_of_namespace_slash_name() {
    let api_server = empty();
    for (namespace, name) in [("team", "b"), ("team", "a"), ("team-00", "c"), ("t", "d")] {
        api_server.upsert_pod(pod(namespace, name, "n", "Running"));
    }
    let pods = Client::admin(&api_server).get("/api/v1/pods").await;
    assert_eq!(pods.names(), ["t/d", "team-00/c", "team/a", "team/b"]);
}

#[tokio::test]
async fn answers_in_the_requested_form() {
    let client = Client::admin(&cluster());
    for (path, accept, kind) in [
        ("/api/v1/nodes", "", "NodeList"),
        ("/api/v1/nodes", "*/*", "NodeList"),
        ("/api/v1/nodes", "application/vnd.kubernetes.protobuf, */*", "NodeList"),
        ("/api/v1/nodes", "application/vnd.kubernetes.protobuf,application/json", "NodeList"),
        ("/api/v1/nodes", PARTIAL_LIST, "PartialObjectMetadataList"),
        ("/api/v1/nodes", TABLE, "Table"),
        (
            "/api/v1/nodes",
            "application/json;q=0.5,application/json;as=Table;v=v1;g=meta.k8s.io",
            "Table",
        ),
        ("/api/v1/nodes/k8s-m1", PARTIAL, "PartialObjectMetadata"),
        ("/api/v1/nodes/k8s-m1", "application/json", "Node"),
        ("/api/v1/nodes/k8s-m1", TABLE, "Table"),
        ("/api/v1/namespaces/team-00", "application/json", "Namespace"),
        ("/api/v1/namespaces/team-00/pods/app", "application/json", "Pod"),
        ("/apis/apiregistration.k8s.io/v1/apiservices", "application/json", "APIServiceList"),
    ] {
        let answer = client.get_as(path, accept).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {accept}");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.json()["kind"], kind, "{path} {accept}");
    }
}

#[tokio::test]
async fn the_store_completes_metadata() {
    let api_server = cluster();
    let client = Client::admin(&api_server);
    let first = client.get("/api/v1/namespaces/team-00/pods/app").await.json();
    api_server.upsert_pod(pod("team-00", "app", "k8s-m1", "Running"));
    let second = client.get("/api/v1/namespaces/team-00/pods/app").await.json();
    let [first, second] = [&first["metadata"], &second["metadata"]];
    assert_eq!(first["uid"], second["uid"]);
    assert_eq!(first["creationTimestamp"], BEFORE);
    assert_ne!(first["resourceVersion"], second["resourceVersion"]);

    let version = api_server.resource_version();
    api_server.upsert_pod(pod("team-00", "app", "k8s-m1", "Running"));
    assert_eq!(api_server.resource_version(), version, "what is the same is no change");

    assert!(api_server.remove_pod("team-00", "app"));
    assert!(!api_server.remove_pod("team-00", "app"));
    api_server.upsert_pod(pod("team-00", "app", "k8s-m1", "Running"));
    let again = client.get("/api/v1/namespaces/team-00/pods/app").await.json();
    assert_ne!(again["metadata"]["uid"], second["uid"], "a new pod of the same name");
}

#[tokio::test]
async fn metadata_alone_are_those_of_the_object() {
    let client = Client::admin(&cluster());
    let whole = client.get("/api/v1/nodes").await.json();
    let partial = client.get_as("/api/v1/nodes", PARTIAL_LIST).await.json();
    assert_eq!(whole["items"][0]["metadata"], partial["items"][0]["metadata"]);
    assert_eq!(partial["items"][0]["kind"], "PartialObjectMetadata");
    assert_eq!(whole["metadata"], partial["metadata"]);
    assert_eq!(partial["items"][0]["status"], json!(null));
}

#[tokio::test]
async fn chunks_together_are_the_list_as_it_was() {
    let api_server = cluster();
    let client = Client::admin(&api_server);
    let first = client.get("/api/v1/pods?limit=1").await;
    assert_eq!(first.names(), ["kube-system/coredns"]);
    let meta = &first.json()["metadata"];
    assert_eq!(meta["remainingItemCount"], 2);
    let more = meta["continue"].as_str().unwrap().replace('=', "%3D");

    api_server.remove_pod("team-00", "app");
    api_server.upsert_pod(pod("team-00", "later", "k8s-m1", "Running"));
    let second = client.get(&format!("/api/v1/pods?limit=1&continue={more}")).await;
    assert_eq!(second.names(), ["team-00/app"]);
    assert_eq!(second.json()["metadata"]["resourceVersion"], meta["resourceVersion"]);
    let rest = client.get(&format!("/api/v1/pods?continue={more}")).await;
    assert_eq!(rest.names(), ["team-00/app", "team-00/job"]);
    assert_eq!(rest.json()["metadata"]["continue"], json!(null));

    let selected = client.get("/api/v1/pods?limit=1&labelSelector=app").await.json();
    assert_eq!(selected["metadata"]["remainingItemCount"], json!(null));
    let page = "/api/v1/pods?limit=1&fieldSelector=metadata.namespace%3Dteam-00";
    let first = client.get(page).await;
    assert_eq!(first.names(), ["team-00/job"]);
    let next = first.json()["metadata"]["continue"].as_str().unwrap().replace('=', "%3D");
    let last = client.get(&format!("{page}&continue={next}")).await;
    assert_eq!(last.names(), ["team-00/later"]);
    assert_eq!(last.json()["metadata"]["continue"], json!(null));
    let cached = client.get("/api/v1/pods?limit=1&resourceVersion=0").await;
    assert_eq!(cached.names().len(), 3, "version 0 is answered whole");

    api_server.compact();
    let gone = client.get(&format!("/api/v1/pods?limit=1&continue={more}")).await;
    assert_eq!((gone.status, gone.json()["reason"].clone()), (StatusCode::GONE, json!("Expired")));
}

#[tokio::test]
async fn an_exact_version_can_be_listed() {
    let api_server = cluster();
    let client = Client::admin(&api_server);
    let version = api_server.resource_version();
    api_server.remove_node("k8s-m1");
    api_server.upsert_node(labelled(node("k8s-node1", ""), "new", "yes"));
    api_server.upsert_node(node("k8s-node2", ""));
    let path = format!("/api/v1/nodes?resourceVersion={version}&resourceVersionMatch=Exact");
    let then = client.get(&path).await;
    assert_eq!(then.names(), ["k8s-m1", "k8s-node1"]);
    assert_eq!(then.json()["items"][1]["metadata"]["labels"]["new"], json!(null));
}

#[tokio::test]
async fn refusals_are_those_of_the_real_server() {
    let client = Client::admin(&cluster());
    let mut said = String::new();
    for (method, path, accept) in [
        ("GET", "/api/v1/nodes/nope", "application/json"),
        ("GET", "/api/v1/namespaces/team-00/pods/nope", "application/json"),
        ("GET", "/apis/apiregistration.k8s.io/v1/apiservices/nope", "application/json"),
        ("GET", "/api/v1/namespaces/team-00/nodes", "application/json"),
        ("GET", "/api/v1/widgets", "application/json"),
        ("GET", "/apis/widgets.io/v1", "application/json"),
        ("GET", "/foo", "application/json"),
        ("POST", "/api/v1/namespaces", "application/json"),
        ("DELETE", "/api/v1/namespaces/team-00", "application/json"),
        ("GET", "/apis/authentication.k8s.io/v1/tokenreviews", "application/json"),
        ("GET", "/api/v1/nodes", "application/vnd.kubernetes.protobuf"),
        ("GET", "/api/v1/nodes", PARTIAL),
        ("GET", "/api/v1/nodes?labelSelector=a+b", "application/json"),
        ("GET", "/api/v1/nodes?labelSelector=a%3Db,", "application/json"),
        ("GET", "/api/v1/nodes?labelSelector=,a", "application/json"),
        ("GET", "/api/v1/nodes?labelSelector=a+in+b", "application/json"),
        ("GET", "/api/v1/nodes?fieldSelector=xx", "application/json"),
        ("GET", "/api/v1/pods?fieldSelector=spec.color%3Dred", "application/json"),
        ("GET", "/api/v1/nodes?resourceVersion=x", "application/json"),
        ("GET", "/api/v1/nodes?resourceVersion=1000", "application/json"),
        ("GET", "/api/v1/nodes?continue=x", "application/json"),
        ("GET", "/api/v1/nodes?sendInitialEvents=true", "application/json"),
        (
            "GET",
            "/api/v1/nodes?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            "application/json",
        ),
        ("GET", "/api/v1/nodes?watch=1&resourceVersionMatch=NotOlderThan", "application/json"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = client.send(method.clone(), path, &[("accept", accept)], "").await;
        said += &format!("{method} {path}\n{} {}\n\n", answer.status.as_u16(), answer.body);
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn tables_are_those_of_kubectl() {
    let api_server = cluster();
    let mut cordoned = node("k8s-node2", "");
    cordoned.spec.get_or_insert_default().unschedulable = Some(true);
    cordoned.status.get_or_insert_default().conditions.as_mut().unwrap()[0].status =
        "Unknown".to_owned();
    api_server.upsert_node(cordoned);
    let client = Client::admin(&api_server);
    let mut drawn = String::new();
    for path in [
        "/api/v1/nodes",
        "/api/v1/pods",
        "/api/v1/namespaces/team-00/pods/app",
        "/api/v1/namespaces",
        "/apis/apiregistration.k8s.io/v1/apiservices",
    ] {
        let table = client.get_as(path, TABLE).await.json();
        drawn += &format!("{path}\n");
        let columns = table["columnDefinitions"].as_array().unwrap();
        let heads: Vec<_> =
            columns.iter().map(|it| format!("{}/{}", it["name"], it["priority"])).collect();
        drawn += &format!("  {}\n", heads.join(" ").replace('"', ""));
        for row in table["rows"].as_array().unwrap() {
            drawn += &format!("  {}\n", row["cells"]);
            assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
        }
    }
    insta::assert_snapshot!(drawn);

    let row = |answer: Answer| answer.json()["rows"][0]["object"].clone();
    let none = client.get_as("/api/v1/nodes?includeObject=None", TABLE).await;
    assert_eq!(row(none), json!(null));
    let object = client.get_as("/api/v1/nodes?includeObject=Object", TABLE).await;
    assert_eq!(row(object)["kind"], "Node");
}

#[tokio::test]
async fn objects_of_other_kinds_and_logs_are_read() {
    let api_server = cluster();
    let deployment = json!({"kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {"name": "web", "namespace": "team-00"}});
    api_server.apply(deployment).unwrap();
    assert!(api_server.apply(json!({"kind": "Secret"})).is_err());
    api_server.set_log("team-00", "app", Box::new(|| "one\ntwo\n".to_owned()));
    let client = Client::admin(&api_server);
    assert_eq!(client.get("/apis/apps/v1/deployments").await.names(), ["team-00/web"]);
    let log = "/api/v1/namespaces/team-00/pods/app/log";
    for (query, status, body) in [
        ("", 200, "one\ntwo\n"),
        ("?tailLines=1", 200, "two\n"),
        ("?previous=true", 400, "previous terminated container in pod"),
    ] {
        let answer = client.get(&format!("{log}{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
        assert!(answer.body.contains(body) && (status != 200 || answer.body == body), "{query}");
    }
}
