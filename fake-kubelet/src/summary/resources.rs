//! The measured part of the summary: CPU, memory and swap.

use serde::{Deserialize, Serialize};

use super::second;
use crate::sample::{Measured, Measurements};

/// A machine's memory and swap, in bytes: a fake one has constants.
const MEMORY: u64 = 8 << 30;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CpuStats {
    time: String,
    usage_nano_cores: u64,
    usage_core_nano_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MemoryStats {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    available_bytes: Option<u64>,
    usage_bytes: u64,
    working_set_bytes: u64,
    rss_bytes: u64,
    page_faults: u64,
    major_page_faults: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    psi: Option<Psi>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SwapStats {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    swap_available_bytes: Option<u64>,
    swap_usage_bytes: u64,
}

/// Pressure, of which there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Psi {
    full: Stall,
    some: Stall,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stall {
    total: u64,
    avg10: u64,
    avg60: u64,
    avg300: u64,
}

/// The object that the numbers are of: the recorded kubelet has more fields for some than for
/// others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Node,
    System,
    Pod,
    Container,
}

// === impl CpuStats ===

impl CpuStats {
    pub(super) fn new(before: Option<&Measurements>, now: &Measurements, of: Of) -> Option<Self> {
        let Measured { value, at } = now.cpu?;
        let rate = before.and_then(|before| before.cpu).map_or(0, |before| {
            let nanos = at.as_nanosecond() - before.at.as_nanosecond();
            let used = i128::from(value.saturating_sub(before.value)) * 1_000_000_000;
            u64::try_from(used / nanos.max(1)).unwrap_or(0)
        });
        Some(Self {
            time: second(at),
            usage_nano_cores: rate,
            usage_core_nano_seconds: value,
            psi: (of != Of::Container).then(Psi::default),
        })
    }
}

// === impl MemoryStats ===

impl MemoryStats {
    pub(super) fn new(now: &Measurements, of: Of) -> Option<Self> {
        let Measured { value, at } = now.memory?;
        Some(Self {
            time: second(at),
            available_bytes: match of {
                Of::Node | Of::System => Some(MEMORY.saturating_sub(value)),
                Of::Pod => None,
                // Without a limit.
                Of::Container => Some(0),
            },
            usage_bytes: value,
            working_set_bytes: value,
            rss_bytes: value,
            page_faults: 0,
            major_page_faults: 0,
            psi: (of != Of::Container).then(Psi::default),
        })
    }
}

// === impl SwapStats ===

impl SwapStats {
    pub(super) fn new(now: &Measurements, of: Of) -> Option<Self> {
        let Measured { value, at } = now.swap?;
        let known = matches!(of, Of::Node | Of::Container);
        Some(Self {
            time: second(at),
            swap_available_bytes: known.then_some(0),
            swap_usage_bytes: value,
        })
    }
}
