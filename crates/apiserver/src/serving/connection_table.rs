//! The open connections, and which of them gives way when there are too many.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::{Closed, Limits};

/// A fraction of the limit (one in this number) is reserved for each class: connections of that
/// class are evicted for connections of other classes only beyond it. So a flood of one class does
/// not close the connections that become authenticated through it.
const OWN_PART: usize = 8;

/// All open connections.
#[derive(Clone, Debug)]
pub(super) struct ConnectionTable(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    limit: usize,
    /// Requests at a time over a connection that was never authenticated; further ones wait.
    unauthenticated_requests: usize,
    next: u64,
    /// Increases with every change of a connection: the smaller one is the older one.
    moment: u64,
    by_id: BTreeMap<u64, Entry>,
    by_class: BTreeMap<Class, Members>,
}

/// The connections of a class.
#[derive(Debug, Default)]
struct Members {
    count: usize,
    /// Those of each source, by age.
    by_source: BTreeMap<IpAddr, BTreeMap<u64, u64>>,
    ranks: BTreeSet<Rank>,
}

/// How many connections a source has, and how old its oldest one is: the highest is evicted first.
/// So a source with few connections is not evicted for one with many.
type Rank = (usize, Reverse<u64>, IpAddr);

#[derive(Debug)]
struct Entry {
    source: IpAddr,
    progress: Progress,
    is_busy: bool,
    client: Client,
    /// When it came to be what it is.
    since: u64,
    evicted: Arc<Notify>,
    stopping: Arc<Notify>,
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    /// Its client has sent nothing yet.
    Silent,
    Handshaking,
    Secure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Client {
    Unauthenticated,
    Authenticated,
    FrontProxy,
}

/// Kinds of connections, in the order in which they give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Silent,
    Handshaking,
    Unauthenticated,
    UnauthenticatedBusy,
    Authenticated,
    AuthenticatedBusy,
    FrontProxy,
    FrontProxyBusy,
}

/// One connection's place in the table, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(ConnectionHandle);

/// The connection that a request came over: an extension of every request, through which
/// authentication reports its result.
#[derive(Clone, Debug)]
pub struct ConnectionHandle {
    id: u64,
    table: ConnectionTable,
    evicted: Arc<Notify>,
    stopping: Arc<Notify>,
    /// Closed once a request has been authenticated.
    unauthenticated: Arc<Semaphore>,
}

// === impl ConnectionTable ===

impl ConnectionTable {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Table {
            limit: limits.connections,
            unauthenticated_requests: limits.unauthenticated_requests as usize,
            next: 0,
            moment: 0,
            by_id: BTreeMap::new(),
            by_class: BTreeMap::new(),
        })))
    }

    /// A place for a connection from `address`; at the limit, another connection is evicted.
    /// Returns what was evicted.
    pub(super) fn enter(&self, address: SocketAddr) -> (Place, Option<Closed>) {
        let mut table = self.0.lock();
        let evicted = if table.by_id.len() >= table.limit { table.evict() } else { None };
        let (id, evict, stop) = (table.next, Arc::<Notify>::default(), Arc::<Notify>::default());
        table.next += 1;
        let since = table.tick();
        let entry = Entry {
            source: source(address.ip()),
            progress: Progress::Silent,
            is_busy: false,
            client: Client::Unauthenticated,
            since,
            evicted: evict.clone(),
            stopping: stop.clone(),
        };
        table.insert(id, entry);
        let handle = ConnectionHandle {
            id,
            table: self.clone(),
            evicted: evict,
            stopping: stop,
            unauthenticated: Arc::new(Semaphore::new(table.unauthenticated_requests)),
        };
        (Place(handle), evicted)
    }

    /// Closes the connection that gives way first, if there is one.
    pub(super) fn evict(&self) -> Option<Closed> {
        self.0.lock().evict()
    }

    /// Tells all connections to accept no further requests, the oldest one first: a channel would
    /// wake them up in an order that no simulated world can repeat.
    pub(super) fn stop(&self) {
        self.0.lock().by_id.values().for_each(|entry| entry.stopping.notify_one());
    }
}

// === impl Table ===

impl Table {
    fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    fn insert(&mut self, id: u64, entry: Entry) {
        self.by_class.entry(entry.class()).or_default().insert(entry.source, entry.since, id);
        self.by_id.insert(id, entry);
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.by_id.remove(&id)?;
        if let Some(members) = self.by_class.get_mut(&entry.class()) {
            members.remove(entry.source, entry.since);
        }
        Some(entry)
    }

    fn evict(&mut self) -> Option<Closed> {
        let id = self.first_to_go()?;
        let entry = self.remove(id)?;
        entry.evicted.notify_one();
        Some(match entry.class() {
            Class::Silent | Class::Handshaking => Closed::Handshaking,
            Class::Unauthenticated | Class::UnauthenticatedBusy => Closed::Unauthenticated,
            Class::Authenticated | Class::FrontProxy => Closed::Idle,
            Class::AuthenticatedBusy | Class::FrontProxyBusy => Closed::Busy,
        })
    }

    /// The connection that gives way first.
    fn first_to_go(&self) -> Option<u64> {
        let own = self.limit.div_ceil(OWN_PART);
        let count = |class: &Class| self.by_class.get(class).map_or(0, |members| members.count);
        let new = [Class::Silent, Class::Handshaking, Class::Unauthenticated];
        let many: Vec<_> = new.into_iter().filter(|class| count(class) > own).collect();
        let groups: [&[Class]; 7] = [
            &many,
            &[Class::UnauthenticatedBusy],
            &new,
            &[Class::Authenticated],
            &[Class::AuthenticatedBusy],
            &[Class::FrontProxy],
            &[Class::FrontProxyBusy],
        ];
        groups.into_iter().find_map(|group| self.first_of(group))
    }

    /// Of the first class that has any, the oldest one of the source that has the most.
    fn first_of(&self, classes: &[Class]) -> Option<u64> {
        let mut members = classes.iter().filter_map(|class| self.by_class.get(class));
        members.find_map(Members::first)
    }
}

// === impl Members ===

impl Members {
    fn insert(&mut self, source: IpAddr, since: u64, id: u64) {
        let ids = self.by_source.entry(source).or_default();
        if let Some(rank) = rank(source, ids) {
            self.ranks.remove(&rank);
        }
        ids.insert(since, id);
        self.ranks.extend(rank(source, ids));
        self.count += 1;
    }

    fn remove(&mut self, source: IpAddr, since: u64) {
        let Some(ids) = self.by_source.get_mut(&source) else { return };
        if let Some(rank) = rank(source, ids) {
            self.ranks.remove(&rank);
        }
        if ids.remove(&since).is_some() {
            self.count -= 1;
        }
        self.ranks.extend(rank(source, ids));
        if ids.is_empty() {
            self.by_source.remove(&source);
        }
    }

    fn first(&self) -> Option<u64> {
        let (.., source) = self.ranks.last()?;
        self.by_source.get(source)?.values().next().copied()
    }
}

/// A source's, while it has connections.
fn rank(source: IpAddr, ids: &BTreeMap<u64, u64>) -> Option<Rank> {
    ids.keys().next().map(|oldest| (ids.len(), Reverse(*oldest), source))
}

// === impl Entry ===

impl Entry {
    fn class(&self) -> Class {
        match (self.client, self.is_busy) {
            (Client::Unauthenticated, _) if self.progress == Progress::Silent => Class::Silent,
            (Client::Unauthenticated, _) if self.progress == Progress::Handshaking => {
                Class::Handshaking
            }
            (Client::Unauthenticated, false) => Class::Unauthenticated,
            (Client::Unauthenticated, true) => Class::UnauthenticatedBusy,
            (Client::Authenticated, false) => Class::Authenticated,
            (Client::Authenticated, true) => Class::AuthenticatedBusy,
            (Client::FrontProxy, false) => Class::FrontProxy,
            (Client::FrontProxy, true) => Class::FrontProxyBusy,
        }
    }
}

// === impl ConnectionHandle ===

impl ConnectionHandle {
    /// A request over it was authenticated.
    pub fn set_authenticated(&self) {
        self.set_client(Client::Authenticated);
    }

    /// A request over it came with the certificate of a front proxy.
    pub fn set_front_proxy(&self) {
        self.set_client(Client::FrontProxy);
    }

    /// Whether a request over it was authenticated.
    pub(super) fn is_authenticated(&self) -> bool {
        self.unauthenticated.is_closed()
    }

    fn set_client(&self, client: Client) {
        self.unauthenticated.close();
        self.change(|entry| entry.client = entry.client.max(client));
    }

    pub(super) fn set_busy(&self, is_busy: bool) {
        self.change(|entry| entry.is_busy = is_busy);
    }

    /// Its client has sent something.
    pub(super) fn handshake_begun(&self) {
        self.change(|entry| entry.progress = entry.progress.max(Progress::Handshaking));
    }

    pub(super) fn handshake_done(&self) {
        self.change(|entry| entry.progress = Progress::Secure);
    }

    /// Waits until it must be closed.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Waits until it is to take no further requests.
    pub(super) async fn stopping(&self) {
        self.stopping.notified().await;
    }

    /// Waits until a request may begin: few at a time before a client was authenticated.
    pub(super) async fn turn(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        // It is closed when there is no longer a limit.
        self.unauthenticated.clone().acquire_owned().await.ok()
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        let mut table = self.table.0.lock();
        let Some(mut entry) = table.remove(self.id) else { return };
        let before = entry.class();
        change(&mut entry);
        if entry.class() != before {
            entry.since = table.tick();
        }
        table.insert(self.id, entry);
    }
}

// === impl Place ===

impl Place {
    pub(super) fn handle(&self) -> &ConnectionHandle {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let ConnectionHandle { id, table, .. } = &self.0;
        table.0.lock().remove(*id);
    }
}

/// What counts as one source: hosts get 64 bits of an IPv6 address to themselves.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
