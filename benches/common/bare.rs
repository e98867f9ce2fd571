//! The bare parts that the budgets compare with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use lifesign::{Snapshot, Status};

use super::world::{UP, turned};

/// As many numbers as make a [`State`] as large as the engine's snapshot.
const NUMBERS: usize = (size_of::<Snapshot>() - size_of::<Arc<u64>>() - size_of::<Box<str>>()) / 8;

/// A struct of the size and the parts of the engine's snapshot: what is shared with its predecessor, a text, numbers.
pub struct State {
    pub shared: Arc<u64>,
    pub text: Box<str>,
    pub numbers: [u64; NUMBERS],
}

const _: () = assert!(size_of::<State>() == size_of::<Snapshot>());

/// An arc-swap of the same struct, flipped by one writer: two allocations and a store.
pub struct BareCell {
    pub cell: ArcSwap<State>,
    shared: Arc<u64>,
}

impl Default for BareCell {
    fn default() -> Self {
        let shared = Arc::new(0);
        let first = State { shared: shared.clone(), text: UP.into(), numbers: [0; NUMBERS] };
        Self { cell: ArcSwap::new(Arc::new(first)), shared }
    }
}

impl BareCell {
    /// Stores a state with this number and text.
    #[inline]
    pub fn store(&self, number: u64, status: Status, text: &str) {
        let mut numbers = [number; NUMBERS];
        numbers[0] = status as u64;
        self.cell.store(Arc::new(State { shared: self.shared.clone(), text: text.into(), numbers }));
    }
}

/// The writer of a bare cell: what [`super::world::Flipper`] is to a check.
#[derive(Default)]
pub struct BareFlipper {
    pub cell: Arc<BareCell>,
    critical: bool,
    flips: u64,
}

impl BareFlipper {
    /// One report.
    #[inline]
    pub fn flip(&mut self) {
        let (status, output) = turned(&mut self.critical);
        self.flips += 1;
        self.cell.store(self.flips, status, output);
    }

    /// That the last flip is what is read.
    pub fn assert_right(&self) {
        let state = self.cell.cell.load_full();
        assert_eq!(state.numbers[1], self.flips);
        assert!(self.flips == 0 || (state.numbers[0] == Status::Critical as u64) == self.critical);
    }
}

/// A word that has its cache line for itself.
#[repr(align(64))]
#[derive(Default)]
pub struct Word(pub AtomicU64);

impl Word {
    /// Raises the word as a commit raises a status word: once when it is published and once when it is settled.
    #[inline]
    pub fn raise_twice(&self) {
        let next = self.0.load(Ordering::Relaxed) + 1;
        self.0.fetch_max(next, Ordering::AcqRel);
        self.0.fetch_max(next + 1, Ordering::AcqRel);
    }
}
