//! Rows of the measured values, with their labels written out, and their order.
//!
//! A fleet renders its nodes again and again, and only numbers change: a [`Node`] keeps the order,
//! which is four bytes for each series. Labels are put together from their parts each time, which
//! costs less than ten thousand nodes' memory for them.
//!
//! [`Node`]: crate::node::Node

use jiff::Timestamp;

use crate::sample::{Measured, Measurements};

/// Capacity for the labels of most series, in bytes.
const USUAL_LABELS: usize = 112;

/// In which order pods and containers are written: by their labels' values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// Indices of pods.
    pub(super) pods: Vec<u32>,
    /// Indices of containers, counted over all pods.
    pub(super) containers: Vec<u32>,
    /// Whether no name has anything to escape, as is so in Kubernetes.
    plain: bool,
}

/// What is written of one container or pod.
pub(super) struct Row {
    /// Where its labels are, with the space behind them.
    labels: (u32, u32),
    pub(super) of: Measurements,
    pub(super) started: Option<Timestamp>,
    pub(super) swap_limit: Option<Measured>,
}

/// All pods and containers of a node, in any order; what does not run is left out.
pub(crate) struct Rows<'a> {
    pub(super) order: &'a Order,
    pub(super) pods: Vec<Option<Row>>,
    pub(super) containers: Vec<Option<Row>>,
    labels: Vec<u8>,
    /// The labels of the pod that was begun last, without the bracket.
    pod: (usize, usize),
}

// === impl Order ===

impl Order {
    /// The order of pods, named by namespace and name, with the names of their containers.
    pub(crate) fn new<'a, C: Iterator<Item = &'a str>>(
        pods: impl Iterator<Item = (&'a str, &'a str, C)>,
    ) -> Self {
        let mut names = Vec::new();
        let mut containers = Vec::new();
        for (namespace, pod, of_pod) in pods {
            names.push((namespace, pod));
            containers.extend(of_pod.map(|container| (container, namespace, pod)));
        }
        let is_plain = |name: &str| !name.contains(['\\', '"', '\n']);
        Self {
            plain: names.iter().all(|(namespace, pod)| is_plain(namespace) && is_plain(pod))
                && containers.iter().all(|(container, ..)| is_plain(container)),
            pods: sorted(&names),
            containers: sorted(&containers),
        }
    }
}

/// The indices of what is in the list, in its order.
fn sorted<T: Ord>(list: &[T]) -> Vec<u32> {
    let mut indices: Vec<u32> = (0..).take(list.len()).collect();
    indices.sort_by_key(|index| &list[*index as usize]);
    indices
}

// === impl Rows ===

impl<'a> Rows<'a> {
    pub(crate) fn new(order: &'a Order) -> Self {
        let (pods, containers) = (order.pods.len(), order.containers.len());
        Self {
            order,
            pods: Vec::with_capacity(pods),
            containers: Vec::with_capacity(containers),
            labels: Vec::with_capacity(USUAL_LABELS * (pods + containers)),
            pod: (0, 0),
        }
    }

    /// The rows that follow are of this pod, which does not run unless a method marks it.
    pub(crate) fn begin_pod(&mut self, namespace: &str, name: &str) {
        self.labels.push(b'{');
        let start = self.labels.len();
        self.push_label(b"namespace=\"", namespace);
        self.push_label(b",pod=\"", name);
        self.labels.extend_from_slice(b"} ");
        self.pod = (start, self.labels.len());
        self.pods.push(None);
    }

    /// The pod that was begun runs.
    pub(crate) fn pod_runs(&mut self, of: Measurements) {
        let labels = (self.pod.0 as u32 - 1, self.pod.1 as u32);
        if let Some(pod) = self.pods.last_mut() {
            *pod = Some(Row { labels, of, started: None, swap_limit: None });
        }
    }

    /// A container of the pod that was begun.
    pub(crate) fn add_container(
        &mut self,
        name: &str,
        of: Measurements,
        started: Option<Timestamp>,
        swap_limit: Option<Measured>,
    ) {
        let start = self.labels.len() as u32;
        self.push_label(b"{container=\"", name);
        self.labels.push(b',');
        self.labels.extend_from_within(self.pod.0..self.pod.1);
        let labels = (start, self.labels.len() as u32);
        self.containers.push(Some(Row { labels, of, started, swap_limit }));
    }

    /// A container of the pod that was begun has not started.
    pub(crate) fn skip_container(&mut self) {
        self.containers.push(None);
    }

    pub(super) fn labels(&self, row: &Row) -> &[u8] {
        &self.labels[row.labels.0 as usize..row.labels.1 as usize]
    }

    /// The bytes of all labels.
    pub(super) fn size_of_labels(&self) -> usize {
        self.labels.len()
    }

    fn push_label(&mut self, before: &[u8], value: &str) {
        self.labels.extend_from_slice(before);
        if self.order.plain {
            self.labels.extend_from_slice(value.as_bytes());
        } else {
            push_escaped(&mut self.labels, value);
        }
        self.labels.push(b'"');
    }
}

fn push_escaped(out: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped_where_they_must_be() {
        let cases = [
            ("n", "p", "c", r#"{container="c",namespace="n",pod="p"} "#),
            ("q\"", "b\\", "n\nn", r#"{container="n\nn",namespace="q\"",pod="b\\"} "#),
            ("", "p", "ü", r#"{container="ü",namespace="",pod="p"} "#),
        ];
        for (namespace, pod, container, labels) in cases {
            let order = Order::new([(namespace, pod, [container].into_iter())].into_iter());
            let mut table = Rows::new(&order);
            table.begin_pod(namespace, pod);
            table.add_container(container, Measurements::default(), None, None);
            let row = table.containers[0].as_ref().unwrap();
            assert_eq!(std::str::from_utf8(table.labels(row)).unwrap(), labels);
        }
    }

    #[test]
    fn containers_go_by_their_own_names_first() {
        let pods = [("b", "1", ["y", "x"]), ("a", "2", ["y", "z"])];
        let order =
            Order::new(pods.iter().map(|(n, p, containers)| (*n, *p, containers.iter().copied())));
        assert_eq!((order.pods, order.containers), (vec![1, 0], vec![1, 2, 0, 3]));
    }
}
