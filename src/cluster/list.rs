//! Nodes and pods, listed once.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node as ApiNode, Pod};
use k8s_text::selector::LabelSelector;
use kube::{Api, Client, api::ListParams};

use super::Node;

/// The most nodes of one response.
const PAGE: u32 = 500;

/// All nodes that `selector` matches.
pub(crate) async fn list_nodes(
    client: &Client,
    selector: &LabelSelector,
) -> kube::Result<Vec<Arc<Node>>> {
    let api = Api::<ApiNode>::all(client.clone());
    let mut params = ListParams::default().limit(PAGE);
    let mut nodes = Vec::new();
    loop {
        let page = api.list(&params).await?;
        let listed = page.items.into_iter().map(Node::from);
        nodes.extend(listed.filter(|node| selector.matches(&node.labels)).map(Arc::new));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(nodes),
        }
    }
}

/// Whether there is a running pod.
pub(crate) async fn has_running_pods(client: &Client) -> kube::Result<bool> {
    let one = ListParams::default().fields("status.phase=Running").limit(1);
    Ok(!Api::<Pod>::all(client.clone()).list_metadata(&one).await?.items.is_empty())
}
