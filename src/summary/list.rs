//! A list of shared values that grows in place: read without protection while entries come and go.

use std::sync::Arc;

use crate::sync::{ArcCell, AtomicPtr, AtomicU32, Mutex, Ordering, exclusive};

/// Entries in the first block; each further block has twice as many as the one before.
const FIRST: usize = if cfg!(loom) { 1 } else { 4 };

struct Block<T> {
    entries: Box<[ArcCell<T>]>,
    next: AtomicPtr<Block<T>>,
}

/// An unordered list of `Arc<T>`. Blocks are only ever added and are freed with the list; entries are reused. Reading is lock-free and
/// O(entries); inserting and removing take a lock that no reader knows of.
pub struct ArcList<T> {
    len: AtomicU32,
    first: AtomicPtr<Block<T>>,
    free: Mutex<Vec<u32>>,
}

impl<T> ArcList<T> {
    /// An empty list.
    pub fn new() -> Self {
        Self {
            len: AtomicU32::new(0),
            first: AtomicPtr::new(std::ptr::null_mut()),
            free: Mutex::new(Vec::new()),
        }
    }

    /// The entry at `index`, in a block added if need be. The caller holds the lock. O(log entries).
    fn entry(&self, index: u32) -> &ArcCell<T> {
        let (mut next, mut size, mut index) = (&self.first, FIRST, index as usize);
        loop {
            if next.load(Ordering::Acquire).is_null() {
                let entries = (0..size).map(|_| ArcCell::empty()).collect();
                let block = Block { entries, next: AtomicPtr::new(std::ptr::null_mut()) };
                next.store(Box::into_raw(Box::new(block)), Ordering::Release);
            }
            // SAFETY: a pointer that is set came from `Box::into_raw` just above, and blocks live as long as `self`.
            let block = unsafe { &*next.load(Ordering::Acquire) };
            if index < size {
                return &block.entries[index];
            }
            (next, index, size) = (&block.next, index - size, size * 2);
        }
    }

    /// Adds `value` and returns the index by which it is removed.
    pub fn insert(&self, value: Arc<T>) -> u32 {
        let mut free = self.free.lock();
        let index = free.pop().unwrap_or_else(|| self.len.load(Ordering::Acquire));
        self.entry(index).store(Some(value));
        // Release: who reads the length finds the block.
        self.len.fetch_max(index + 1, Ordering::AcqRel);
        index
    }

    /// Removes what `insert` returned `index` for.
    pub fn remove(&self, index: u32) {
        let mut free = self.free.lock();
        self.entry(index).store(None);
        free.push(index);
    }

    /// Removes everything.
    pub fn clear(&self) {
        let mut free = self.free.lock();
        free.clear();
        for index in 0..self.len.load(Ordering::Acquire) {
            self.entry(index).store(None);
            free.push(index);
        }
    }

    /// Whether nothing was ever inserted; one load.
    pub fn is_empty(&self) -> bool {
        self.len.load(Ordering::Acquire) == 0
    }

    /// Calls `visit` with each value.
    pub fn for_each(&self, mut visit: impl FnMut(&Arc<T>)) {
        let mut left = self.len.load(Ordering::Acquire) as usize;
        let mut next = &self.first;
        // SAFETY: as in `entry`; the length was raised after the block was added.
        while let (true, Some(block)) = (left > 0, unsafe { next.load(Ordering::Acquire).as_ref() }) {
            for entry in block.entries.iter().take(left) {
                if let Some(value) = entry.borrow().as_ref() {
                    visit(value);
                }
            }
            left = left.saturating_sub(block.entries.len());
            next = &block.next;
        }
    }
}

impl<T> Default for ArcList<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for ArcList<T> {
    fn drop(&mut self) {
        let mut next = exclusive(&mut self.first);
        while !next.is_null() {
            // SAFETY: `next` came from `Box::into_raw` and nobody else reads a list that is dropped.
            let mut block = unsafe { Box::from_raw(next) };
            next = exclusive(&mut block.next);
        }
    }
}
