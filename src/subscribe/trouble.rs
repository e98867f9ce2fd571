//! Trouble: who was refused, who took over, whose lease lapsed, who claims the same name.
//!
//! It is told to those who subscribe to it, but not at the rate at which it happens: a rival that is refused a million times a second is one event
//! a second with a count. Each such subscription has a store of its own, with an entry for each kind, check (or claim) and offender. When an event
//! of an entry was delivered, the next one comes a second later at the earliest, by the clock of the last tick, and carries all that was counted
//! meanwhile; a tick releases what was held back. Past [`MOST`] entries the rest is counted together. So the store is bounded, and
//! nothing that was reported while somebody was subscribed is lost.
//!
//! Only the paths that are trouble themselves touch a store, never a holder's write. Where nobody has subscribed, they pay one load.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::error::ErrorKind;
use crate::model::event::{Trouble, TroubleKind};
use crate::model::snapshot::RecordId;
use crate::mutant::mutated;
use crate::writer::record::Records;

/// How many entries are kept apart.
const MOST: usize = 1024;
/// Nanoseconds between two events of one entry.
const INTERVAL: u64 = 1_000_000_000;

/// One occurrence, or `count` of them.
pub struct Report {
    /// What happened.
    pub kind: TroubleKind,
    /// Of a refusal: why.
    pub reason: Option<ErrorKind>,
    /// The check's handle number, 0 for a claim.
    pub check: u64,
    /// The check's id, or the claim's name.
    pub id: Arc<str>,
    /// Whose doing it is, 0 if nobody's that is known.
    pub offender: RecordId,
    /// Who holds the check or claim, or held it until then; 0 for nobody.
    pub holder: RecordId,
    /// The generation from there on.
    pub generation: u64,
    /// How often.
    pub count: u64,
}

/// When: wall clock, and nanoseconds after the engine was opened, as of the last tick.
#[derive(Clone, Copy)]
pub struct Now {
    pub wall: i64,
    pub boot: u64,
}

type Key = (TroubleKind, Arc<str>, RecordId);

/// What was counted since the last event.
#[derive(Default)]
struct Entry {
    reason: Option<ErrorKind>,
    check: u64,
    holder: RecordId,
    generation: u64,
    count: u64,
    first: i64,
    last: i64,
    /// Before this nothing more is told.
    quiet_until: u64,
}

impl Entry {
    fn is_due(&self, boot: u64) -> bool {
        self.count > 0 && (self.quiet_until <= boot || mutated!("trouble-unlimited"))
    }

    /// Nothing is counted, and the next event may come at once: the same as no entry.
    fn is_idle(&self, boot: u64) -> bool {
        self.count == 0 && self.quiet_until <= boot
    }
}

/// The entries of one subscription.
pub struct Store {
    kept: HashMap<Key, Entry>,
    /// The id under which the rest is counted.
    rest: Arc<str>,
    /// When idle entries were last looked for.
    pruned: u64,
}

impl Store {
    /// Nothing reported.
    pub fn new() -> Self {
        Self { kept: HashMap::new(), rest: "".into(), pruned: 0 }
    }

    /// Counts a report; tells whether there is an event to deliver now. O(1); at the bound O(entries) once for each tick.
    pub fn add(&mut self, report: &Report, now: Now) -> bool {
        let own = (report.kind, report.id.clone(), report.offender);
        let apart = self.kept.contains_key(&own) || !self.is_full(now.boot);
        let key = if apart { own } else { (report.kind, self.rest.clone(), 0) };
        let entry = self.kept.entry(key).or_default();
        if mutated!("trouble-drops-held") && entry.quiet_until > now.boot {
            return false;
        }
        if entry.count == 0 {
            entry.first = now.wall;
        }
        entry.count += report.count;
        entry.last = now.wall;
        entry.reason = report.reason;
        if apart {
            (entry.check, entry.holder, entry.generation) = (report.check, report.holder, report.generation);
        }
        entry.is_due(now.boot)
    }

    fn is_full(&mut self, boot: u64) -> bool {
        if self.kept.len() >= MOST && self.pruned < boot {
            self.pruned = boot;
            self.kept.retain(|_, entry| !entry.is_idle(boot));
        }
        self.kept.len() >= MOST
    }

    /// Whether an event that was held back may be delivered by now. O(entries).
    pub fn is_due(&self, boot: u64) -> bool {
        self.kept.values().any(|entry| entry.is_due(boot))
    }

    /// The events that may be delivered now, the earliest first. O(entries · log entries).
    pub fn take(&mut self, boot: u64, records: &Records) -> Vec<Trouble> {
        let due = self.kept.iter_mut().filter(|(_, entry)| entry.is_due(boot));
        let mut told: Vec<_> = due
            .map(|((kind, id, offender), entry)| {
                entry.quiet_until = boot.saturating_add(INTERVAL);
                Trouble {
                    kind: *kind,
                    reason: entry.reason,
                    check: entry.check,
                    id: id.clone(),
                    offender: records.get(*offender),
                    holder: records.get(entry.holder),
                    generation: entry.generation,
                    count: std::mem::take(&mut entry.count),
                    first_ns: entry.first,
                    last_ns: entry.last,
                }
            })
            .collect();
        told.sort_by(|one, other| {
            (one.first_ns, &one.id, one.kind).cmp(&(other.first_ns, &other.id, other.kind))
        });
        told
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::writer::record::{Embedder, Process};

    fn report(id: &str, offender: RecordId) -> Report {
        let (kind, reason) = (TroubleKind::Refusal, Some(ErrorKind::Held));
        Report { kind, reason, check: 7, id: id.into(), offender, holder: 1, generation: 3, count: 1 }
    }

    fn at(boot: u64) -> Now {
        Now { wall: boot as i64, boot }
    }

    #[test]
    fn the_store_is_bounded_and_counts_all_the_same() {
        let records = Records::new(Process::default(), Embedder::default(), 1);
        let mut store = Store::new();
        for round in 0..3 {
            for id in 0..3 * MOST {
                store.add(&report(&id.to_string(), 1), at(round * INTERVAL));
            }
            let told = store.take(round * INTERVAL, &records);
            assert_eq!(told.len(), MOST + 1);
            assert_eq!(told.iter().map(|trouble| trouble.count).sum::<u64>(), 3 * MOST as u64);
            let rest = told.iter().find(|trouble| trouble.offender.is_none()).unwrap();
            assert_eq!((rest.check, &*rest.id, rest.count), (0, "", 2 * MOST as u64));
            assert!(rest.holder.is_none() && rest.generation == 0);
        }
    }

    #[test]
    fn an_idle_entry_makes_room() {
        let records = Records::new(Process::default(), Embedder::default(), 1);
        let mut store = Store::new();
        (0..MOST).for_each(|id| assert!(store.add(&report(&id.to_string(), 1), at(0))));
        assert_eq!(store.take(0, &records).len(), MOST);
        store.add(&report("too early", 1), at(1));
        store.add(&report("in time", 1), at(INTERVAL));
        let told = store.take(INTERVAL, &records);
        let ids: Vec<_> = told.iter().map(|trouble| (&*trouble.id, trouble.offender.is_some())).collect();
        assert!(ids.contains(&("", false)) && ids.contains(&("in time", true)) && ids.len() == 2, "{ids:?}");
    }
}
