//! The search for cures: single changes first, then more to those that help, until all nodes answer.

use std::cmp::Reverse;

use diagnosis::Change;

use super::{candidates::candidates, edit::Edit, seen::Seen, setup::Setup, simulation::Broken};

/// The most changes of a cure.
const DEEPEST: usize = 3;

/// The most that are tried further at each depth, and in all.
const WIDEST: usize = 12;
const MOST_TRIES: usize = 150;

/// Changes, and what is seen after them.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) edits: Vec<Edit>,
    pub(super) setup: Setup,
    pub(super) seen: Seen,
}

/// What a search has found.
pub(super) struct Search {
    /// Changes after which more nodes answer, the best first.
    pub(super) cures: Vec<Tried>,
    /// How many were tried.
    pub(super) tries: usize,
}

// === impl Search ===

impl Search {
    /// Searches for the changes after which most nodes answer. The flags of this project's server
    /// are tried if it is the `own` one.
    pub(super) fn new(broken: &Broken<'_>, own: bool) -> Self {
        let start =
            Tried { edits: Vec::new(), setup: broken.setup.clone(), seen: broken.seen.clone() };
        let mut search = Self { cures: Vec::new(), tries: 0 };
        // A failure that passes by itself is cured by anything.
        let unchanged = broken.after(&broken.setup).unwrap_or_else(|_| broken.seen.clone());
        if unchanged.is_well() {
            search.cures.push(Tried { seen: unchanged, ..start });
            return search;
        }
        let least = broken.seen.answers().max(unchanged.answers());
        let mut frontier = vec![start];
        for _ in 0..DEEPEST {
            let mut next: Vec<Tried> = Vec::new();
            for from in &frontier {
                for tried in from.further(own) {
                    if !next.iter().any(|other| other.setup == tried.setup) {
                        next.push(tried);
                    }
                }
            }
            next.truncate(MOST_TRIES - search.tries.min(MOST_TRIES));
            if next.is_empty() {
                break;
            }
            search.tries += next.len();
            let setups: Vec<_> = next.iter().map(|tried| tried.setup.clone()).collect();
            let seen = broken.after_all(&setups);
            let mut ended: Vec<_> = next
                .into_iter()
                .zip(seen)
                .filter_map(|(tried, seen)| Some(Tried { seen: seen?, ..tried }))
                .collect();
            ended.sort_by_key(Tried::rank);
            search.cures.extend(ended.iter().filter(|it| it.seen.answers() > least).cloned());
            if search.cures.iter().any(|it| it.seen.is_well() && !it.is_insecure()) {
                break;
            }
            frontier = ended;
            frontier.retain(|it| {
                !it.seen.is_well() && it.seen.answers() >= least && !it.seen.is_like(&broken.seen)
            });
            frontier.truncate(WIDEST);
        }
        search.rank();
        search
    }

    /// Sorts the cures; those that are another one and more, and others of the same kind, are left
    /// out.
    fn rank(&mut self) {
        self.cures.sort_by_key(Tried::rank);
        let mut best: Vec<Tried> = Vec::new();
        for cure in self.cures.drain(..) {
            let is_known = |other: &Tried| {
                let answers = other.seen.answers() >= cure.seen.answers();
                let contains = other.edits.iter().all(|edit| cure.edits.contains(edit));
                answers && (contains || other.kinds() == cure.kinds())
            };
            if !best.iter().any(is_known) {
                best.push(cure);
            }
        }
        self.cures = best;
    }
}

// === impl Tried ===

impl Tried {
    /// This with one more change each.
    fn further(&self, own: bool) -> Vec<Self> {
        let edits = candidates(&self.seen, &self.setup, own).into_iter();
        edits
            .filter(|edit| {
                let is_same = |other: &Edit| {
                    other.change == edit.change && edit.change != Change::WithoutFlag
                };
                !self.edits.iter().any(is_same)
            })
            .map(|edit| {
                let mut further = self.clone();
                edit.apply(&mut further.setup);
                further.edits.push(edit);
                further.edits.sort();
                further
            })
            .collect()
    }

    /// Whether it gives up security.
    fn is_insecure(&self) -> bool {
        self.edits.iter().any(|edit| edit.gives_up().is_some())
    }

    fn kinds(&self) -> Vec<Change> {
        self.edits.iter().map(|edit| edit.change).collect()
    }

    /// Most nodes first; then the least security given up, the fewest changes, and those nearest
    /// to the metrics server.
    fn rank(&self) -> impl Ord + use<> {
        (
            Reverse(self.seen.is_well()),
            Reverse(self.seen.answers()),
            self.is_insecure(),
            self.edits.iter().map(Edit::size).sum::<usize>(),
            self.edits.iter().map(|edit| u32::from(edit.reach())).sum::<u32>(),
            self.kinds(),
        )
    }
}
