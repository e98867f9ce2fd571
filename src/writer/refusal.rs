//! Refusals, counted per check for the heaviest offenders and together for the rest.
//!
//! An offender counts in its own words: a rival that is refused again and again shares no cache line with the holder.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::model::snapshot::RecordId;
use crate::sync::Mutex;

/// How many offenders of a check are counted apart.
const KEPT: usize = 64;
/// How many of them, the heaviest, are told apart.
const SHOWN: usize = 8;

/// One writer that was refused at one check. These are plain counters and no part of any protocol, hence std and Relaxed.
#[derive(Debug, Default)]
pub struct Offender {
    record: AtomicU64,
    count: AtomicU64,
    first: AtomicI64,
    last: AtomicI64,
}

/// What an offender did, for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Whose record it is; 0 for all the others together.
    pub record: RecordId,
    /// How often it was refused.
    pub count: u64,
    /// Wall clock of the first time, nanoseconds since 1970.
    pub first_ns: i64,
    /// Wall clock of the last time.
    pub last_ns: i64,
}

impl Offender {
    /// Counts one refusal at wall clock `now`. Wait-free.
    pub fn count(&self, now: i64) {
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.store(now, Ordering::Relaxed);
        }
        self.last.fetch_max(now, Ordering::Relaxed);
    }

    fn read(&self) -> Refused {
        Refused {
            record: self.record.load(Ordering::Relaxed) as RecordId,
            count: self.count.load(Ordering::Relaxed),
            first_ns: self.first.load(Ordering::Relaxed),
            last_ns: self.last.load(Ordering::Relaxed),
        }
    }
}

/// The offenders of one check.
#[derive(Debug, Default)]
pub struct Offenders {
    kept: Mutex<Vec<Arc<Offender>>>,
    others: Arc<Offender>,
}

impl Offenders {
    /// Where refusals of `record` are counted; asked for once by each token. Beyond the first 64 records all share one place.
    pub fn of(&self, record: RecordId) -> Arc<Offender> {
        let mut kept = self.kept.lock();
        if let Some(known) = kept.iter().find(|known| known.read().record == record) {
            return known.clone();
        }
        if kept.len() == KEPT {
            return self.others.clone();
        }
        let offender = Arc::new(Offender::default());
        offender.record.store(record.into(), Ordering::Relaxed);
        kept.push(offender.clone());
        offender
    }

    /// The heaviest offenders, heaviest first, then the others together if there are any.
    pub fn list(&self) -> Vec<Refused> {
        let mut list: Vec<_> = self.kept.lock().iter().map(|offender| offender.read()).collect();
        list.sort_by_key(|refused| std::cmp::Reverse(refused.count));
        let light = list.split_off(list.len().min(SHOWN));
        let rest = light.into_iter().chain([self.others.read()]).filter(|refused| refused.count > 0);
        list.extend(
            rest.reduce(|one, other| Refused {
                record: 0,
                count: one.count + other.count,
                first_ns: one.first_ns.min(other.first_ns),
                last_ns: one.last_ns.max(other.last_ns),
            })
            .map(|others| Refused { record: 0, ..others }),
        );
        list
    }
}
