//! What happened to a check lately: a bounded ring of its status transitions, take-overs and lapses.
//!
//! The winner of a commit writes the entry, in a place that it draws for itself, so that no writer waits for another. Each place has a
//! sequence, as in a seqlock (the reader's side is argued by H.-J. Boehm, *Can seqlocks get along with
//! programming language memory models?*, MSPC 2012): odd while its entry is being written, and rising with the number of the entry, so that
//! a reader tells a whole entry from one under way, and a writer that was overtaken by a whole ring leaves the newer entry alone
//! (`history-overtaken`). A reader that catches an entry under way leaves it out (`history-without-sequence`). Entries
//! stand in the order of their places; a reader sorts them by revision.
//!
//! A history belongs to one incarnation and goes with it.

use crate::model::snapshot::RecordId;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::sync::{AtomicU64, Ordering};
use crate::writer::tally::Tallies;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HistoryKind {
    /// The status changed.
    Transition = 1,
    /// A token was taken over.
    TakeOver = 2,
    /// The holder's lease ran out.
    Lapse = 3,
}

/// One entry of a check's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What happened.
    pub kind: HistoryKind,
    /// The revision of the commit.
    pub revision: u64,
    /// Wall clock of the commit, nanoseconds since 1970.
    pub time_ns: i64,
    /// The same on the clock that counts suspended time: nanoseconds after the engine was opened, as of the tick before it.
    pub boot_ns: u64,
    /// Who committed.
    pub writer: RecordId,
    /// The generation from this commit on.
    pub generation: u64,
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
}

const WORDS: usize = 5;

#[derive(Default)]
struct Place {
    /// Of the n-th entry of the ring, counted from 0: 2 n + 1 while it is written, 2 n + 2 when it stands.
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// The history of one incarnation of a check.
pub struct History {
    next: AtomicU64,
    ring: Box<[Place]>,
    /// Whose commits were accepted.
    pub accepted: Tallies,
}

impl History {
    /// An empty history of at most `depth` entries.
    pub fn new(depth: usize) -> Self {
        Self {
            next: AtomicU64::new(0),
            ring: (0..depth).map(|_| Place::default()).collect(),
            accepted: Tallies::default(),
        }
    }

    /// Adds an entry; the oldest goes. Wait-free. An entry is lost if its writer is overtaken by as many others as the ring is deep before it has
    /// written, or finds its place being written by one it has overtaken.
    pub fn push(&self, entry: &HistoryEntry) {
        // Relaxed: it hands out numbers; what is written in a place is ordered by the place's own sequence.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        crate::failpoint::pause!("history:drawn");
        let place = &self.ring[number as usize % self.ring.len()];
        // Relaxed: nothing is done upon it but what the exchange below confirms.
        let seen = place.sequence.load(Ordering::Relaxed);
        let taken = seen % 2 == 1 || seen > 2 * number;
        if taken && !mutated!("history-overtaken") {
            return;
        }
        let (writing, written) = (2 * number + 1, 2 * number + 2);
        // Acquire: the words of the entry before are not written after this one's. No release: who must know that the entry is being written
        // has read one of its words. On failure another writes here.
        if place.sequence.compare_exchange(seen, writing, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return;
        }
        crate::failpoint::pause!("history:writing");
        let statuses = entry.from.code() << 2 | entry.to.code();
        let words = [
            entry.revision,
            entry.time_ns as u64,
            entry.boot_ns,
            u64::from(entry.writer) << 32 | entry.generation,
            (entry.kind as u64) << 4 | statuses,
        ];
        for (word, value) in place.words.iter().zip(words) {
            // Release: who reads this value and then the sequence sees that the entry was being written.
            word.store(value, Ordering::Release);
        }
        place.sequence.store(written, Ordering::Release);
    }

    /// The entries that stand, by revision. Lock-free; O(depth · log depth).
    pub fn entries(&self) -> Vec<HistoryEntry> {
        let mut entries: Vec<_> = self.ring.iter().filter_map(Place::read).collect();
        entries.sort_by_key(|entry| entry.revision);
        entries
    }
}

impl Place {
    fn read(&self) -> Option<HistoryEntry> {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            if before == 0 || before % 2 == 1 && !mutated!("history-without-sequence") {
                return None;
            }
            let words: [u64; WORDS] = std::array::from_fn(|at| self.words[at].load(Ordering::Acquire));
            // Relaxed: each word's load acquires, so this one is no older than what any of them was written under.
            if self.sequence.load(Ordering::Relaxed) == before || mutated!("history-without-sequence") {
                return decode(words);
            }
        }
    }
}

fn decode(words: [u64; WORDS]) -> Option<HistoryEntry> {
    let [revision, time, boot_ns, who, what] = words;
    Some(HistoryEntry {
        kind: match what >> 4 {
            1 => HistoryKind::Transition,
            2 => HistoryKind::TakeOver,
            3 => HistoryKind::Lapse,
            _ => return None,
        },
        revision,
        time_ns: time as i64,
        boot_ns,
        writer: (who >> 32) as RecordId,
        generation: who & u64::from(u32::MAX),
        from: Status::from_code(what >> 2 & 3)?,
        to: Status::from_code(what & 3)?,
    })
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn entry(revision: u64) -> HistoryEntry {
        HistoryEntry {
            kind: HistoryKind::Lapse,
            revision,
            time_ns: -5,
            boot_ns: 7,
            writer: u32::MAX,
            generation: 1 << 27,
            from: Status::Passing,
            to: Status::Critical,
        }
    }

    #[test]
    fn the_newest_stay_in_order() {
        let history = History::new(3);
        for revision in [1, 2, 5, 4] {
            history.push(&entry(revision));
        }
        assert_eq!(history.entries(), [entry(2), entry(4), entry(5)]);
    }
}
