//! When a check's writer last reported, heartbeats included, and whether its lease ran out.
//!
//! ```text
//!  63          36 35       34                                          0
//! [ generation   | expired | time: 10 ms since the engine opened, plus 1 ]
//! ```
//!
//! The generation stands on top, so that one `fetch_max` of `{generation, –, now}` renews, and its old value is the verdict: an older
//! token can never renew its successor's lease, and one whose lease was declared over finds that bit above its own time. Time 0 is
//! never. 35 bits of 10 ms last 10.9 years.

use crate::mutant::mutated;
use crate::sync::{AtomicU64, Ordering};

const GENERATION_SHIFT: u32 = 36;
const EXPIRED: u64 = 1 << 35;
const TIME_MASK: u64 = EXPIRED - 1;
/// Nanoseconds in a unit of the touch word.
pub const UNIT_NS: u64 = 10_000_000;
/// The last time that the word can carry, in nanoseconds since the engine opened.
pub const MAX_NS: u64 = (TIME_MASK - 1) * UNIT_NS;
/// The last generation of a cell: what the touch word can tell apart.
pub const MAX_GENERATION: u32 = (1 << (64 - GENERATION_SHIFT)) - 1;

/// The value of a touch word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Touch(u64);

/// What a renewal came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The lease runs from now on.
    Renewed,
    /// It ran out before.
    Expired,
    /// A newer generation is there.
    Superseded,
}

impl Touch {
    /// The generation that reported.
    pub fn generation(self) -> u32 {
        (self.0 >> GENERATION_SHIFT) as u32
    }

    /// Whether its lease was declared over.
    pub fn is_expired(self) -> bool {
        self.0 & EXPIRED != 0
    }

    /// When, in units of 10 ms since the engine opened; `None` for never.
    pub fn time(self) -> Option<u64> {
        (self.0 & TIME_MASK).checked_sub(1)
    }
}

/// `now` nanoseconds after the engine opened in the units of a touch word.
pub fn units(now: u64) -> u64 {
    now.min(MAX_NS) / UNIT_NS
}

fn report(generation: u32, now: u64) -> u64 {
    u64::from(generation) << GENERATION_SHIFT | (units(now) + 1)
}

/// The word as it stands. One load.
// Acquire pairs with `touch`: who sees that a generation has reported sees the commit that began it (model `lease_successor`).
pub fn read(word: &AtomicU64) -> Touch {
    Touch(word.load(Ordering::Acquire))
}

/// Begins a life whose first generation is `generation`: nothing was reported in it. Under the registration lock, before the life is published.
pub fn start(word: &AtomicU64, generation: u32) {
    word.store(u64::from(generation) << GENERATION_SHIFT, Ordering::Release);
}

/// Notes a report of `generation` at `now` nanoseconds after the engine opened, and tells whether its lease still ran. Wait-free.
pub fn touch(word: &AtomicU64, generation: u32, now: u64) -> Verdict {
    let value = report(generation, now);
    // Where the unit of time has not changed there is nothing to write: a word of this generation that is not expired is the verdict.
    let seen = read(word);
    if seen.generation() == generation && !seen.is_expired() && seen.0 >= value {
        return Verdict::Renewed;
    }
    crate::failpoint::pause!("lease:touching");
    if mutated!("lease-validate-then-store") {
        let verdict = verdict(seen, generation);
        if verdict == Verdict::Renewed {
            word.store(value, Ordering::Release);
        }
        return verdict;
    }
    // AcqRel: who is superseded finds the successor's commit, and is refused for it; see `read`.
    verdict(Touch(word.fetch_max(value, Ordering::AcqRel)), generation)
}

fn verdict(before: Touch, generation: u32) -> Verdict {
    if before.generation() > generation {
        Verdict::Superseded
    } else if before.generation() == generation && before.is_expired() {
        Verdict::Expired
    } else {
        Verdict::Renewed
    }
}

/// Declares the lease of `seen` over, unless it was renewed since; tells whether it is over. Wait-free.
pub fn expire(word: &AtomicU64, seen: Touch) -> bool {
    crate::failpoint::pause!("lapse:due");
    if seen.is_expired() || mutated!("lapse-without-claim") {
        return true;
    }
    let over = Touch(seen.0 | EXPIRED);
    // More than is needed: between this and a renewal the order of the word's updates alone decides, and who finds the bit commits the lapse
    // from the snapshot that it loads itself. Beside that commit it costs nothing, and nobody need argue what comes before the bit.
    match word.compare_exchange(seen.0, over.0, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => true,
        Err(found) => found == over.0,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_older_generation_renews_nothing() {
        let word = AtomicU64::new(0);
        start(&word, 3);
        assert_eq!(read(&word).time(), None);
        assert_eq!(touch(&word, 3, 5 * UNIT_NS), Verdict::Renewed);
        assert_eq!(read(&word).time(), Some(5));
        assert_eq!(touch(&word, 4, 6 * UNIT_NS), Verdict::Renewed);
        assert_eq!(touch(&word, 3, 9 * UNIT_NS), Verdict::Superseded);
        assert_eq!((read(&word).generation(), read(&word).time()), (4, Some(6)));
    }

    #[test]
    fn what_is_over_stays_over_for_its_generation() {
        let word = AtomicU64::new(0);
        assert_eq!(touch(&word, 1, 0), Verdict::Renewed);
        let seen = read(&word);
        assert_eq!(touch(&word, 1, UNIT_NS), Verdict::Renewed);
        assert!(!expire(&word, seen), "it was renewed since");
        assert!(expire(&word, read(&word)) && expire(&word, read(&word)));
        assert_eq!(touch(&word, 1, 9 * UNIT_NS), Verdict::Expired);
        assert_eq!(touch(&word, 2, 9 * UNIT_NS), Verdict::Renewed);
        assert!(!read(&word).is_expired());
    }
}
