//! The status word: life, version, status and flags of a check in 64 bits.
//!
//! ```text
//!  63            48 47                                   8 7   6 5     1 0
//! [ life: 16 bits  | version: 40 bits                     | status| flags | settled ]
//! ```
//!
//! Most significant first, so that one `fetch_max` publishes a commit and a late publisher cannot put an older one back (a plain
//! store can). The snapshot's compare-and-swap is where a commit takes effect; the word is its monotone cache, and whoever needs both
//! raises the word from the snapshot first. Status 0 is "gone": an all-zero word is never healthy. The status stands at the same
//! two bits in a [summary word](crate::summary::word).
//!
//! A life of a cell ends with the word `{life + 1, version 0, status 0}`, which no commit of the ended life can pass. A cell whose
//! lives are used up is retired; a version at its end is refused with `LIMIT` before anything is committed. Neither wraps.
//!
//! `settled` says that a propagation which began after this version was published has been completed: the summaries above show
//! it. It is what allows an output-only commit to leave the summaries alone (see [`crate::writer::commit`]).

use crate::model::status::Status;
use crate::mutant::mutated;
use crate::sync::{AtomicU64, Ordering};

/// Where the life stands, here and in a link.
pub const LIFE_SHIFT: u32 = 48;
const VERSION_SHIFT: u32 = 8;
/// Where the status stands, here and in a summary word.
pub const STATUS_SHIFT: u32 = 6;
const VERSION_MASK: u64 = (1 << (LIFE_SHIFT - VERSION_SHIFT)) - 1;

/// The last life a cell can have; its end is marked by the next number, which never lives.
pub const MAX_LIFE: u16 = if cfg!(feature = "shrunk-counters") { 5 } else { u16::MAX - 1 };
/// The last version a life can have.
pub const MAX_VERSION: u64 = if cfg!(feature = "shrunk-counters") { 40 } else { VERSION_MASK };

/// Flags of a check, as they stand in its word.
pub mod flag {
    /// The propagation of this version has been completed.
    pub const SETTLED: u8 = 1;
    /// The engine derives this check; its status is its target's.
    pub const DERIVED: u8 = 1 << 2;
    /// The state was restored, not reported.
    pub const RESTORED: u8 = 1 << 3;
    /// The writer's lease ran out.
    pub const ORPHANED: u8 = 1 << 4;
    /// The check has never reported.
    pub const INITIAL: u8 = 1 << 5;
}

/// The value of a status word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct StatusWord(pub u64);

impl StatusWord {
    /// The word of a living check.
    pub fn new(life: u16, version: u64, status: Status, flags: u8) -> Self {
        debug_assert!(version <= VERSION_MASK && flags & 0xC1 == 0);
        Self(
            u64::from(life) << LIFE_SHIFT
                | version << VERSION_SHIFT
                | status.code() << STATUS_SHIFT
                | u64::from(flags),
        )
    }

    /// The word that ends `life`.
    pub fn gone_after(life: u16) -> Self {
        Self(u64::from(life + 1) << LIFE_SHIFT)
    }

    /// The life this word belongs to.
    pub fn life(self) -> u16 {
        (self.0 >> LIFE_SHIFT) as u16
    }

    /// The number of commits in this life.
    pub fn version(self) -> u64 {
        self.0 >> VERSION_SHIFT & VERSION_MASK
    }

    /// The status, or `None` if the check is gone.
    pub fn status(self) -> Option<Status> {
        Status::from_code(self.0 >> STATUS_SHIFT & 3)
    }

    /// The status as `life` sees it: `None` if that life is over.
    pub fn status_in(self, life: u16) -> Option<Status> {
        if self.life() == life { self.status() } else { None }
    }

    /// Whether all flags of `flags` are set.
    pub fn has(self, flags: u8) -> bool {
        self.0 as u8 & flags == flags
    }

    fn settled(self) -> Self {
        Self(self.0 | u64::from(flag::SETTLED))
    }
}

impl std::fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flags = self.0 as u8 & 0x3F;
        write!(
            f,
            "{{life {}, version {}, {:?}, flags {flags:#b}}}",
            self.life(),
            self.version(),
            self.status()
        )
    }
}

/// The atomic that holds it, in its cell.
#[derive(Clone, Copy)]
pub struct StatusCell<'a>(pub &'a AtomicU64);

impl StatusCell<'_> {
    /// One load. Wait-free.
    // Acquire pairs with `publish`: whoever sees a version in the word sees its snapshot (model `publish`).
    #[inline]
    pub fn load(self) -> StatusWord {
        StatusWord(self.0.load(if mutated!("word-relaxed-load") {
            Ordering::Relaxed
        } else {
            Ordering::Acquire
        }))
    }

    /// Loads by a read-modify-write that changes nothing. A subscriber that has published its interest and a writer that publishes
    /// a version meet here: the later of the two in the word's modification order sees the other (model `atomic_start`).
    pub fn load_ordered(self) -> StatusWord {
        if mutated!("start-plain-load") {
            return StatusWord(self.0.load(Ordering::Relaxed));
        }
        StatusWord(self.0.fetch_or(0, Ordering::AcqRel))
    }

    /// Raises the word to `value` and returns what it was. Wait-free; a late publisher changes nothing.
    // AcqRel: release for the readers above; acquire because the publisher goes on to read the interest lists and the summary,
    // and must see what a subscriber or registration put there before its own access to this word.
    pub fn publish(self, value: StatusWord) -> StatusWord {
        if mutated!("publish-store") {
            return StatusWord(self.0.swap(value.0, Ordering::AcqRel));
        }
        StatusWord(self.0.fetch_max(value.0, Ordering::AcqRel))
    }

    /// Raises the word if it is behind `value`: what a reader of a snapshot does, so that nobody sees the word go back behind it.
    pub fn raise(self, value: StatusWord) {
        if mutated!("read-without-raise") {
            return;
        }
        if self.load() < value {
            self.publish(value);
        }
    }

    /// Marks `value` as propagated, if it still stands.
    // Release: whoever finds the bit set and leaves the summaries alone must see them as the propagation left them.
    pub fn settle(self, value: StatusWord) {
        if mutated!("settle-by-store") {
            return self.0.store(value.settled().0, Ordering::Release);
        }
        let _ = self.0.compare_exchange(value.0, value.settled().0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_to_themselves() {
        let word = StatusWord::new(7, 41, Status::Warning, flag::INITIAL);
        assert_eq!((word.life(), word.version(), word.status()), (7, 41, Some(Status::Warning)));
        assert!(word.has(flag::INITIAL) && !word.has(flag::SETTLED));
        assert_eq!(word.status_in(8), None);
    }

    #[test]
    fn the_end_of_a_life_is_above_all_of_it_and_below_the_next() {
        let last = StatusWord::new(9, VERSION_MASK, Status::Critical, 0x3E).settled();
        let end = StatusWord::gone_after(9);
        assert!(last < end);
        assert_eq!(end.status(), None);
        assert!(end < StatusWord::new(10, 1, Status::Passing, 0));
    }

    #[test]
    fn zero_is_gone() {
        assert_eq!(StatusWord(0).status(), None);
    }
}
