//! A set of marked cells: writers put in, one reader takes out.
//!
//! A tree of bitmaps, 62 × 64 × 64 × 64 cells wide; nodes are added when they are first needed. A writer sets the bit of the cell in its leaf
//! and then, going up, the bit of each node *unless it is set*. The reader goes down: it clears a node's bit before it looks into
//! the node.
//!
//! # Why no mark is lost
//!
//! Take a writer and a leaf. If the writer's `fetch_or` comes before the reader's `swap` of that leaf, the reader finds the bit. If it comes
//! after, it has read what the reader wrote and so (AcqRel) comes after everything the reader did before, which includes clearing the
//! bits above: the writer then finds those bits cleared, or set again by somebody who came later still, and sets what is missing.
//! The same holds at each level. So when a mark returns, there is an unbroken path from the root to the bit, or the reader has taken it. A
//! writer must not stop at a leaf bit that it finds set (`mark-stops-at-leaf`): its owner may be paused before the next level. For the same
//! reason the reader clears from the top (`take-leaf-first`). A flag with a queue behind it has that hole built in.
//!
//! The top word also carries two bits of the subscription itself: `OTHER` (something waits in the inbox) and `ARMED` (the reader sleeps or
//! may be asleep). A mark reports whether the word it saw was armed: then *this* writer wakes, not only the one who set the bit, who may be
//! paused before its call.

use crate::mutant::mutated;
use crate::sync::{AtomicPtr, AtomicU64, Ordering, exclusive};

/// Something waits in the inbox of the subscription.
const OTHER: u64 = 1 << 62;
/// The reader wants to be woken.
const ARMED: u64 = 1 << 63;
const CHILDREN: u64 = OTHER - 1;
const WIDTH: usize = 64;
/// Why a node below a bit is there.
const ADDED: &str = "dirty: a bit is set by a mark, which has added the node below it";

/// 64 leaves.
struct Lower {
    bits: AtomicU64,
    leaves: [AtomicU64; WIDTH],
}

/// 64 lower nodes.
struct Upper {
    bits: AtomicU64,
    lower: [AtomicPtr<Lower>; WIDTH],
}

/// The set.
pub struct DirtySet {
    top: AtomicU64,
    upper: [AtomicPtr<Upper>; WIDTH - 2],
}

impl Lower {
    fn new() -> Self {
        Self { bits: AtomicU64::new(0), leaves: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Upper {
    fn new() -> Self {
        Self { bits: AtomicU64::new(0), lower: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())) }
    }
}

/// The node behind `pointer`, added if there is none. Lock-free.
fn grow<T>(pointer: &AtomicPtr<T>, new: impl FnOnce() -> T) -> &T {
    let mut node = pointer.load(Ordering::Acquire);
    if node.is_null() {
        let fresh = Box::into_raw(Box::new(new()));
        // AcqRel: release the new node's zeroes; acquire another's if that one was first.
        node = match pointer.compare_exchange(node, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(first) => {
                // SAFETY: `fresh` came from `Box::into_raw` above and was not published.
                drop(unsafe { Box::from_raw(fresh) });
                first
            }
        };
    }
    // SAFETY: nodes are published once and live as long as the set.
    unsafe { &*node }
}

/// Sets `bit` unless it is set; returns the word as it was seen.
fn set(word: &AtomicU64, bit: u64) -> u64 {
    // The update of the bit below acquires and so comes before this load; see the module's text for why a set bit may be left alone.
    let seen = word.load(Ordering::Acquire);
    if seen & bit != 0 { seen } else { word.fetch_or(bit, Ordering::AcqRel) }
}

fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

impl DirtySet {
    /// An empty set, not armed.
    pub fn new() -> Self {
        Self { top: AtomicU64::new(0), upper: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())) }
    }

    /// Marks the cell `slot`; tells whether the reader has to be woken. Lock-free, four words.
    #[must_use]
    pub fn mark(&self, slot: u32) -> bool {
        let (leaf, cell) = Self::leaf_of(slot);
        self.mark_leaf(leaf, cell)
    }

    /// The leaf in which the cell `slot` stands, and its bit there.
    pub fn leaf_of(slot: u32) -> (u32, u64) {
        (slot / WIDTH as u32, 1 << (slot % WIDTH as u32))
    }

    /// Marks the cells of `leaf` whose bits are set in `cells`; otherwise as [`Self::mark`], at the same price.
    #[must_use]
    pub fn mark_leaf(&self, leaf: u32, cells: u64) -> bool {
        // Levels as of a slot.
        let at = |level: u32| (leaf >> (6 * (level - 1))) as usize & (WIDTH - 1);
        let upper = grow(&self.upper[at(3)], Upper::new);
        let lower = grow(&upper.lower[at(2)], Lower::new);
        let seen = lower.leaves[at(1)].fetch_or(cells, Ordering::AcqRel);
        if mutated!("mark-stops-at-leaf") && seen & cells == cells {
            return false;
        }
        crate::failpoint::pause!("mark:leaf");
        set(&lower.bits, 1 << at(1));
        set(&upper.bits, 1 << at(2));
        self.raise(1 << at(3))
    }

    /// Says that something waits in the inbox; tells whether the reader has to be woken.
    #[must_use]
    pub fn mark_other(&self) -> bool {
        self.raise(OTHER)
    }

    fn raise(&self, bit: u64) -> bool {
        if mutated!("wake-by-setter-only") {
            let seen = self.top.load(Ordering::Acquire);
            return seen & bit == 0 && self.top.fetch_or(bit, Ordering::AcqRel) & ARMED != 0;
        }
        set(&self.top, bit) & ARMED != 0
    }

    /// Asks to be woken; tells whether something is pending already. A writer that comes after this call finds the bit; one that came
    /// before has left its mark to be found here.
    #[must_use]
    pub fn arm(&self) -> bool {
        if mutated!("arm-after-look") {
            let pending = self.is_pending();
            self.top.fetch_or(ARMED, Ordering::AcqRel);
            return pending;
        }
        self.top.fetch_or(ARMED, Ordering::AcqRel) & !ARMED != 0
    }

    /// Asks not to be woken any more.
    pub fn disarm(&self) {
        self.top.fetch_and(!ARMED, Ordering::AcqRel);
    }

    /// Whether something is pending.
    pub fn is_pending(&self) -> bool {
        self.top.load(Ordering::Acquire) & !ARMED != 0
    }

    /// Whether the cell `slot` is marked: its leaf alone is looked at, the path to it may still be under way.
    pub fn is_marked(&self, slot: u32) -> bool {
        let at = |level: u32| (slot >> (6 * level)) as usize & (WIDTH - 1);
        // SAFETY: nodes are published once, constructed, and live as long as the set.
        let upper = unsafe { self.upper[at(3)].load(Ordering::Acquire).as_ref() };
        // SAFETY: as above.
        let lower = upper.and_then(|upper| unsafe { upper.lower[at(2)].load(Ordering::Acquire).as_ref() });
        lower.is_some_and(|lower| lower.leaves[at(1)].load(Ordering::Acquire) & 1 << at(0) != 0)
    }

    /// Takes the note about the inbox. To be called after the cells were read: a tombstone must not overtake what came before it.
    pub fn take_other(&self) -> bool {
        if mutated!("note-load-then-store") {
            let seen = self.top.load(Ordering::Acquire);
            self.top.store(seen & !OTHER, Ordering::Release);
            return seen & OTHER != 0;
        }
        self.top.fetch_and(!OTHER, Ordering::AcqRel) & OTHER != 0
    }

    /// Takes marked cells out, whole leaves of up to 64 at a time, until at least `enough` are taken or none is left. Only the reader
    /// calls this. O(marks + nodes touched).
    pub fn take(&self, enough: usize, taken: &mut Vec<u32>) {
        let top = self.top.fetch_and(!CHILDREN, Ordering::AcqRel) & CHILDREN;
        for upper_at in bits(top) {
            if taken.len() >= enough {
                self.top.fetch_or(1 << upper_at, Ordering::AcqRel);
                continue;
            }
            // SAFETY: null or published by `grow`, and nodes live as long as the set.
            let upper = unsafe { self.upper[upper_at].load(Ordering::Acquire).as_ref() }.expect(ADDED);
            let lowers = if mutated!("take-node-load-then-store") {
                let seen = upper.bits.load(Ordering::Acquire);
                upper.bits.store(0, Ordering::Release);
                seen
            } else {
                upper.bits.swap(0, Ordering::AcqRel)
            };
            for lower_at in bits(lowers) {
                if taken.len() >= enough {
                    upper.bits.fetch_or(1 << lower_at, Ordering::AcqRel);
                    self.top.fetch_or(1 << upper_at, Ordering::AcqRel);
                    continue;
                }
                // SAFETY: as above.
                let lower = unsafe { upper.lower[lower_at].load(Ordering::Acquire).as_ref() }.expect(ADDED);
                let base = (upper_at << 12 | lower_at << 6) as u32;
                if self.take_lower(lower, base, enough, taken) {
                    upper.bits.fetch_or(1 << lower_at, Ordering::AcqRel);
                    self.top.fetch_or(1 << upper_at, Ordering::AcqRel);
                }
            }
        }
    }

    /// Takes from 64 leaves; tells whether some were left.
    fn take_lower(&self, lower: &Lower, base: u32, enough: usize, taken: &mut Vec<u32>) -> bool {
        let mut left = false;
        let early = if mutated!("take-leaf-first") {
            Some(lower.leaves.each_ref().map(|leaf| leaf.swap(0, Ordering::AcqRel)))
        } else {
            None
        };
        for leaf_at in bits(lower.bits.swap(0, Ordering::AcqRel)) {
            if taken.len() >= enough {
                lower.bits.fetch_or(1 << leaf_at, Ordering::AcqRel);
                left = true;
                continue;
            }
            let leaf = match &early {
                Some(leaves) => leaves[leaf_at],
                None => lower.leaves[leaf_at].swap(0, Ordering::AcqRel),
            };
            taken.extend(bits(leaf).map(|bit| (base | leaf_at as u32) << 6 | bit as u32));
        }
        left
    }
}

impl Default for DirtySet {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for DirtySet {
    fn drop(&mut self) {
        for upper in &mut self.upper {
            let upper = exclusive(upper);
            if upper.is_null() {
                continue;
            }
            // SAFETY: published by `grow`, and nobody else uses a set that is dropped.
            let mut upper = unsafe { Box::from_raw(upper) };
            for lower in &mut upper.lower {
                let lower = exclusive(lower);
                if !lower.is_null() {
                    // SAFETY: as above.
                    drop(unsafe { Box::from_raw(lower) });
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_taken_once_and_in_any_portion() {
        let set = DirtySet::new();
        let slots = [0, 1, 63, 64, 4095, 4096, 262_143, 262_144, (62 << 18) - 1];
        for slot in slots {
            assert!(!set.is_marked(slot) && !set.mark(slot) && set.is_marked(slot));
        }
        let mut all = Vec::new();
        while set.is_pending() {
            let mut some = Vec::new();
            set.take(1, &mut some);
            assert!(!some.is_empty());
            all.extend(some);
        }
        assert_eq!(all, slots);
        assert!(!slots.iter().any(|slot| set.is_marked(*slot)));
    }

    #[test]
    fn an_armed_reader_is_reported_to_every_writer() {
        let set = DirtySet::new();
        assert!(!set.arm());
        assert!(set.mark(5) && set.mark(5) && set.mark_other());
        set.disarm();
        assert!(!set.mark(5) && set.is_pending() && set.take_other());
    }
}
