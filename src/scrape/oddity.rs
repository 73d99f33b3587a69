use crate::kubelet::Sample;

/// After so many answers with nothing newer, a kubelet is taken to measure no more. One or two are
/// usual: kubelets measure every 10 to 15 seconds, and may be asked more often.
const STALE_AFTER: u32 = 3;

/// What is strange about an answer that is none the less one. Usage would disappear without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// No usage at all is in it.
    Empty,
    /// No usage of a container is in it.
    NoContainers,
    /// No usage of the node is in it.
    NoNode,
    /// It is the same again and again.
    Stale,
}

// === impl Oddity ===

impl Oddity {
    /// What is strange about `sample`, which is the `stale`th with nothing newer in it. Containers
    /// are expected in it if `pods_run`.
    pub(super) fn of(sample: &Sample, pods_run: bool, stale: u32) -> Option<Self> {
        match (&sample.node, pods_run && sample.pods.is_empty()) {
            (None, _) if sample.pods.is_empty() => Some(Self::Empty),
            (None, _) => Some(Self::NoNode),
            (Some(_), true) => Some(Self::NoContainers),
            (Some(_), false) => (stale >= STALE_AFTER).then_some(Self::Stale),
        }
    }

    /// What it is.
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "no usage in the answer",
            Self::NoContainers => "no usage of containers in the answer",
            Self::NoNode => "no usage of the node in the answer",
            Self::Stale => "no newer samples in the answers",
        }
    }

    /// What can be done about it.
    pub fn cure(self) -> &'static str {
        match self {
            Self::Empty | Self::NoNode => {
                "look into the kubelet's log: it cannot measure, such as after trouble with cgroups; restarting it often helps"
            }
            Self::NoContainers => {
                "if pods run on that node, look into the logs of the kubelet and the container runtime, and update the runtime: it gives no, or incomplete, CRI stats"
            }
            Self::Stale => "look at the load of the node, and restart its kubelet",
        }
    }
}
