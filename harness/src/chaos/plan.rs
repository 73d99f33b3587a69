//! What happens in one run: a random cluster, and steps in each of which something goes wrong. It
//! is what is shrunk, and a scenario file is written from it.

use net::Random;

/// Faults of kubelets: as the format writes them, what the log must have, and whether they are faults
/// of verified certificates alone.
pub(super) const FAULTS: [(&str, &str, bool); 18] = [
    ("refuse: true", "connection refused", false),
    ("silence: true", "context deadline exceeded", false),
    ("delay: 40s", "context deadline exceeded", false),
    ("status: 500", "500 Internal Server Error", false),
    ("status: 503", "503 Service Unavailable", false),
    ("status: 404", "404 Not Found", false),
    ("status: 401", "401 Unauthorized", false),
    ("body: Garbage", "failed parsing metrics", false),
    ("body: OnlyScrapeError", "", false),
    ("transfer: NoAnswer", "EOF", false),
    ("transfer: CutShort", "unexpected EOF", false),
    ("transfer: CutChunks", "unexpected EOF", false),
    ("tls: InternalError", "tls: internal error", false),
    ("tls: Plaintext", "", false),
    ("redirect: /elsewhere", "", false),
    ("certificate: Expired", "x509: certificate has expired", true),
    ("certificate: UnknownCA", "x509: certificate signed by unknown authority", true),
    ("certificate: OtherName", "x509: certificate is valid for", true),
];

/// When faults are there, besides always: by time, and by request.
const BY_TIME: [&str; 2] = ["{for: 7s, every: 20s}", "{after: 12s}"];
const BY_REQUEST: [&str; 2] = ["{probability: 0.5}", "{afterRequests: 1, forRequests: 2}"];

/// What the API server does wrong when the metrics server asks.
const API_FAULTS: [&str; 5] =
    ["status: 500", "gone: true", "watchesLast: 5s", "answersAfter: 3s", "stallsAfter: 300"];

const DNS_FAILURES: [&str; 3] = ["ServerFailure", "NoSuchHost", "Silence"];

/// A run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// Seconds.
    pub(super) resolution: u32,
    pub(super) grace: u32,
    pub(super) fallback: bool,
    /// Kubelets' certificates are verified.
    pub(super) verify: bool,
    pub(super) nodes: Vec<NodePlan>,
    pub(super) steps: Vec<StepPlan>,
}

/// A node that is there from the beginning, or joins.
#[derive(Clone, Debug)]
pub(super) struct NodePlan {
    pub(super) number: u32,
    /// Millicores.
    pub(super) cpu: u32,
    /// Mebibytes.
    pub(super) memory: u32,
    /// It is scraped by its host name.
    pub(super) named: bool,
    pub(super) pods: Vec<PodPlan>,
}

/// A pod with one container.
#[derive(Clone, Copy, Debug)]
pub(super) struct PodPlan {
    pub(super) number: u32,
    pub(super) cpu: u32,
    pub(super) memory: u32,
}

/// What goes wrong or changes at the same time, and for how many cycles. After it, all is well
/// again.
#[derive(Clone, Debug)]
pub(super) struct StepPlan {
    pub(super) actions: Vec<Action>,
    pub(super) cycles: u32,
}

/// One change. Those of nodes that are not there do nothing.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A fault of [`FAULTS`]; with a schedule it is not always there.
    Fault {
        node: u32,
        fault: usize,
        when: Option<&'static str>,
    },
    Use {
        node: u32,
        cpu: u32,
        memory: u32,
    },
    Restart {
        node: u32,
    },
    Leave {
        node: u32,
    },
    Join(NodePlan),
    Start {
        node: u32,
        pod: PodPlan,
    },
    End {
        node: u32,
        pod: u32,
    },
    /// The API server is `Down` or `Silent`.
    ApiServer(&'static str),
    ApiFault(&'static str),
    /// The name of a node fails.
    Dns {
        node: u32,
        failure: &'static str,
    },
}

/// Random choices.
struct Dice(Random);

// === impl Plan ===

impl Plan {
    /// The run of a seed.
    pub(super) fn random(seed: u64) -> Self {
        let dice = Dice(Random::seeded(seed));
        let mut pods = 0..;
        let mut node = |number, may_be_named| NodePlan {
            number,
            cpu: dice.amount(),
            memory: dice.amount(),
            named: may_be_named && dice.once_in(3),
            pods: pods.by_ref().take(dice.below(4)).map(|number| dice.pod(number)).collect(),
        };
        let nodes: Vec<_> =
            (1..=1 + dice.below(5) as u32).map(|number| node(number, true)).collect();
        let mut numbers = nodes.len() as u32 + 1..;
        let verify = dice.once_in(3);
        let mut steps = Vec::new();
        for _ in 0..=dice.below(6) {
            let mut actions = Vec::new();
            for _ in 0..=dice.below(5) {
                let on = 1 + dice.below(nodes.len() + 1) as u32;
                actions.push(match dice.below(20) {
                    0..=7 => dice.fault(on, verify),
                    8..=9 => Action::Use { node: on, cpu: dice.amount(), memory: dice.amount() },
                    10 => Action::Restart { node: on },
                    11 => Action::Leave { node: on },
                    12 => Action::Join(node(numbers.next().unwrap_or_default(), false)),
                    13..=14 => {
                        Action::Start { node: on, pod: dice.pod(100 + dice.below(800) as u32) }
                    }
                    15 => Action::End { node: on, pod: dice.below(8) as u32 },
                    16 => Action::ApiServer(dice.one_of(&["Down", "Silent"])),
                    17..=18 => Action::ApiFault(dice.one_of(&API_FAULTS)),
                    _ => Action::Dns { node: on, failure: dice.one_of(&DNS_FAILURES) },
                });
            }
            steps.push(StepPlan { actions, cycles: 1 + dice.below(5) as u32 });
        }
        Self {
            seed,
            resolution: dice.one_of(&[15, 20, 30, 60]),
            grace: dice.below(3) as u32,
            fallback: dice.once_in(2),
            verify,
            nodes,
            steps,
        }
    }

    /// Whether kubelets cannot always ask the API server who asks them.
    pub(super) fn cuts_off_kubelets(&self) -> bool {
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        actions.any(|action| matches!(action, Action::ApiServer(_)))
    }

    /// Whether nodes and pods use the same from beginning to end.
    pub(super) fn has_constant_usage(&self) -> bool {
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        !actions.any(|action| matches!(action, Action::Use { .. } | Action::End { .. }))
    }

    /// Plans that are this one with a little less in it, those with the least first.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut plan = self.clone();
            change(&mut plan);
            all.push(plan);
        };
        for step in (0..self.steps.len()).rev() {
            with(&|plan| drop(plan.steps.remove(step)));
        }
        for node in (0..self.nodes.len()).rev().filter(|_| self.nodes.len() > 1) {
            with(&|plan| drop(plan.nodes.remove(node)));
        }
        for (index, step) in self.steps.iter().enumerate() {
            for action in (0..step.actions.len()).rev() {
                with(&|plan| drop(plan.steps[index].actions.remove(action)));
            }
            if step.cycles > 1 {
                with(&|plan| plan.steps[index].cycles -= 1);
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            for pod in (0..node.pods.len()).rev() {
                with(&|plan| {
                    plan.nodes[index].pods.remove(pod);
                });
            }
            if node.named {
                with(&|plan| plan.nodes[index].named = false);
            }
        }
        if self.grace > 0 {
            with(&|plan| plan.grace = 0);
        }
        if self.fallback {
            with(&|plan| plan.fallback = false);
        }
        let of_certificates = |action: &Action| match action {
            Action::Fault { fault, .. } => FAULTS[*fault].2,
            _ => false,
        };
        // Without verification, bad certificates are no fault.
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        if self.verify && !actions.any(of_certificates) {
            with(&|plan| plan.verify = false);
        }
        all
    }
}

// === impl Dice ===

impl Dice {
    /// A number below `limit`, which is small and not 0.
    fn below(&self, limit: usize) -> usize {
        usize::from(self.0.u16()) % limit
    }

    fn once_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn amount(&self) -> u32 {
        10 + self.below(490) as u32
    }

    fn pod(&self, number: u32) -> PodPlan {
        PodPlan { number, cpu: self.amount(), memory: self.amount() }
    }

    fn fault(&self, node: u32, verify: bool) -> Action {
        let fault = loop {
            let fault = self.below(FAULTS.len());
            if verify || !FAULTS[fault].2 {
                break fault;
            }
        };
        let when = self.once_in(3).then(|| {
            // A port is open or closed for every client.
            let by_time = self.once_in(2) || FAULTS[fault].0 == "refuse: true";
            self.one_of(if by_time { &BY_TIME } else { &BY_REQUEST })
        });
        Action::Fault { node, fault, when }
    }
}
