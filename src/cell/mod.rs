//! Where a check lives: its status word, the cell around it, the pages of cells, and the root that a fork wipes.

pub mod handle;
pub mod process;
pub mod slab;
pub mod word;
