//! A scenario's times, moved to now: for worlds whose clock is the machine's.

use std::time::Duration;

use cluster_format::{In, Sampling};
use jiff::{SignedDuration, Timestamp};

use super::objects;
use crate::file::format::{Container, Node, Spec};

/// How often kubelets measure by default.
const DEFAULT_SAMPLING: Duration = Duration::from_secs(10);

/// Moves all times of `spec` so that the cluster starts at `now`, also those at which kubelets
/// measure, and returns by how much.
pub(super) fn move_times(spec: &mut Spec, now: Timestamp) -> SignedDuration {
    let shift = now.duration_since(objects::start(spec));
    if let Some(clock) = &mut spec.clock {
        clock.0 = now;
    }
    let changes = spec.steps.iter_mut().filter_map(|step| step.change.as_mut());
    let (mut added, mut pods) = (Vec::new(), Vec::new());
    for change in changes {
        added.extend(&mut change.add);
        pods.extend(change.nodes.values_mut().flat_map(|node| &mut node.add_pods));
    }
    for node in spec.nodes.iter_mut().chain(added) {
        move_node(node, shift);
    }
    for container in pods.into_iter().flat_map(|pod| &mut pod.containers) {
        move_container(container, shift);
    }
    shift
}

fn move_node(node: &mut Node, shift: SignedDuration) {
    for container in node.pods.iter_mut().flat_map(|pod| &mut pod.containers) {
        move_container(container, shift);
    }
    if let Some(started) = &mut node.kubelet.started {
        started.0 = later(started.0, shift);
    }
    let sampling = node.kubelet.sampling.get_or_insert(Sampling {
        every: In(DEFAULT_SAMPLING),
        offset: None,
        apart: false,
    });
    let every = sampling.every.0.as_nanos();
    if every > 0 {
        let offset = sampling.offset.map_or(0, |offset| offset.0.as_nanos());
        let moved = offset.cast_signed() + shift.as_nanos();
        let moved = moved.rem_euclid(every.cast_signed());
        sampling.offset = u64::try_from(moved).ok().map(Duration::from_nanos).map(In);
    }
}

fn move_container(container: &mut Container, shift: SignedDuration) {
    if let Some(started) = &mut container.started {
        started.0 = later(started.0, shift);
    }
}

fn later(time: Timestamp, shift: SignedDuration) -> Timestamp {
    time.saturating_add(shift).unwrap_or(Timestamp::MAX)
}
