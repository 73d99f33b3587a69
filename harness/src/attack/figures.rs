//! What came of attacks. The JSON that `--json` writes has these fields.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Options, attacks::Attack, users::Visits};

/// One run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attacked {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) seconds_each: f64,
    #[serde(skip)]
    pub(super) bounds: Bounds,
    pub(super) attacks: Vec<Figures>,
}

/// What the server must not exceed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The 99th percentile of what users wait, in seconds.
    pub(super) p99: f64,
    /// By how much memory may grow in an attack, in bytes.
    pub(super) memory: u64,
}

/// One attack.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) attack: String,
    /// Connections that attackers got.
    pub(super) connections: u64,
    /// Requests that attackers sent.
    pub(super) requests: u64,
    /// A kubelet's probes, those from an address that attackers have too, and requests for usage.
    pub(super) users: [UserFigures; 3],
    /// Resident memory before the attack, and the most during it, in bytes.
    pub(super) memory_before: u64,
    pub(super) memory_peak: u64,
    /// CPU seconds of the server.
    pub(super) cpu_seconds: f64,
}

/// What a user got.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserFigures {
    pub(super) asked: u64,
    pub(super) failed: u64,
    /// How often they failed, by reason.
    pub(super) failures: BTreeMap<String, u64>,
    pub(super) median_seconds: f64,
    pub(super) p99_seconds: f64,
    pub(super) most_seconds: f64,
}

// === impl Attacked ===

impl Attacked {
    /// Nothing yet.
    pub(super) fn new(program: &Path, options: &Options) -> Self {
        Self {
            program: program.to_owned(),
            args: options.server_arg.clone(),
            seconds_each: options.duration.as_secs_f64(),
            bounds: Bounds { p99: options.p99.as_secs_f64(), memory: options.memory << 20 },
            attacks: Vec::new(),
        }
    }

    /// Whether users were answered, in time, and memory stayed within its bound.
    pub(super) fn held(&self) -> bool {
        self.attacks.iter().all(|figures| figures.held(self.bounds))
    }
}

// === impl Figures ===

impl Figures {
    pub(super) fn new(
        attack: Attack,
        visits: &[Visits],
        (connections, requests): (u64, u64),
        memory_before: u64,
        memory_peak: u64,
        cpu_seconds: f64,
    ) -> Self {
        let mut users = visits.iter().map(UserFigures::new);
        let users = std::array::from_fn(|_| users.next().unwrap_or_default());
        let attack = attack.to_string();
        Self { attack, connections, requests, users, memory_before, memory_peak, cpu_seconds }
    }

    pub(super) fn held(&self, bounds: Bounds) -> bool {
        self.memory_peak <= self.memory_before + bounds.memory
            // The server cannot distinguish a user at an attacker's address from the attacker.
            && [&self.users[0], &self.users[2]].into_iter().all(|user| user.held(bounds))
    }
}

// === impl UserFigures ===

impl UserFigures {
    fn new(visits: &Visits) -> Self {
        let answered = visits.took.len() as u64;
        let most = visits.took.last().copied().unwrap_or_default();
        let failed = visits.failed.values().sum();
        Self {
            asked: answered + failed,
            failed,
            failures: visits.failed.clone(),
            median_seconds: visits.percentile(50).as_secs_f64(),
            p99_seconds: visits.percentile(99).as_secs_f64(),
            most_seconds: most.as_secs_f64(),
        }
    }

    pub(super) fn held(&self, bounds: Bounds) -> bool {
        self.asked > 0 && self.failed == 0 && self.p99_seconds <= bounds.p99
    }
}
