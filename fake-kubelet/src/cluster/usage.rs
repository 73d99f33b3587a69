//! The usage of a pod's containers: of the configuration, or of the pod's annotations.

use std::collections::BTreeMap;

use cluster_format::{Pod, Usage};
use k8s_text::quantity::Quantity;

use crate::{
    config::parse_usage,
    spec::Sources,
    usage::{Shape, UsageSchedule},
};

/// What each container of a pod uses, in YAML: `{cpu: 250m, memory: 64Mi, shape: …}`.
const EACH: &str = "fake-kubelet.dev/usage";

/// Before the name of a container: what this one uses.
const ONE: &str = "usage.fake-kubelet.dev/";

/// KWOK's, of which each container of the pod uses as much: a quantity.
const KWOK_CPU: &str = "kwok.x-k8s.io/usage-cpu";
const KWOK_MEMORY: &str = "kwok.x-k8s.io/usage-memory";

type Annotations = BTreeMap<String, String>;

/// The usage of a container, which is `container` of `pod`, a namespace and a name. Mistakes in
/// annotations are passed to `warn`, and the annotation is ignored.
pub(super) fn schedule(
    (config, sources): (Option<&Pod>, Sources<'_>),
    annotations: &Annotations,
    (namespace, pod, container): (&str, &str, &str),
    mut warn: impl FnMut(String),
) -> UsageSchedule {
    let configured = config.and_then(|pod| pod.containers.iter().find(|c| c.name == container));
    let usage = match configured {
        Some(container) => container.usage.clone(),
        None => annotated(annotations, container, &mut warn)
            .unwrap_or_else(|| kwok(annotations, &mut warn)),
    };
    let path = format!("{namespace}/{pod}/{container}");
    UsageSchedule::new(&usage, &path, sources).unwrap_or_else(|error| {
        warn(error.to_string());
        Shape::Constant { cpu: 0, memory: 0 }.into()
    })
}

fn annotated(
    annotations: &Annotations,
    container: &str,
    warn: &mut impl FnMut(String),
) -> Option<Usage> {
    for name in [format!("{ONE}{container}"), EACH.to_owned()] {
        let Some(text) = annotations.get(&name) else { continue };
        match parse_usage(text) {
            Ok(usage) => return Some(usage),
            Err(error) => warn(format!("annotation {name}: {error}")),
        }
    }
    None
}

/// With KWOK's defaults.
fn kwok(annotations: &Annotations, warn: &mut impl FnMut(String)) -> Usage {
    let mut quantity = |name: &str, default: Quantity| match annotations.get(name) {
        None => default,
        Some(text) => text.parse().unwrap_or_else(|error| {
            warn(format!("annotation {name}: {error}"));
            default
        }),
    };
    let cpu = quantity(KWOK_CPU, Quantity::nanocores(1_000_000));
    let memory = quantity(KWOK_MEMORY, Quantity::bytes(1 << 20));
    Usage::constant(cpu, memory)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::usage::Usage;

    /// Millicores and bytes of the container `c` a minute after its start, and complaints.
    fn used(annotations: &[(&str, &str)]) -> (u64, u64, usize) {
        let annotations =
            annotations.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut complaints = 0;
        let start = Timestamp::UNIX_EPOCH;
        let sources = Sources { folder: Path::new(""), seed: 0, start };
        let path = ("default", "p", "c");
        let warn = |_| complaints += 1;
        let schedule = schedule((None, sources), &annotations.collect(), path, warn);
        let usage = Usage::following(start, start, &schedule);
        let at = Timestamp::from_second(60).unwrap();
        (usage.cumulative_cpu(at) / 60_000_000, usage.memory(at), complaints)
    }

    #[test]
    fn the_most_specific_annotation_counts() {
        const MI: u64 = 1 << 20;
        let own = (EACH, "{cpu: 250m, memory: 64Mi}");
        let one = ("usage.fake-kubelet.dev/c", "{cpu: 1, memory: 1Gi}");
        let other = ("usage.fake-kubelet.dev/d", "{cpu: 2, memory: 1Gi}");
        let ramp = (
            EACH,
            "{cpu: 0, memory: 0, shape: {kind: Step, to: {cpu: 1, memory: 8Mi}, after: 30s}}",
        );
        let cases: [(&[(&str, &str)], _); 8] = [
            (&[], (1, MI, 0)),
            (&[(KWOK_CPU, "200m")], (200, MI, 0)),
            (&[(KWOK_CPU, "1"), (KWOK_MEMORY, "2Gi")], (1_000, 2_048 * MI, 0)),
            (&[(KWOK_CPU, "much"), (KWOK_MEMORY, "2Mi")], (1, 2 * MI, 1)),
            (&[own, other, (KWOK_CPU, "3")], (250, 64 * MI, 0)),
            (&[own, one], (1_000, 1_024 * MI, 0)),
            (&[ramp], (500, 8 * MI, 0)),
            (&[(EACH, "{cpu: 1, memory: 1, shape: {kind: Trace, file: /etc/passwd}}")], (1, MI, 1)),
        ];
        for (annotations, expected) in cases {
            assert_eq!(used(annotations), expected, "{annotations:?}");
        }
    }
}
