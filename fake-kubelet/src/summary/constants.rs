//! The summary besides CPU and memory. These values are constants, because readers only need the
//! fields.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Psi, second};

const GI: u64 = 1 << 30;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IoStats {
    time: String,
    psi: Psi,
}

/// The interface that the default route takes, and then all there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkStats {
    time: String,
    #[serde(flatten)]
    default: InterfaceStats,
    interfaces: Vec<InterfaceStats>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceStats {
    name: String,
    rx_bytes: u64,
    rx_errors: u64,
    tx_bytes: u64,
    tx_errors: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FsStats {
    time: String,
    available_bytes: u64,
    capacity_bytes: u64,
    used_bytes: u64,
    inodes_free: u64,
    inodes: u64,
    inodes_used: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RuntimeStats {
    image_fs: FsStats,
    container_fs: FsStats,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RlimitStats {
    time: String,
    maxpid: u64,
    curproc: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) struct ProcessStats {
    process_count: usize,
}

// === impl IoStats ===

impl IoStats {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { time: second(at), psi: Psi::default() }
    }
}

// === impl NetworkStats ===

impl NetworkStats {
    pub(super) fn new(at: Timestamp) -> Self {
        let name = "eth0".to_owned();
        let default = InterfaceStats { name, rx_bytes: 0, rx_errors: 0, tx_bytes: 0, tx_errors: 0 };
        Self { time: second(at), interfaces: vec![default.clone()], default }
    }
}

// === impl FsStats ===

impl FsStats {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            time: second(at),
            available_bytes: 60 * GI,
            capacity_bytes: 100 * GI,
            used_bytes: 0,
            inodes_free: 6_000_000,
            inodes: 6_000_000,
            inodes_used: 0,
        }
    }
}

// === impl RuntimeStats ===

impl RuntimeStats {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { image_fs: FsStats::new(at), container_fs: FsStats::new(at) }
    }
}

// === impl RlimitStats ===

impl RlimitStats {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { time: second(at), maxpid: 32_768, curproc: 200 }
    }
}

// === impl ProcessStats ===

impl ProcessStats {
    pub(super) fn new(process_count: usize) -> Self {
        Self { process_count }
    }
}
