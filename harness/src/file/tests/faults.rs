//! Mistakes in faults and in usage over time.

use super::*;

/// A file with one node that has these faults.
fn faulty(faults: &str) -> String {
    nodes(&[&format!("{{name: a, kubelet: {{faults: {faults}}}}}")])
}

/// A file with one node whose usage has this shape.
fn shaped(shape: &str) -> String {
    nodes(&[&format!("{{name: a, usage: {{cpu: 1, memory: 1Gi, shape: {shape}}}}}")])
}

#[test]
fn what_makes_no_sense_about_faults() {
    shows(
        "faults",
        &reports(&[
            ("hidden by refusal", faulty("{refuse: true, status: 500, body: Garbage}")),
            ("hidden by silence", faulty("{silence: true, certificate: Expired}")),
            ("hidden by an alert", faulty("{tls: InternalError, delay: 3s}")),
            ("redirect that is none", faulty("{redirect: /, status: 500}")),
            ("trickle of nothing", faulty("{trickle: {bytes: 0, every: 0s}}")),
            ("ahead and behind", faulty("{samples: {ahead: 1s, behind: 1s}}")),
            ("no time and a wrong one", faulty("{samples: {ahead: 1s, untimed: true}}")),
            ("nothing wrong with samples", faulty("{samples: {}}")),
            ("every without for", faulty("{status: 500, when: {every: 30s}}")),
            ("for longer than every", faulty("{status: 500, when: {for: 30s, every: 30s}}")),
            ("for no request", faulty("{status: 500, when: {forRequests: 0}}")),
            ("a port closed by chance", faulty("{refuse: true, when: {probability: 0.5}}")),
            ("more than certain", faulty("{status: 500, when: {probability: 2}}")),
            ("nowhere", faulty("{status: 500, at: []}")),
            ("further down", faulty("{also: [{status: 500}, {status: 5}]}")),
            (
                "in a change",
                format!(
                    "{}  steps:\n    - {{name: s, change: {{nodes: {{a: {{faults: {{status: 5}}}}}}}}}}\n",
                    nodes(&["{name: a}"])
                ),
            ),
        ]),
    );
}

#[test]
fn what_makes_no_sense_about_usage_over_time() {
    shows(
        "usage",
        &reports(&[
            ("nothing to go to", shaped("{kind: Ramp, over: 1m}")),
            ("no time to do it", shaped("{kind: Wave, to: {cpu: 1, memory: 1}}")),
            ("at once", shaped("{kind: Leak, to: {cpu: 1, memory: 1}, over: 0s}")),
            (
                "spikes upon spikes",
                shaped("{kind: Spike, to: {cpu: 1, memory: 1}, over: 1m, every: 30s}"),
            ),
            ("more than can be counted", shaped("{kind: Step, to: {cpu: 1M, memory: 1}}")),
            ("less than nothing", shaped("{kind: Step, to: {cpu: -1, memory: 1}}")),
            ("what is of another kind", shaped("{kind: Restart, seed: 1, over: 1s}")),
            ("no such trace", shaped("{kind: Trace, file: nowhere.csv}")),
            ("no such kind", shaped("{kind: Sine}")),
            (
                "of what cannot change",
                nodes(&["{name: a, allocatable: {cpu: 1, memory: 1, shape: {kind: Restart}}}"]),
            ),
        ]),
    );
}
