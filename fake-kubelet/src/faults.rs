//! Which of a kubelet's faults are active, and what they do to bodies.

mod active;
pub(crate) mod body;

pub(crate) use self::active::{ActiveFaults, ConnectionFaults, RequestFaults};
