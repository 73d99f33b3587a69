//! The usage of a pod's containers: of the configuration, or of the pod's annotations.

use std::{collections::BTreeMap, path::Path};

use k8s_text::quantity::Quantity;

use crate::{
    config::{PodConfig, UsageConfig},
    usage::UsageSchedule,
};

/// What each container of a pod uses, in YAML: `{cpu: 250m, memory: 64Mi, shape: …}`.
const EACH: &str = "fake-kubelet.dev/usage";

/// Before the name of a container: what this one uses.
const ONE: &str = "usage.fake-kubelet.dev/";

/// KWOK's, of which each container of the pod uses as much: a quantity.
const KWOK_CPU: &str = "kwok.x-k8s.io/usage-cpu";
const KWOK_MEMORY: &str = "kwok.x-k8s.io/usage-memory";

type Annotations = BTreeMap<String, String>;

/// A container's usage. Mistakes in annotations are passed to `warn`, and the annotation is ignored.
pub(super) fn course(
    (config, folder): (Option<&PodConfig>, &Path),
    annotations: &Annotations,
    container: &str,
    mut warn: impl FnMut(String),
) -> UsageSchedule {
    let described = config.and_then(|pod| pod.containers.iter().find(|c| *c.name == container));
    let usage = match described {
        Some(container) => (*container.usage).clone(),
        None => annotated(annotations, container, &mut warn)
            .unwrap_or_else(|| kwok(annotations, &mut warn)),
    };
    usage.course(folder).unwrap_or_else(|error| {
        warn(error.to_string());
        UsageSchedule::from(crate::usage::Shape::Constant { cpu: 0, memory: 0 })
    })
}

fn annotated(
    annotations: &Annotations,
    container: &str,
    warn: &mut impl FnMut(String),
) -> Option<UsageConfig> {
    for name in [format!("{ONE}{container}"), EACH.to_owned()] {
        let Some(text) = annotations.get(&name) else { continue };
        match UsageConfig::parse(text) {
            // Who may create pods must not make this program read files.
            Ok(usage) if usage.is_trace() => {
                warn(format!("annotation {name}: a Trace is for the configuration file only"));
            }
            Ok(usage) => return Some(usage),
            Err(error) => warn(format!("annotation {name}: {error}")),
        }
    }
    None
}

/// With KWOK's defaults.
fn kwok(annotations: &Annotations, warn: &mut impl FnMut(String)) -> UsageConfig {
    let mut quantity = |name: &str, default: Quantity| match annotations.get(name) {
        None => default,
        Some(text) => text.parse().unwrap_or_else(|error| {
            warn(format!("annotation {name}: {error}"));
            default
        }),
    };
    let cpu = quantity(KWOK_CPU, Quantity::nanocores(1_000_000));
    let memory = quantity(KWOK_MEMORY, Quantity::bytes(1 << 20));
    UsageConfig::constant(cpu, memory)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::usage::Usage;

    /// Millicores and bytes of the container `c` a minute after its start, and complaints.
    fn used(annotations: &[(&str, &str)]) -> (u64, u64, usize) {
        let annotations =
            annotations.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut complaints = 0;
        let course =
            course((None, Path::new("")), &annotations.collect(), "c", |_| complaints += 1);
        let start = Timestamp::UNIX_EPOCH;
        let usage = Usage::following(start, start, &course);
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
