use metrics_server::kubelet::{Limits, decode::summary::decode};

/// A body of `/stats/summary`: for all bodies, pods come out once, in order, and no more of them
/// than the limits allow.
pub fn summary(body: &[u8]) {
    let limits = Limits { series: 50, label: 40, ..Limits::default() };
    let Ok(decoded) = decode(body, "node-1", 1_000, &limits) else { return };
    let pods = &decoded.sample.pods;
    assert!(pods.is_sorted_by(|a, b| (&a.namespace, &a.name) < (&b.namespace, &b.name)));
    let containers = pods.iter().map(|pod| pod.containers.len()).sum::<usize>();
    assert!(containers <= limits.series, "{containers} containers");
    for pod in pods {
        assert!(pod.containers.is_sorted_by(|a, b| a.name < b.name));
        assert!(pod.name.len() <= limits.label && pod.namespace.len() <= limits.label);
    }
}
