use metrics_server::kubelet::decode::{decode, decode_plainly};

/// A body of `/metrics/resource`: both readers must decode the same from it.
pub fn resource(body: &[u8]) {
    let decoded = decode(body, 1_000);
    assert_eq!(decoded, decode_plainly(body, 1_000));
    if let Ok(decoded) = decoded {
        let pods = &decoded.sample.pods;
        let is_sorted = pods.is_sorted_by(|a, b| (&a.namespace, &a.name) < (&b.namespace, &b.name));
        assert!(is_sorted, "each pod is there once, in order");
        for pod in pods {
            assert!(pod.containers.is_sorted_by(|a, b| a.name < b.name));
        }
    }
}
