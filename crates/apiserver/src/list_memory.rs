//! Memory for lists that must be complete before their first byte is sent, because their length
//! comes first. The memory of all of them together is bounded.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use crate::serving::{Exchange, Share, Shares};

/// What all lists together may take, in KiB. The longest list of the largest cluster that is
/// supported, 150,000 pods, takes 45 MiB.
const LIMIT: usize = 64 << 10;

/// A shorter list counts as part of its request; the number of requests in flight is limited.
const SHORT: usize = 128 << 10;

/// How long until the next check whether a client has stopped reading its list.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The memory for complete lists.
#[derive(Clone)]
pub(crate) struct ListMemory {
    limit: usize,
    free: Arc<Semaphore>,
    out: Shares<OwnedSemaphorePermit>,
    /// Long lists are completed one at a time: two that wait for each other's memory would wait for
    /// good.
    turn: Arc<Mutex<()>>,
}

/// A part of a list. Its memory is free again when it has been sent.
pub(crate) struct Piece {
    pub(crate) bytes: Bytes,
    _share: Option<Share<OwnedSemaphorePermit>>,
}

/// A list that is being completed.
pub(crate) struct Pieces {
    memory: ListMemory,
    exchange: Exchange,
    complete: Vec<Piece>,
    length: usize,
    turn: Option<OwnedMutexGuard<()>>,
}

// === impl ListMemory ===

impl Default for ListMemory {
    fn default() -> Self {
        Self::of(LIMIT)
    }
}

impl ListMemory {
    fn of(limit: usize) -> Self {
        let (free, turn) = (Arc::new(Semaphore::new(limit)), Arc::default());
        Self { limit, free, out: Shares::default(), turn }
    }

    /// Begins the list that answers `exchange`.
    pub(crate) fn begin(&self, exchange: Option<&Exchange>) -> Pieces {
        let exchange = exchange.cloned().unwrap_or_else(Exchange::begin);
        Pieces { memory: self.clone(), exchange, complete: Vec::new(), length: 0, turn: None }
    }
}

// === impl Pieces ===

impl Pieces {
    /// How many bytes it has.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Adds to its end, when there is memory for it.
    pub(crate) async fn push(&mut self, piece: Vec<u8>) {
        self.length += piece.len();
        let bytes = Bytes::from(piece);
        if self.length <= SHORT {
            return self.complete.push(Piece { bytes, _share: None });
        }
        if self.turn.is_none() {
            self.turn = Some(self.memory.turn.clone().lock_owned().await);
            for piece in mem::take(&mut self.complete) {
                self.keep(piece.bytes).await;
            }
        }
        self.keep(bytes).await;
    }

    async fn keep(&mut self, bytes: Bytes) {
        let needed = bytes.len().div_ceil(1024) as u32;
        let is_alone_too_long = self.length.div_ceil(1024) > self.memory.limit;
        let share = loop {
            match self.memory.free.clone().try_acquire_many_owned(needed) {
                Ok(permit) => break Some(self.memory.out.give(self.exchange.clone(), permit)),
                // Only one list at a time gets here.
                Err(_) if is_alone_too_long => break None,
                Err(_) if self.memory.out.take_back().is_some() => {}
                Err(_) => sleep(LOOK_AGAIN).await,
            }
        };
        self.complete.push(Piece { bytes, _share: share });
    }

    /// The complete list.
    pub(crate) fn finish(self) -> Vec<Piece> {
        self.complete
    }
}

// === impl Piece ===

impl Piece {
    /// One that takes no memory.
    pub(crate) fn free(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), _share: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(memory: &ListMemory, exchange: &Exchange, pieces: usize) -> Vec<Piece> {
        let mut list = memory.begin(Some(exchange));
        for _ in 0..pieces {
            list.push(vec![0; 64 << 10]).await;
        }
        list.finish()
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_whose_client_does_not_read_is_cut_off() {
        let memory = ListMemory::of(1024);
        let (slow, quick) = (Exchange::begin(), Exchange::begin());
        let _slow = list(&memory, &slow, 10).await;
        let _body = slow.track(axum::body::Body::empty());
        sleep(Duration::from_secs(1)).await;
        let quick = list(&memory, &quick, 10).await;
        assert_eq!(quick.len(), 10);
        tokio::time::timeout(Duration::from_secs(1), slow.cancelled()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn lists_wait_for_each_other_for_a_limited_time() {
        let memory = ListMemory::of(1024);
        let lists = (0..8).map(|_| async {
            let exchange = Exchange::begin();
            let pieces = list(&memory, &exchange, 12).await;
            sleep(Duration::from_millis(50)).await;
            pieces.len()
        });
        for length in futures::future::join_all(lists).await {
            assert_eq!(length, 12);
        }
        assert_eq!(memory.free.available_permits(), 1024);
        assert_eq!(list(&memory, &Exchange::begin(), 40).await.len(), 40, "one alone may be long");
    }
}
