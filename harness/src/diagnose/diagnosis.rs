//! What is wrong with a cluster, and what cures it: the data of every report.

use std::{collections::BTreeMap, time::Duration};

use diagnosis::{Cause, Change};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    deployment::{Deployment, Step},
    document,
    edit::Edit,
    search::{Search, Tried},
    seen::Seen,
    simulation::{Broken, State, side_by_side, state},
};
use crate::{
    file::ScenarioFile,
    run::{Failure, timed},
};

/// The most cures that are reported.
const MOST_CURES: usize = 6;

/// The pod's address where a scenario has none.
const POD: &str = "10.244.1.6";

/// The result, in a word; the program's exit code is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Nothing is wrong.
    Well,
    /// A cure was found for at least one node.
    Cure,
    /// No change that was tried cures any node.
    NoCure,
    /// The simulated cluster does not behave as the file, or the cluster, says.
    Differs,
}

/// What is wrong with a cluster, and what cures it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The result.
    pub verdict: Verdict,
    /// How many nodes have usage.
    pub answers: usize,
    /// Each node.
    pub nodes: Vec<NodeDiagnosis>,
    /// Each cause, those of most nodes first.
    pub causes: Vec<CauseDiagnosis>,
    /// What the simulated cluster does otherwise than the file says.
    pub differences: Vec<String>,
    /// What cures it, the best first.
    pub cures: Vec<Cure>,
    /// What can be done about causes that no cure was found for.
    pub advice: Vec<Advice>,
    /// How many changes were tried in simulation.
    pub tries: usize,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// A node.
#[derive(Debug, Serialize)]
pub struct NodeDiagnosis {
    /// Its name.
    pub name: String,
    /// Whether users get its usage.
    pub answers: bool,
    /// The cause, where it does not.
    pub cause: Option<&'static str>,
    /// The error.
    pub why: String,
}

/// A cause.
#[derive(Debug, Serialize)]
pub struct CauseDiagnosis {
    /// Its stable name.
    pub cause: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Of how many nodes; none where it is one of the whole.
    pub nodes: usize,
    /// The text by which it was found, of one of the whole.
    pub why: String,
    /// Where it is described.
    pub page: String,
}

/// Changes after which more nodes have usage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cure {
    /// In words; none where it passes by itself.
    pub changes: Vec<String>,
    /// How many nodes have usage then.
    pub answers: usize,
    /// The security that it gives up.
    pub gives_up: Option<&'static str>,
    /// The same as a step of a scenario has it.
    pub change: Value,
    /// How to apply it to the real cluster.
    pub steps: Vec<Step>,
    /// Helm's values, where Helm has installed the metrics server.
    #[serde(skip)]
    pub values: Option<String>,
    /// The scenario with it as its last step.
    #[serde(skip)]
    pub scenario: String,
}

/// What can be done about a cause.
#[derive(Debug, Serialize)]
pub struct Advice {
    /// Its stable name.
    pub cause: &'static str,
    /// What cures it.
    pub cure: &'static str,
    /// Connections to open, if any.
    pub open: Vec<String>,
    /// What to run or to write. Words in capitals are to be replaced.
    pub steps: Vec<Step>,
}

// === impl Diagnosis ===

impl Diagnosis {
    /// Runs a scenario until something is wrong and searches for its cures. The metrics server is
    /// that of the manifests if none is known. Where the real API server does not pass requests on,
    /// it is `unavailable`, and a simulated cluster in which all is well is not like it.
    pub fn of(
        file: &ScenarioFile,
        deployment: Option<Deployment>,
        unavailable: Option<String>,
    ) -> Result<Self, Failure> {
        let (diagnosis, took) = timed(|| diagnose(file, deployment));
        let diagnosis = Self { took, ..diagnosis? };
        Ok(match unavailable.filter(|_| diagnosis.verdict == Verdict::Well) {
            Some(text) => Self { verdict: Verdict::Differs, differences: vec![text], ..diagnosis },
            None => diagnosis,
        })
    }

    fn new(verdict: Verdict, seen: &Seen) -> Self {
        let nodes = seen.nodes.iter().map(|(name, node)| NodeDiagnosis {
            name: name.clone(),
            answers: node.answers,
            cause: node.cause.map(Cause::name),
            why: node.why.clone(),
        });
        let mut causes: Vec<_> = seen
            .by_cause()
            .into_iter()
            .map(|(cause, nodes)| CauseDiagnosis {
                cause: cause.name(),
                about: cause.about(),
                nodes: nodes.len(),
                why: seen.causes.get(&cause).cloned().unwrap_or_default(),
                page: cause.page(),
            })
            .collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.nodes));
        Self {
            verdict,
            answers: seen.answers(),
            nodes: nodes.collect(),
            causes,
            differences: Vec::new(),
            cures: Vec::new(),
            advice: Vec::new(),
            tries: 0,
            took: Duration::ZERO,
        }
    }
}

fn diagnose(file: &ScenarioFile, deployment: Option<Deployment>) -> Result<Diagnosis, Failure> {
    let broken = match state(file)? {
        State::Well(seen) => return Ok(Diagnosis::new(Verdict::Well, &seen)),
        State::Differs(differences) => {
            let diagnosis = Diagnosis::new(Verdict::Differs, &Seen::default());
            return Ok(Diagnosis { differences, ..diagnosis });
        }
        State::Broken(broken) => broken,
    };
    let deployment = deployment.unwrap_or_else(|| Deployment::of_manifests(&broken.setup.args));
    let search = Search::new(&broken, deployment.is_own);
    let best = search.cures.into_iter().take(MOST_CURES).collect::<Vec<_>>();
    let texts = side_by_side(&best, |cure| document::with_cure(&broken, cure));
    let cures = best
        .iter()
        .zip(texts)
        .filter_map(|(tried, text)| Some((tried, Cure::new(&broken, tried, &deployment, text?))));
    let (tried, cures): (Vec<_>, Vec<_>) = cures.unzip();
    let verdict = if cures.is_empty() { Verdict::NoCure } else { Verdict::Cure };
    let left = tried.first().map_or(&broken.seen, |tried| &tried.seen);
    Ok(Diagnosis {
        cures,
        advice: advice(&broken, left),
        tries: search.tries,
        ..Diagnosis::new(verdict, &broken.seen)
    })
}

// === impl Cure ===

impl Cure {
    fn new(broken: &Broken<'_>, tried: &Tried, deployment: &Deployment, scenario: String) -> Self {
        let mut steps = deployment.steps(&tried.edits);
        if tried.edits.iter().any(|edit| edit.change == Change::HostNetwork) {
            let causes = broken.seen.by_cause().into_iter();
            let open: Vec<_> = causes
                .flat_map(|(cause, nodes)| to_open(broken, &broken.seen, cause, &nodes))
                .collect();
            if !open.is_empty() {
                let what = "or leave it in a network of its own, and open the way".to_owned();
                steps.push(Step { what, text: open.join("\n") });
            }
        }
        Self {
            changes: tried.edits.iter().map(Edit::describe).collect(),
            answers: tried.seen.answers(),
            gives_up: tried.edits.iter().find_map(Edit::gives_up),
            change: broken.setup.change_to(&tried.setup),
            steps,
            values: deployment.values(&tried.edits),
            scenario,
        }
    }
}

/// What can be done about the causes that are left.
fn advice(broken: &Broken<'_>, left: &Seen) -> Vec<Advice> {
    if left.is_well() {
        return Vec::new();
    }
    let causes: BTreeMap<_, _> = left.by_cause();
    causes
        .into_iter()
        .map(|(cause, nodes)| Advice {
            cause: cause.name(),
            cure: cause.cure(),
            open: to_open(broken, left, cause, &nodes),
            steps: cause
                .steps()
                .iter()
                .map(|step| Step { what: step.what.to_owned(), text: step.text.to_owned() })
                .collect(),
        })
        .collect()
}

/// The connections to open for these nodes, if the cause is that they cannot be made.
fn to_open(broken: &Broken<'_>, seen: &Seen, cause: Cause, nodes: &[&str]) -> Vec<String> {
    let address = broken.file.scenario.spec.server.address;
    let pod = address.map_or_else(|| POD.to_owned(), |address| address.0.to_string());
    let is_closed = matches!(
        cause,
        Cause::ConnectTimeout | Cause::ConnectionRefused | Cause::NoRoute | Cause::Connect
    );
    let nodes = nodes.iter().filter(|_| is_closed).filter_map(|name| seen.nodes.get(*name));
    let addresses = nodes.filter(|node| !node.address.is_empty());
    addresses.map(|node| format!("TCP from {pod} to {}", node.address)).collect()
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
