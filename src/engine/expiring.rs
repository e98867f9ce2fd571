//! Ending leases (see [`crate::writer::lease`]).

use std::sync::Arc;

use crate::cell::slab::{Cell, Place};
use crate::engine::Inner;
use crate::engine::stats::Count;
use crate::failpoint::pause;
use crate::model::event::TroubleKind;
use crate::model::snapshot::Snapshot;
use crate::mutant::mutated;
use crate::subscribe::trouble::Report;
use crate::writer::history::HistoryKind;
use crate::writer::lease::{Lease, declare, lapse};
use crate::writer::touch::{expire, read, touch, units};

impl Inner {
    pub(super) fn tick(&self, wall: i64, boot: u64) {
        let moved = |before, now| {
            if self.leases.advance(units(before), units(now)) {
                self.counters.add(0, Count::ClockJumps, 1);
            }
        };
        self.clock.tick(wall, boot, moved);
        pause!("tick:told");
        let now = units(self.clock.since_open());
        let look = |slot| loop {
            let (cell, current) = self.leased(slot)?;
            // One that is paused between its acquisition and its first touch begins now.
            if read(&cell.touch).generation() < current.generation {
                touch(&cell.touch, current.generation, self.clock.since_open());
            }
            let seen = read(&cell.touch);
            // A newer generation has committed before it touched: look at that one.
            if seen.generation() == current.generation {
                return Some((current.lease, current.generation, seen));
            }
        };
        let end = |slot, seen| self.cell(slot).is_some_and(|cell| expire(&cell.touch, seen));
        for slot in self.leases.expire(now, look, end) {
            // Declared over: it has to be committed, whatever happens.
            self.surely(slot, || {
                pause!("lapse:declared");
                let Some((cell, current)) = self.leased(slot) else { return };
                let seen = read(&cell.touch);
                let over = seen.is_expired() && seen.generation() == current.generation;
                if over || mutated!("lapse-without-claim") {
                    self.commit_lapse(Place { slot, cell }, &current);
                }
            });
        }
    }

    /// The cell and its present snapshot, if somebody holds the check with a lease.
    fn leased(&self, slot: u32) -> Option<(&'static Cell, Arc<Snapshot>)> {
        let cell = self.cell(slot)?;
        let current = cell.snapshot.load()?;
        (!current.gone && current.holder != 0 && current.lease.is_some()).then_some((cell, current))
    }

    /// Ends the lease of `current` if its deadline has passed; tells whether it is over. What a tick does, for whoever comes first.
    pub(super) fn expire_if_due(&self, place: Place, current: &Snapshot) -> bool {
        if current.holder == 0 || !current.lease.is_some() {
            return false;
        }
        let now = units(self.clock.since_open());
        let is_over = |seen| self.leases.is_over(seen, current.lease, now);
        let over = declare(place.cell, current.generation, is_over);
        if over {
            self.surely(place.slot, || {
                pause!("lapse:declared");
                self.commit_lapse(place, current);
            });
        }
        over
    }

    /// Commits the lapse of the lease that `seen` carries, unless somebody else has or its holder is gone by itself. Lock-free.
    fn commit_lapse(&self, place: Place, seen: &Snapshot) {
        pause!("lapse:committing");
        let lost = self.records.get(seen.holder);
        let text = |lease: Lease| {
            let who = lost.as_ref().map_or_else(String::new, ToString::to_string);
            let length = lease.length().unwrap_or_default();
            crate::model::text::cut(
                format!("The lease of {who} ran out: no report for more than {length:?}."),
                self.limits.max_output,
            )
        };
        let committed = lapse(place.cell, &self.revisions, self.clock.wall(), seen, text);
        // The versions of this life may be used up: then it can only be deregistered, as every writer is told.
        if let Ok(Some(committed)) = committed {
            self.counters.add(place.slot, Count::Lapses, 1);
            self.surely(place.slot, || self.leases.forget(place.slot, seen.generation));
            self.complete(place, &committed, Some(HistoryKind::Lapse));
            if mutated!("lapse-untold") {
                return;
            }
            self.trouble(|| Report {
                kind: TroubleKind::Lapse,
                reason: None,
                check: self.check_handle(place.slot, seen.life),
                id: seen.definition.id.clone(),
                offender: committed.before.holder,
                holder: 0,
                generation: seen.generation(),
                count: 1,
            });
        }
    }
}
