//! Refusing: every refusal is counted, told and names both sides.

use std::sync::Arc;

use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::Inner;
use crate::model::error::{Error, ErrorKind, Refusal};
use crate::model::event::TroubleKind;
use crate::model::snapshot::Snapshot;
use crate::mutant::mutated;
use crate::subscribe::trouble::Report;
use crate::writer::record::WriterRecord;
use crate::writer::tally::Tallies;
use crate::writer::token::Shared;

impl Inner {
    /// Counts a refusal and makes the error that names both sides.
    pub(super) fn refuse(
        &self,
        verb: &'static str,
        kind: ErrorKind,
        place: Place,
        current: &Snapshot,
        caller: Option<Arc<WriterRecord>>,
    ) -> Error {
        self.counters.refused(place.slot, kind);
        show(place, current);
        // Of what is gone the cell may show another check by now.
        if kind != ErrorKind::Gone {
            if let Some((caller, tallies)) = caller.as_ref().zip(refused(place, current.life)) {
                tallies.of(caller.id).count(self.clock.wall());
            }
            self.trouble(|| Report {
                kind: TroubleKind::Refusal,
                reason: Some(kind),
                check: self.check_handle(place.slot, current.life),
                id: current.definition.id.clone(),
                offender: caller.as_ref().map_or(0, |caller| caller.id),
                holder: current.holder,
                generation: current.generation(),
                count: 1,
            });
        }
        Error::refused(
            kind,
            Refusal {
                verb,
                check: current.definition.id.clone(),
                caller,
                holder: self.records.get(current.holder),
                generation: current.generation(),
            },
        )
    }

    /// The same for a token, which knows where it is counted.
    pub(super) fn refuse_token(
        &self,
        verb: &'static str,
        kind: ErrorKind,
        token: &Shared,
        current: &Snapshot,
    ) -> Error {
        self.counters.refused(token.check.place.slot, kind);
        show(token.check.place, current);
        let holder = match kind {
            ErrorKind::Gone => None,
            _ => {
                if token.refused.get().is_none()
                    && let Some(tallies) = refused(token.check.place, token.check.life)
                {
                    // Looked up first: what fills a `OnceLock` is waited for, and this takes a lock. All threads of a token find the same.
                    let _ = token.refused.set(tallies.of(token.record.id));
                }
                if let Some(tally) = token.refused.get().filter(|_| !mutated!("refusal-uncounted")) {
                    tally.count(self.clock.wall());
                }
                self.records.get(current.holder)
            }
        };
        self.trouble(|| Report {
            kind: TroubleKind::Refusal,
            reason: Some(kind),
            check: self.check_handle(token.check.place.slot, token.check.life),
            id: token.id.clone(),
            offender: token.record.id,
            holder: holder.as_ref().map_or(0, |holder| holder.id),
            generation: current.generation(),
            count: 1,
        });
        Error::refused(kind, Refusal { holder, generation: current.generation(), ..token.refusal(verb) })
    }

    /// What is wrong with a token, as seen from `current`.
    pub(super) fn stale(token: &Shared, current: &Snapshot) -> Option<ErrorKind> {
        if current.life != token.check.life || current.gone {
            Some(ErrorKind::Gone)
        } else if current.generation != token.generation {
            Some(ErrorKind::Fenced)
        } else if current.flags & flag::ORPHANED != 0 {
            Some(ErrorKind::Expired)
        } else {
            None
        }
    }
}

/// Where the refusals of one life of a cell are counted; `None` if another has begun by now, which they do not concern. Lock-free.
fn refused(place: Place, life: u16) -> Option<Arc<Tallies>> {
    loop {
        let present = place.cell.refused.load();
        match &present {
            Some(tallies) if tallies.life == life => return present,
            Some(tallies) if tallies.life > life => return None,
            _ => _ = place.cell.refused.replace(present.as_ref(), Some(Arc::new(Tallies::new(life)))),
        }
    }
}

/// Whoever is told of a commit must not see a word from before it afterwards: word and snapshot are one object, to who is refused too.
pub(super) fn show(place: Place, current: &Snapshot) {
    if !mutated!("told-without-raise") {
        place.cell.status().raise(current.word());
    }
}
