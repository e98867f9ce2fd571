//! The facade over what threads share: from `std` in a program, from `loom` in a model, from `shuttle` in a schedule.
//!
//! The protocols (`cell`, `writer`, `summary`, `subscribe`) name their primitives through this module only, so that the models
//! in `tests/models` and the schedules in `tests/schedules` explore the code that ships. What neither can see is kept outside: memory mappings,
//! descriptors, the allocator, and the reclamation inside [`ArcCell`], which is arc-swap in a program. Snapshots are published in a cell of our
//! own, [`split`], for the reasons given there; it has a model of its own, and in the others the stand-in of [`reference`] stands for it.
//!
//! `--cfg loom` and `--cfg shuttle` choose the backing; a build without them contains neither crate. In a schedule all threads of a test are
//! one thread of the system, so nothing that blocks in the kernel or spins (a lock of `std`, a shard of a map, a `OnceLock` that is being filled)
//! may be held while a primitive of this module is used, wherever another thread could ask for it: it would ask for ever.

mod mutex;
#[cfg(any(loom, shuttle, feature = "arc-swap-cell"))]
mod reference;
#[cfg(any(loom, not(any(shuttle, feature = "arc-swap-cell"))))]
pub mod split;
#[cfg(loom)]
pub mod watched;

#[cfg(loom)]
#[path = "model.rs"]
mod backing;
#[cfg(not(any(loom, shuttle)))]
#[path = "program.rs"]
mod backing;
#[cfg(shuttle)]
#[path = "schedule.rs"]
mod backing;

pub use backing::{
    ArcCell, AtomicBool, AtomicPtr, AtomicU32, AtomicU64, HashState, Ordering, Signal, exclusive, yield_now,
};
pub use mutex::{Guard, Mutex};
#[cfg(any(loom, shuttle, feature = "arc-swap-cell"))]
pub use reference::{Held, InFlight, Published, SplitCell};
#[cfg(not(any(loom, shuttle, feature = "arc-swap-cell")))]
pub use split::{Held, InFlight, Published, SplitCell};
#[cfg(not(tsan))]
pub use std::sync::atomic::fence;

/// A fence as ThreadSanitizer sees it, which is blind to real ones: a step on an atomic that all fences share orders no less.
#[cfg(tsan)]
pub fn fence(ordering: Ordering) {
    static SHARED: AtomicU32 = AtomicU32::new(0);
    SHARED.fetch_add(0, ordering);
}

impl<T> std::fmt::Debug for ArcCell<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArcCell")
    }
}
