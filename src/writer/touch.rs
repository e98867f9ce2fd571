//! When a check's writer last reported, heartbeats included.
//!
//! ```text
//!  63          36 35       34                                0
//! [ generation   | expired | time: 10 ms since the engine opened ]
//! ```
//!
//! The generation stands on top, so that one `fetch_max` of `{generation, –, now}` renews, and its old value is the verdict: an older
//! token can never renew its successor's lease. 35 bits of 10 ms last 10.9 years.

use crate::sync::{AtomicU64, Ordering};

const GENERATION_SHIFT: u32 = 36;
const TIME_MASK: u64 = (1 << 35) - 1;
/// Nanoseconds in a unit of the touch word.
pub const UNIT_NS: u64 = 10_000_000;
/// The last generation of a cell: what the touch word can tell apart.
pub const MAX_GENERATION: u32 = (1 << (64 - GENERATION_SHIFT)) - 1;

/// Begins a life whose first generation is `generation`: nothing was reported in it. Under the registration lock, before the life is published.
pub fn start(word: &AtomicU64, generation: u32) {
    word.store(u64::from(generation) << GENERATION_SHIFT, Ordering::Release);
}

/// Notes a report of `generation` at `now` nanoseconds after the engine opened. Wait-free.
pub fn touch(word: &AtomicU64, generation: u32, now: u64) {
    let value = u64::from(generation) << GENERATION_SHIFT | (now / UNIT_NS).min(TIME_MASK);
    // Relaxed where the unit of time has not changed: nothing is published by it.
    if word.load(Ordering::Relaxed) < value {
        word.fetch_max(value, Ordering::AcqRel);
    }
}

/// Nanoseconds between the engine's opening and the last report, in steps of 10 ms.
pub fn last_report(word: &AtomicU64) -> u64 {
    (word.load(Ordering::Acquire) & TIME_MASK) * UNIT_NS
}
