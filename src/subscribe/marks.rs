//! Marks that go leaf by leaf: one update of the set for up to 64 cells that a subscription starts from.

use crate::subscribe::delivery::Core;
use crate::subscribe::dirty::DirtySet;
use crate::subscribe::interest::Change;

/// Marks for one subscription, of which those of one leaf are collected; for who has many, in the order of their cells.
pub(crate) struct Marks<'a> {
    core: &'a Core,
    leaf: u32,
    cells: u64,
}

impl<'a> Marks<'a> {
    /// None yet.
    pub fn new(core: &'a Core) -> Self {
        Self { core, leaf: 0, cells: 0 }
    }

    /// A change of the cell `slot`, marked if it matches: with the next one of another leaf, or by [`Self::put`].
    pub fn add(&mut self, slot: u32, change: Change) {
        if self.core.filter.wants(change) {
            let (leaf, bit) = DirtySet::leaf_of(slot);
            if leaf != self.leaf {
                self.put();
                self.leaf = leaf;
            }
            self.cells |= bit;
        }
    }

    /// Marks what was not marked yet.
    pub fn put(&mut self) {
        self.core.notify_leaf(self.leaf, std::mem::take(&mut self.cells));
    }
}
