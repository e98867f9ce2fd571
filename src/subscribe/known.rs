//! What a subscription's reader has delivered, by cell.
//!
//! Cells are read in their order, so the entries of neighbours stand together: those of 64 cells in one piece, only those that there are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::snapshot::Snapshot;
use crate::subscribe::dirty::DirtySet;
use crate::sync::HashState;

/// The last state delivered for a cell; of an alias the whole of it, to tell whether its text changed.
pub struct Delivered {
    /// The life it was of.
    pub incarnation: u64,
    /// Its version.
    pub version: u64,
    /// Its number of transitions.
    pub transitions: u64,
    /// Of an alias: the state.
    pub alias: Option<Arc<Snapshot>>,
}

impl Delivered {
    /// Its epoch.
    pub fn epoch(&self) -> u64 {
        self.alias.as_ref().map_or(0, |alias| alias.epoch)
    }
}

/// The entries of a leaf of the dirty set, in the order of their bits.
#[derive(Default)]
struct Piece {
    present: u64,
    entries: Vec<Delivered>,
}

impl Piece {
    /// Where the entry of `cell`, a single bit, stands or would stand.
    fn rank(&self, cell: u64) -> usize {
        (self.present & (cell - 1)).count_ones() as usize
    }
}

/// The entries by slot.
#[derive(Default)]
pub struct Known {
    pieces: HashMap<u32, Piece, HashState>,
}

impl Known {
    /// The entry of a cell. O(1).
    pub fn get(&self, slot: u32) -> Option<&Delivered> {
        let (leaf, cell) = DirtySet::leaf_of(slot);
        let piece = self.pieces.get(&leaf).filter(|piece| piece.present & cell != 0)?;
        piece.entries.get(piece.rank(cell))
    }

    /// Puts an entry, or replaces it. O(1).
    pub fn insert(&mut self, slot: u32, delivered: Delivered) {
        let (leaf, cell) = DirtySet::leaf_of(slot);
        let piece = self.pieces.entry(leaf).or_default();
        let rank = piece.rank(cell);
        if piece.present & cell != 0 {
            piece.entries[rank] = delivered;
        } else {
            piece.entries.insert(rank, delivered);
            piece.present |= cell;
        }
    }

    /// Takes an entry out. O(1).
    pub fn remove(&mut self, slot: u32) -> Option<Delivered> {
        let (leaf, cell) = DirtySet::leaf_of(slot);
        let piece = self.pieces.get_mut(&leaf).filter(|piece| piece.present & cell != 0)?;
        let removed = piece.entries.remove(piece.rank(cell));
        piece.present &= !cell;
        if piece.present == 0 {
            self.pieces.remove(&leaf);
        }
        Some(removed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn of(incarnation: u64) -> Delivered {
        Delivered { incarnation, version: 1, transitions: 0, alias: None }
    }

    #[test]
    fn entries_are_found_under_their_own_cells_alone() {
        let mut known = Known::default();
        let slots = [70, 0, 63, 64, 127, 5, 4096];
        for (at, slot) in slots.into_iter().enumerate() {
            assert!(known.get(slot).is_none());
            known.insert(slot, of(at as u64));
        }
        known.insert(5, of(50));
        let found = |known: &Known| slots.map(|slot| known.get(slot).map(|entry| entry.incarnation));
        assert_eq!(found(&known), [0, 1, 2, 3, 4, 50, 6].map(Some));
        assert_eq!(known.remove(63).map(|entry| entry.incarnation), Some(2));
        assert!(known.remove(63).is_none() && known.remove(62).is_none() && known.remove(9000).is_none());
        assert_eq!(found(&known), [Some(0), Some(1), None, Some(3), Some(4), Some(50), Some(6)]);
        slots.into_iter().for_each(|slot| _ = known.remove(slot));
        assert!(known.pieces.is_empty());
    }
}
