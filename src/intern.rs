//! Equal values kept once: a cluster's thousands of pods have few namespaces, container names and
//! sets of labels between them.

use std::{borrow::Borrow, collections::BTreeSet, sync::Arc};

/// With fewer values than this, unused ones are not searched for.
const FEW: usize = 1024;

/// Returns one shared value for all that are equal.
#[derive(Debug)]
pub(crate) struct Interner<T: ?Sized> {
    known: BTreeSet<Arc<T>>,
    /// How many there have to be before unused ones are dropped.
    sweep_at: usize,
}

// === impl Interner ===

impl<T: ?Sized + Ord> Default for Interner<T> {
    fn default() -> Self {
        Self { known: BTreeSet::new(), sweep_at: FEW }
    }
}

impl<T: ?Sized + Ord> Interner<T> {
    /// The value that equals `value`: an earlier one, or this one from now on.
    pub(crate) fn intern(&mut self, value: impl Borrow<T> + Into<Arc<T>>) -> Arc<T> {
        if let Some(known) = self.known.get(value.borrow()) {
            return known.clone();
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|value| Arc::strong_count(value) > 1);
            self.sweep_at = FEW.max(self.known.len() * 2);
        }
        let value = value.into();
        self.known.insert(value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one() {
        let mut names = Interner::<str>::default();
        let one = names.intern("a".to_owned());
        assert!(Arc::ptr_eq(&one, &names.intern(Box::<str>::from("a"))));
        assert!(!Arc::ptr_eq(&one, &names.intern("b".to_owned())));
    }

    #[test]
    fn unused_values_are_dropped() {
        let mut names = Interner::<str>::default();
        let kept = names.intern("kept".to_owned());
        for n in 0..10 * FEW {
            names.intern(n.to_string());
        }
        assert!(names.known.len() <= FEW);
        assert!(Arc::ptr_eq(&kept, &names.intern("kept".to_owned())));
    }
}
