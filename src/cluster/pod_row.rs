//! Running pods as rows of a table: the metadata, and the node. Only the API server is a trusted
//! source of a pod's node.
//!
//! Metadata alone does not name the node. Of pods with two containers (kube-apiserver 1.36) metadata
//! is 4.5 KB in a list and as much in an event, a row 4.6 and 4.8 KB, a whole pod 8.7 KB, at about
//! the same cost for the API server.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Resource, client::Body, core::NamespaceResourceScope};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

type ObjectMeta = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What makes tables, and what comes from a server that has none.
const ACCEPT: HeaderValue =
    HeaderValue::from_static("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");

/// The column `Node` of pods, from 0: after Name, Ready, Status, Restarts, Age and IP.
const NODE_COLUMN: usize = 6;

/// What a column shows that has no value.
const NONE: &str = "<none>";

/// A running pod.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Shape")]
pub(super) struct PodRow {
    pub(super) metadata: ObjectMeta,
    /// Where it runs.
    pub(super) node: Option<String>,
}

/// One row of a list, the table with one row of an event, or a whole pod.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    rows: Vec<Row>,
    #[serde(default)]
    cells: Cells,
    object: Option<Object>,
    #[serde(default)]
    metadata: ObjectMeta,
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Row {
    cells: Cells,
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Object {
    metadata: ObjectMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
}

/// Of the cells of a row, the node.
#[derive(Default)]
struct Cells(Option<String>);

/// A client that gets pods as tables. A list of it has the form of any other list, so that the
/// usual watcher can follow it.
pub(super) fn client(client: Client) -> Client {
    Client::new(
        tower::service_fn(move |mut request: Request<Body>| {
            let client = client.clone();
            async move {
                request.headers_mut().insert(header::ACCEPT, ACCEPT);
                let is_watch = request.uri().query().is_some_and(|query| query.contains("watch="));
                let response = client.send(request).await?;
                if is_watch || response.status() != StatusCode::OK {
                    return Ok(response);
                }
                let (mut head, body) = response.into_parts();
                head.headers.remove(header::CONTENT_LENGTH);
                let body = body.collect().await?.to_bytes();
                Ok::<_, kube::Error>(Response::from_parts(head, Body::from(as_list(body))))
            }
        }),
        "default",
    )
}

/// Names the rows of a table as a list names its items.
fn as_list(table: Bytes) -> Vec<u8> {
    /// No string in JSON has quotes that are not escaped.
    const ROWS: &[u8] = b"\"rows\":";
    let start = table.starts_with(b"{\"kind\":\"Table\"");
    let rows = table.windows(ROWS.len()).position(|window| window == ROWS);
    match rows.filter(|_| start) {
        Some(at) => [&table[..at], b"\"items\":", &table[at + ROWS.len()..]].concat(),
        None => table.into(),
    }
}

// === impl PodRow ===

impl From<Shape> for PodRow {
    fn from(mut shape: Shape) -> Self {
        let (cells, object) = match shape.rows.pop() {
            Some(Row { cells, object }) => (cells, object),
            None => (shape.cells, shape.object),
        };
        if let Some(Object { metadata }) = object {
            return Self { metadata, node: cells.0 };
        }
        let node = shape.spec.and_then(|spec| spec.node_name);
        Self { metadata: shape.metadata, node }
    }
}

impl Resource for PodRow {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Pod::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Pod::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Pod::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Pod::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

// === impl Cells ===

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Node;

        impl<'de> Visitor<'de> for Node {
            type Value = Cells;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the cells of a row")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Cells, A::Error> {
                for _ in 0..NODE_COLUMN {
                    cells.next_element::<IgnoredAny>()?;
                }
                let node = cells.next_element::<String>()?;
                while cells.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cells(node.filter(|node| !node.is_empty() && node != NONE)))
            }
        }

        deserializer.deserialize_seq(Node)
    }
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectList;

    use super::*;

    /// Namespace, name and node.
    fn seen(row: &PodRow) -> [&str; 3] {
        let metadata = &row.metadata;
        [&metadata.namespace, &metadata.name, &row.node].map(|text| text.as_deref().unwrap_or("-"))
    }

    const ROW: &str = r#"{"cells":["web","2/2","Running",0,"3m","10.1.0.9","node-1","<none>","<none>"],"object":{"kind":"PartialObjectMetadata","metadata":{"namespace":"default","name":"web"}}}"#;

    #[test]
    fn a_pod_has_the_same_node_whatever_form_it_comes_in() {
        let table = format!(
            r#"{{"kind":"Table","metadata":{{"resourceVersion":"7"}},"columnDefinitions":null,"rows":[{ROW}]}}"#
        );
        let waiting = ROW.replace("\"node-1\"", "\"<none>\"");
        let whole = r#"{"metadata":{"namespace":"default","name":"web"},"spec":{"nodeName":"node-1","containers":[]}}"#;
        let metadata = r#"{"metadata":{"namespace":"default","name":"web"}}"#;
        for (text, node) in [
            (ROW, "node-1"),
            (&table, "node-1"),
            (&waiting, "-"),
            (whole, "node-1"),
            (metadata, "-"),
        ] {
            let row: PodRow = serde_json::from_str(text).unwrap();
            assert_eq!(seen(&row), ["default", "web", node], "{text}");
        }
    }

    #[test]
    fn a_table_is_read_as_a_list() {
        let table = format!(
            r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"7","continue":"more"}},"columnDefinitions":[{{"description":"the \"rows\":"}}],"rows":[{ROW},{ROW}]}}"#
        );
        let list = as_list(table.into_bytes().into());
        let list: ObjectList<PodRow> = serde_json::from_slice(&list).unwrap();
        assert_eq!(list.metadata.continue_.as_deref(), Some("more"));
        assert_eq!(
            list.items.iter().map(seen).collect::<Vec<_>>(),
            [["default", "web", "node-1"]; 2]
        );
    }
}
