//! Who holds a check, who wrote it, and what happened to it lately.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::refusing::show;
use crate::engine::{Check, Engine};
use crate::model::error::Error;
use crate::mutant::mutated;
use crate::writer::history::HistoryEntry;
use crate::writer::record::WriterRecord;
use crate::writer::tally::{Tallied, Tallies};
use crate::writer::touch::{UNIT_NS, read};

/// Who holds a check: since when, with what lease, and when it was last heard of.
#[derive(Clone, Debug)]
pub struct Who {
    /// The holder, from which process and machine; `None` if nobody holds the check.
    pub holder: Option<Arc<WriterRecord>>,
    /// Its generation, or the last one.
    pub generation: u64,
    /// Wall clock of its acquisition, nanoseconds since 1970; 0 if nobody holds the check.
    pub since_ns: i64,
    /// Its lease; `None` for none.
    pub lease: Option<Duration>,
    /// Whether the last holder's lease ran out and nobody has come since.
    pub orphaned: bool,
    /// How long ago, as of the last tick, the last holder acquired, reported or renewed last, in steps of 10 ms; `None` if nobody ever has.
    pub silent_for: Option<Duration>,
}

/// What one writer did at a check, as far as it is remembered.
#[derive(Clone, Debug)]
pub struct WriterActivity {
    /// Who; `None` for all the others together.
    pub record: Option<Arc<WriterRecord>>,
    /// Commits it made, acquisitions among them and heartbeats not; counted if the engine keeps histories.
    pub accepted: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Wall clock of the first of them, nanoseconds since 1970.
    pub first_ns: i64,
    /// Wall clock of the last of them.
    pub last_ns: i64,
    /// Whether it holds the check now.
    pub holds: bool,
}

impl Engine {
    /// Who holds the check. Blocking only for somebody who interns a new label; O(1).
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn who(&self, check: &Check) -> Result<Who, Error> {
        let inner = self.inner();
        inner.check_open()?;
        let snapshot = inner.living(check)?;
        show(check.place, &snapshot);
        let now = inner.clock.since_open();
        let heard = read(&check.place.cell.touch).time();
        Ok(Who {
            holder: inner.records.get(snapshot.holder),
            generation: snapshot.generation(),
            since_ns: snapshot.held_since,
            lease: snapshot.lease.length(),
            orphaned: snapshot.is_orphaned(),
            silent_for: heard.map(|heard| Duration::from_nanos(now.saturating_sub(heard * UNIT_NS))),
        })
    }

    /// Everybody who wrote this incarnation or tried to, as far as it is remembered: the holder first, then the busiest. Of accepted and of
    /// refused writers the eight busiest are told apart. Blocking for another call like it; O(writers).
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn writers(&self, check: &Check) -> Result<Vec<WriterActivity>, Error> {
        let inner = self.inner();
        inner.check_open()?;
        let snapshot = inner.living(check)?;
        show(check.place, &snapshot);
        let mut writers: Vec<(u32, WriterActivity)> = Vec::new();
        let mut add = |tallied: Tallied, accepted: bool| {
            let Tallied { record, count, first_ns, last_ns } = tallied;
            let at = writers.iter().position(|(known, _)| *known == record).unwrap_or_else(|| {
                let holds = record != 0 && record == snapshot.holder;
                let activity = WriterActivity {
                    record: inner.records.get(record),
                    accepted: 0,
                    refused: 0,
                    first_ns,
                    last_ns,
                    holds,
                };
                writers.push((record, activity));
                writers.len() - 1
            });
            let known = &mut writers[at].1;
            *if accepted { &mut known.accepted } else { &mut known.refused } += count;
            known.first_ns = known.first_ns.min(first_ns);
            known.last_ns = known.last_ns.max(last_ns);
        };
        if snapshot.holder != 0 {
            let (first_ns, last_ns) = (snapshot.held_since, snapshot.held_since);
            add(Tallied { record: snapshot.holder, count: 0, first_ns, last_ns }, true);
        }
        if let Some(history) = &snapshot.definition.history {
            history.accepted.list().into_iter().for_each(|tallied| add(tallied, true));
        }
        // What a late refusal of a former life has put there is none of this one's.
        let refused = check.place.cell.refused.load();
        let here = |refused: &Arc<Tallies>| refused.life == check.life && !mutated!("refused-not-told");
        if let Some(refused) = refused.filter(here) {
            refused.list().into_iter().for_each(|tallied| add(tallied, false));
        }
        let mut writers: Vec<_> = writers.into_iter().map(|(_, activity)| activity).collect();
        writers.sort_by_key(|writer| (!writer.holds, std::cmp::Reverse(writer.accepted + writer.refused)));
        Ok(writers)
    }

    /// The latest status transitions, take-overs and lapses of this incarnation, oldest first; empty if the engine keeps no histories. Lock-free;
    /// O(entries kept).
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn history(&self, check: &Check) -> Result<Vec<HistoryEntry>, Error> {
        let inner = self.inner();
        inner.check_open()?;
        let history = inner.living(check)?.definition.history.clone();
        let entries = history.map_or_else(Vec::new, |history| history.entries());
        // The present one covers every commit that was just read about.
        let present = inner.living(check)?;
        show(check.place, &present);
        Ok(entries)
    }
}
