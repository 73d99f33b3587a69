use crate::Cause;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This is wrong, one thing for each node.
    Wrong(Vec<Finding>),
    /// This is wrong, and the first part of the line that is not known.
    Partly(Vec<Finding>, String),
    /// Nothing is wrong.
    Harmless,
    /// It is not known.
    Unknown,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub cause: Cause,
    /// Of what, if the line names it.
    pub subject: Option<Subject>,
    /// The cure that the line has: the server that wrote it knew the node.
    pub cure: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A node.
    Node(String),
    /// A pod, an autoscaler, a user or a certificate.
    Other(String),
}

// === impl Meaning ===

impl Meaning {
    /// One finding, if there is a cause.
    pub(crate) fn of(cause: Option<Cause>, subject: Option<Subject>) -> Self {
        cause.map_or(Self::Unknown, |cause| Finding { cause, subject, cure: None }.into())
    }

    /// With the cure that the log line itself names, if it does.
    pub(crate) fn with_cure(mut self, cure: Option<&str>) -> Self {
        const LONGEST: usize = 1000;
        if let (Self::Wrong(findings), Some(cure)) = (&mut self, cure) {
            for finding in findings {
                finding.cure = Some(cure.chars().take(LONGEST).collect());
            }
        }
        self
    }
}

impl From<Cause> for Meaning {
    fn from(cause: Cause) -> Self {
        Self::of(Some(cause), None)
    }
}

impl From<Finding> for Meaning {
    fn from(finding: Finding) -> Self {
        Self::Wrong(vec![finding])
    }
}

// === impl Subject ===

impl Subject {
    /// The node of this name, if it is one.
    pub fn node(name: &str) -> Option<Self> {
        Self::named(name).map(Self::Node)
    }

    /// Something else of this name.
    pub fn other(name: &str) -> Option<Self> {
        Self::named(name).map(Self::Other)
    }

    /// Names are at most as long as Kubernetes allows for `namespace/name`.
    fn named(name: &str) -> Option<String> {
        const LONGEST: usize = 2 * 253 + 1;
        let name = name.trim();
        (!name.is_empty()).then(|| name.chars().take(LONGEST).collect())
    }
}
