//! The inputs of a summary: the words that it is the worst of.
//!
//! The first few stand in the summary itself. The others stand in blocks of 32 with a word of their own, refreshed before the summary's in
//! the same way, so that a service with a thousand checks costs a writer one block and one scan of block words. The first block is a
//! smaller one, for the many services that have a few more. Blocks are only ever
//! added and are freed with the summary, so a writer walks them without protection; entries are reused.

use crate::cell::slab::Cell;
use crate::cell::word::StatusCell;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::summary::word::SummaryWord;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, Ordering, exclusive};

const INLINE: u32 = if cfg!(loom) { 2 } else { 8 };
const FIRST_BLOCK: u32 = if cfg!(loom) { 2 } else { 8 };
const BLOCK: u32 = if cfg!(loom) { 2 } else { 32 };

/// An entry: the word of a check in one of its lives, or the summary word that an alias mirrors. 0 is no entry.
///
/// Words are aligned to eight bytes and their addresses have 48 bits, which leaves room for the life and for one bit.
#[derive(Clone, Copy)]
struct Entry(u64);

const SUMMARY: u64 = 1;
const ADDRESS: u64 = ((1 << 48) - 1) & !7;

/// What an entry refers to.
#[derive(Clone, Copy)]
pub enum Input {
    /// A direct check in this life.
    Check(&'static Cell, u16),
    /// The summary that some alias of this service mirrors; its owner keeps it alive as long as it is entered.
    Summary(&'static Cell),
}

impl Entry {
    fn new(input: Input) -> Self {
        let address = |cell: &'static Cell| std::ptr::from_ref(&cell.word) as u64;
        match input {
            Input::Check(cell, life) => Self(u64::from(life) << 48 | address(cell)),
            Input::Summary(cell) => Self(address(cell) | SUMMARY),
        }
    }

    /// The status that counts, or `None` for no entry and for a life that is over.
    fn status(self) -> Option<Status> {
        if self.0 == 0 {
            return None;
        }
        // SAFETY: an entry holds the address of the word of a cell; cells are never unmapped or moved.
        let word = unsafe { &*((self.0 & ADDRESS) as *const AtomicU64) };
        if self.0 & SUMMARY != 0 {
            // Acquire, as in `StatusCell::load`: these are the reads of the double refresh.
            if mutated!("input-relaxed-load") {
                return Some(SummaryWord(word.load(Ordering::Relaxed)).shown());
            }
            return Some(SummaryWord(word.load(Ordering::Acquire)).shown());
        }
        let word = StatusCell(word).load();
        if mutated!("member-without-life") {
            return word.status();
        }
        word.status_in((self.0 >> 48) as u16)
    }
}

/// A block beyond the first entries: its entries and, in its word, the worst of them. `{version: 62 bits, worst: 2 bits}`.
struct Block {
    word: AtomicU64,
    entries: Box<[AtomicU64]>,
    next: AtomicPtr<Block>,
}

impl Block {
    /// The number of the block in which `place` stands, and where in it; `None` if it stands in none.
    fn locate(place: u32) -> Option<(usize, usize)> {
        let past = place.checked_sub(INLINE)?;
        let (index, at) = match past.checked_sub(FIRST_BLOCK) {
            None => (0, past),
            Some(past) => (1 + past / BLOCK, past % BLOCK),
        };
        Some((index as usize, at as usize))
    }

    fn refresh(&self) {
        for _ in 0..if mutated!("block-refresh-once") { 1 } else { 2 } {
            // The same double refresh as in `Summary::refresh`, for the same reasons.
            let plain = mutated!("block-plain-load");
            let before = if plain {
                self.word.load(Ordering::Relaxed)
            } else if mutated!("block-acquire-load") {
                self.word.load(Ordering::Acquire)
            } else {
                self.word.fetch_or(0, Ordering::AcqRel)
            };
            let worst = worst_of(&self.entries).map_or(0, Status::code);
            let after = ((before >> 2) + 1) << 2 | worst;
            if mutated!("block-relaxed-swap") {
                let _ = self.word.compare_exchange(before, after, Ordering::Relaxed, Ordering::Relaxed);
                return;
            }
            if self.word.compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }

    fn worst(&self) -> Option<Status> {
        if mutated!("block-worst-relaxed") {
            return Status::from_code(self.word.load(Ordering::Relaxed) & 3);
        }
        Status::from_code(self.word.load(Ordering::Acquire) & 3)
    }
}

fn worst_of(entries: &[AtomicU64]) -> Option<Status> {
    // Acquire pairs with the release in `set`: an entry is read with the word it refers to constructed.
    entries.iter().filter_map(|entry| Entry(entry.load(Ordering::Acquire)).status()).max()
}

/// The entries of one summary.
pub struct Members {
    /// How many places were ever used: bounds the scan of the first few.
    used: AtomicU32,
    inline: [AtomicU64; INLINE as usize],
    overflow: AtomicPtr<Block>,
}

impl Members {
    /// No entries.
    pub fn new() -> Self {
        Self {
            used: AtomicU32::new(0),
            inline: std::array::from_fn(|_| AtomicU64::new(0)),
            overflow: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        let mut next = &self.overflow;
        std::iter::from_fn(move || {
            // SAFETY: a pointer that is set came from `Box::into_raw` in `block`, and blocks live as long as `self`.
            let block = unsafe { next.load(Ordering::Acquire).as_ref() }?;
            next = &block.next;
            Some(block)
        })
    }

    /// The block with this number, added if it is the next one. Called under the registration lock.
    fn block(&self, index: usize) -> Option<&Block> {
        let mut next = &self.overflow;
        for at in 0..=index {
            if next.load(Ordering::Acquire).is_null() {
                let block = Box::into_raw(Box::new(Block {
                    word: AtomicU64::new(0),
                    entries: (0..if at == 0 { FIRST_BLOCK } else { BLOCK })
                        .map(|_| AtomicU64::new(0))
                        .collect(),
                    next: AtomicPtr::new(std::ptr::null_mut()),
                }));
                next.store(block, Ordering::Release);
            }
            // SAFETY: set just now or before, and lives as long as `self`.
            next = unsafe { &(*next.load(Ordering::Acquire)).next };
        }
        self.blocks().nth(index)
    }

    fn put(&self, place: u32, entry: u64) {
        let located = Block::locate(place).and_then(|(index, at)| Some((self.block(index)?, at)));
        let entries = match located {
            Some((block, at)) => &block.entries[at],
            None => &self.inline[place as usize],
        };
        entries.store(entry, Ordering::Release);
    }

    /// Enters `input` at `place`. The caller holds the registration lock and refreshes afterwards.
    pub fn set(&self, place: u32, input: Input) {
        self.put(place, Entry::new(input).0);
        self.used.fetch_max(place + 1, Ordering::AcqRel);
    }

    /// Takes the entry at `place` out. The caller holds the registration lock and refreshes afterwards.
    pub fn clear(&self, place: u32) {
        self.put(place, 0);
    }

    /// Refreshes the blocks in which `places`, in their order, stand, if they stand in one. O(blocks up to the last).
    pub fn refresh_blocks(&self, places: impl IntoIterator<Item = u32>) {
        let (mut blocks, mut next) = (self.blocks(), 0);
        for (index, _) in places.into_iter().filter_map(Block::locate) {
            if index >= next {
                if let Some(block) = blocks.nth(index - next) {
                    block.refresh();
                }
                next = index + 1;
            }
        }
    }

    /// Refreshes all blocks. O(entries).
    pub fn refresh_all_blocks(&self) {
        self.blocks().for_each(Block::refresh);
    }

    /// The worst of all entries, or `None` if there is none. O(entries / 32).
    pub fn worst(&self) -> Option<Status> {
        let used = self.used.load(Ordering::Acquire).min(INLINE) as usize;
        let inline = worst_of(&self.inline[..used]);
        self.blocks().filter_map(Block::worst).max().max(inline)
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        let mut next = exclusive(&mut self.overflow);
        while !next.is_null() {
            // SAFETY: `next` came from `Box::into_raw` and nobody else reads the blocks of a summary that is dropped.
            let mut block = unsafe { Box::from_raw(next) };
            next = exclusive(&mut block.next);
        }
    }
}
