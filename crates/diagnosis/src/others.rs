//! What is about others than the metrics server, in the same words.

/// What is about other adapters of metrics, in the same words.
const OTHER_METRICS: [&str; 8] = [
    "custom.metrics.k8s.io",
    "external.metrics.k8s.io",
    "custom metrics API",
    "external metrics API",
    "external metric ",
    "FailedGetExternalMetric",
    "FailedGetPodsMetric",
    "FailedGetObjectMetric",
];

/// What is about this one, whatever else there is.
const OUR_METRICS: [&str; 4] = [
    " metrics.k8s.io/v1",
    "resource metrics API",
    "metrics for resource ",
    "FailedGetResourceMetric",
];

/// Whether it is about another API than that of resource usage: an adapter's, or any APIService's.
pub fn is_of_another_api(line: &str) -> bool {
    if OUR_METRICS.iter().any(|text| line.contains(text)) {
        return false;
    }
    let words = line.split(|c: char| c.is_whitespace() || "\":,/()".contains(c));
    let mut groups = words.filter_map(group_of_api_service).peekable();
    OTHER_METRICS.iter().any(|text| line.contains(text))
        || groups.peek().is_some() && !groups.any(|group| group == "metrics.k8s.io")
}

/// The group in the name of an APIService, such as `v1beta1.metrics.k8s.io`.
pub(crate) fn group_of_api_service(word: &str) -> Option<&str> {
    let (version, group) = word.strip_prefix('v')?.split_once('.')?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let end = group.rsplit_once('.').map_or("", |(_, end)| end);
    let is_group = !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_version && is_group).then_some(group)
}

/// Whether it is an event of a pod, and not of the metrics server's.
pub(crate) fn is_of_another_pod(line: &str) -> bool {
    line.contains(" pod/") && !line.contains("metrics-server")
}
