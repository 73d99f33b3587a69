//! Makes a failing plan small: as long as something can be left out and the same law is broken,
//! it is left out.

use super::{
    laws::{Broken, Judged},
    plan::Plan,
};

/// The most runs that one plan is worth.
const MOST_RUNS: usize = 400;

/// The smallest plan found that breaks the same law, and how. `judge` runs a plan.
pub(super) fn shrink(
    mut plan: Plan,
    mut judged: Judged,
    judge: impl Fn(&Plan) -> Judged,
) -> (Plan, Judged) {
    let law = |judged: &Judged| judged.broken.as_ref().map(|Broken { law, .. }| law.clone());
    let broken = law(&judged);
    let (mut runs, mut at, mut was_shrunk) = (0, 0, false);
    while runs < MOST_RUNS {
        let Some(smaller) = plan.smaller().into_iter().nth(at) else {
            if !was_shrunk {
                break;
            }
            // What could not be left out before may be now.
            (at, was_shrunk) = (0, false);
            continue;
        };
        runs += 1;
        let found = judge(&smaller);
        if law(&found) == broken {
            // The next candidate has moved to the same place.
            (plan, judged, was_shrunk) = (smaller, found, true);
        } else {
            at += 1;
        }
    }
    (plan, judged)
}
