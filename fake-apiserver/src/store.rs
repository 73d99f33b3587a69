//! The objects of the cluster and what has lately happened to them.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use parking_lot::Mutex;
use tokio::sync::{Notify, futures::OwnedNotified};

use super::{
    object::{Key, Object, Stamp, Stored},
    resources::ResourceType,
};

/// All objects, and a log of changes that watches read from.
#[derive(Debug)]
pub(super) struct Store {
    contents: Mutex<Contents>,
    /// Wakes watches in the order in which they wait, so that simulated runs are repeatable.
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Contents {
    version: u64,
    objects: BTreeMap<&'static str, BTreeMap<Key, Arc<Object>>>,
    log: VecDeque<Arc<Change>>,
    /// How many changes the log keeps.
    capacity: usize,
    /// The version of the last change that was dropped from the log.
    compacted: u64,
}

/// One thing that happened to one object.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) resource: &'static ResourceType,
    pub(super) before: Option<Arc<Object>>,
    pub(super) after: Option<Arc<Object>>,
}

/// The objects of one resource at one version, in the order of their keys.
pub(super) struct Snapshot {
    pub(super) version: u64,
    pub(super) objects: Vec<Arc<Object>>,
}

/// Why a version cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum VersionError {
    /// The log does not reach back to it.
    #[error("too old: the log begins after {oldest}")]
    TooOld { oldest: u64 },
    /// It has not been yet.
    #[error("not yet: the present version is {current}")]
    TooLarge { current: u64 },
}

// === impl Store ===

impl Store {
    pub(super) fn new(capacity: usize) -> Self {
        let contents = Contents {
            version: 0,
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            capacity,
            compacted: 0,
        };
        Self { contents: Mutex::new(contents), changed: Arc::default() }
    }

    /// Replaces the object with the same key. An equal object is not a change. A creation time in
    /// the object is kept.
    pub(super) fn upsert<K: Stored>(&self, source: K, now: Timestamp) {
        let mut contents = self.contents.lock();
        contents.put(source, now);
        self.changed.notify_waiters();
    }

    /// Puts what `change` makes of the object of that key, with nothing in between. The object's
    /// uid and creation time stay.
    pub(super) fn modify<K: Stored, E>(
        &self,
        key: &Key,
        now: Timestamp,
        change: impl FnOnce(Option<&Object>) -> Result<K, E>,
    ) -> Result<Arc<Object>, E> {
        let mut contents = self.contents.lock();
        let before = contents.get(K::RESOURCE, key);
        let mut after = change(before.as_deref())?;
        let created = before.as_ref().map_or(now, |before| before.stamp.created);
        after.metadata_mut().creation_timestamp = Some(Time(created));
        let stored = contents.put(after, now);
        self.changed.notify_waiters();
        Ok(stored)
    }

    /// Removes the object with that key if `check` allows it.
    pub(super) fn remove_if<E>(
        &self,
        resource: &'static ResourceType,
        key: &Key,
        check: impl FnOnce(Option<&Object>) -> Result<(), E>,
    ) -> Result<Option<Arc<Object>>, E> {
        let mut contents = self.contents.lock();
        let before = contents.get(resource, key);
        check(before.as_deref())?;
        if let Some(before) = &before {
            contents.change(resource, Some(before.clone()), None);
            self.changed.notify_waiters();
        }
        Ok(before)
    }

    /// Removes an object; returns whether there was one.
    pub(super) fn remove(&self, resource: &'static ResourceType, key: &Key) -> bool {
        let mut contents = self.contents.lock();
        let Some(before) = contents.get(resource, key) else { return false };
        contents.change(resource, Some(before), None);
        self.changed.notify_waiters();
        true
    }

    pub(super) fn get(&self, resource: &'static ResourceType, key: &Key) -> Option<Arc<Object>> {
        self.contents.lock().get(resource, key)
    }

    /// The objects of a namespace, or of all when it is empty, as they are now or were at a
    /// version; those that follow `after`, if it is given.
    pub(super) fn snapshot(
        &self,
        resource: &'static ResourceType,
        namespace: &str,
        at: Option<u64>,
        after: Option<&Key>,
    ) -> Result<Snapshot, VersionError> {
        let contents = self.contents.lock();
        let version = at.unwrap_or(contents.version);
        contents.check(version)?;
        let mut undone: BTreeMap<Key, Option<Arc<Object>>> = BTreeMap::new();
        for change in contents.log.iter().rev().take_while(|change| change.version > version) {
            if change.resource == resource
                && let Some(either) = change.before.as_ref().or(change.after.as_ref())
            {
                undone.insert(either.key.clone(), change.before.clone());
            }
        }
        let inside =
            |object: &&Arc<Object>| namespace.is_empty() || object.key.namespace == namespace;
        let follows = |object: &&Arc<Object>| after.is_none_or(|key| object.key > *key);
        let range = (after.map_or(Unbounded, Excluded), Unbounded);
        let present = contents.objects.get(resource.plural);
        let present = present.into_iter().flat_map(|objects| objects.range(range));
        let mut objects: Vec<Arc<Object>> = present
            .map(|(_, object)| object)
            .filter(inside)
            .filter(|object| !undone.contains_key(&object.key))
            .cloned()
            .collect();
        if !undone.is_empty() {
            objects.extend(undone.values().flatten().filter(inside).filter(follows).cloned());
            objects.sort_by(|one, other| one.key.cmp(&other.key));
        }
        Ok(Snapshot { version, objects })
    }

    /// What happened to a resource's objects after a version, and the version reached.
    pub(super) fn since(
        &self,
        resource: &'static ResourceType,
        version: u64,
    ) -> Result<(Vec<Arc<Change>>, u64), VersionError> {
        let contents = self.contents.lock();
        if version > contents.version {
            return Ok((Vec::new(), version));
        }
        contents.check(version)?;
        let first = contents.log.partition_point(|change| change.version <= version);
        let changes = contents.log.range(first..);
        let changes = changes.filter(|change| change.resource == resource).cloned().collect();
        Ok((changes, contents.version))
    }

    /// The present version.
    pub(super) fn version(&self) -> u64 {
        self.contents.lock().version
    }

    /// Ends with the next change.
    pub(super) fn changed(&self) -> OwnedNotified {
        self.changed.clone().notified_owned()
    }

    /// Drops the log of changes.
    pub(super) fn compact(&self) {
        let mut contents = self.contents.lock();
        contents.log.clear();
        contents.compacted = contents.version;
    }
}

// === impl Contents ===

impl Contents {
    fn get(&self, resource: &'static ResourceType, key: &Key) -> Option<Arc<Object>> {
        self.objects.get(resource.plural)?.get(key).cloned()
    }

    fn put<K: Stored>(&mut self, mut source: K, now: Timestamp) -> Arc<Object> {
        let version = self.version + 1;
        let metadata = source.metadata_mut();
        if !K::RESOURCE.namespaced {
            metadata.namespace = None;
        } else if metadata.namespace.as_ref().is_none_or(String::is_empty) {
            metadata.namespace = Some("default".to_owned());
        }
        let key = Key {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        };
        let before = self.get(K::RESOURCE, &key);
        let kept = before.as_ref().map(|before| before.stamp.clone());
        let mut stamp = kept.unwrap_or_else(|| Stamp { uid: uid(version), created: now });
        if let Some(Time(created)) = metadata.creation_timestamp {
            stamp.created = created;
        }
        metadata.uid = Some(stamp.uid.clone());
        metadata.creation_timestamp = Some(Time(stamp.created));
        metadata.resource_version = Some(version.to_string());
        let after = Arc::new(Object::new(&source, key, version, stamp));
        if let Some(before) = &before
            && before.same_content(&after)
        {
            return before.clone();
        }
        self.change(K::RESOURCE, before, Some(after.clone()));
        after
    }

    fn check(&self, version: u64) -> Result<(), VersionError> {
        if version < self.compacted {
            Err(VersionError::TooOld { oldest: self.compacted })
        } else if version > self.version {
            Err(VersionError::TooLarge { current: self.version })
        } else {
            Ok(())
        }
    }

    fn change(
        &mut self,
        resource: &'static ResourceType,
        before: Option<Arc<Object>>,
        after: Option<Arc<Object>>,
    ) {
        self.version += 1;
        let objects = self.objects.entry(resource.plural).or_default();
        if let Some(after) = &after {
            objects.insert(after.key.clone(), after.clone());
        } else if let Some(before) = &before {
            objects.remove(&before.key);
        }
        self.log.push_back(Arc::new(Change { version: self.version, resource, before, after }));
        while self.log.len() > self.capacity {
            if let Some(forgotten) = self.log.pop_front() {
                self.compacted = forgotten.version;
            }
        }
    }
}

/// A UUID that is the same in every run.
fn uid(version: u64) -> String {
    format!("00000000-0000-4000-8000-{version:012x}")
}
