//! Who did something at a check and how often: counted per writer for the heaviest, and together for the rest.
//!
//! A writer counts in words of its own: a rival that is refused again and again shares no cache line with the holder. These are plain
//! counters and no part of any protocol, hence std.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::model::snapshot::RecordId;
use crate::sync::Mutex;

/// How many writers of a check are counted apart.
const KEPT: usize = 64;
/// How many of them, the heaviest, are told apart.
const SHOWN: usize = 8;

/// The first time of what has not happened.
const NEVER: i64 = i64::MAX;

/// What one writer did at one check.
#[derive(Debug)]
#[repr(align(64))]
pub struct Tally {
    record: AtomicU64,
    count: AtomicU64,
    first: AtomicI64,
    last: AtomicI64,
}

/// A tally as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tallied {
    /// Whose it is; 0 for all the others together.
    pub record: RecordId,
    /// How often.
    pub count: u64,
    /// Wall clock of the first time, nanoseconds since 1970.
    pub first_ns: i64,
    /// Wall clock of the last time.
    pub last_ns: i64,
}

impl Default for Tally {
    fn default() -> Self {
        let (record, count) = Default::default();
        Self { record, count, first: AtomicI64::new(NEVER), last: AtomicI64::new(i64::MIN) }
    }
}

impl Tally {
    /// Counts once at wall clock `now`. Wait-free.
    pub fn count(&self, now: i64) {
        if self.first.load(Ordering::Relaxed) == NEVER {
            let _ = self.first.compare_exchange(NEVER, now, Ordering::Relaxed, Ordering::Relaxed);
        }
        if self.last.load(Ordering::Relaxed) < now {
            self.last.fetch_max(now, Ordering::Relaxed);
        }
        // Release pairs with `read`: whoever finds it counted finds when.
        self.count.fetch_add(1, Ordering::Release);
    }

    fn read(&self) -> Tallied {
        // Before the times, see `count`.
        let count = self.count.load(Ordering::Acquire);
        Tallied {
            record: self.record.load(Ordering::Relaxed) as RecordId,
            count,
            first_ns: self.first.load(Ordering::Relaxed),
            last_ns: self.last.load(Ordering::Relaxed),
        }
    }
}

/// The tallies of one life of a check.
#[derive(Debug, Default)]
pub struct Tallies {
    /// Which life of its cell.
    pub life: u16,
    kept: Mutex<Vec<Arc<Tally>>>,
    others: Arc<Tally>,
}

impl Tallies {
    /// Nothing counted yet in `life`.
    pub fn new(life: u16) -> Self {
        Self { life, ..Self::default() }
    }

    /// Where `record` is counted; asked for once by each token. Beyond the first 64 records all share one place. Blocking; O(1).
    pub fn of(&self, record: RecordId) -> Arc<Tally> {
        let mut kept = self.kept.lock();
        if let Some(known) = kept.iter().find(|known| known.read().record == record) {
            return known.clone();
        }
        if kept.len() == KEPT {
            return self.others.clone();
        }
        let tally = Arc::new(Tally::default());
        tally.record.store(record.into(), Ordering::Relaxed);
        kept.push(tally.clone());
        tally
    }

    /// The heaviest, heaviest first, then the others together if there are any.
    pub fn list(&self) -> Vec<Tallied> {
        let mut list: Vec<_> =
            self.kept.lock().iter().map(|tally| tally.read()).filter(|tallied| tallied.count > 0).collect();
        list.sort_by_key(|tallied| std::cmp::Reverse(tallied.count));
        let light = list.split_off(list.len().min(SHOWN));
        let rest = light.into_iter().chain([self.others.read()]).filter(|tallied| tallied.count > 0);
        list.extend(
            rest.reduce(|one, other| Tallied {
                record: 0,
                count: one.count + other.count,
                first_ns: one.first_ns.min(other.first_ns),
                last_ns: one.last_ns.max(other.last_ns),
            })
            .map(|others| Tallied { record: 0, ..others }),
        );
        list
    }
}
