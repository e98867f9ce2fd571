//! Writing and what else a token is good for: every write a fenced commit (see [`crate::writer::commit`]).

use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::deregistering::Right;
use crate::engine::stats::Count;
use crate::engine::{Engine, Inner, Subscription, SubscriptionFilter};
use crate::failpoint::pause;
use crate::model::error::{Error, ErrorKind, unless_it_panics};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::writer::commit::{Committed, commit, complete_for, is_paid};
use crate::writer::history::{HistoryEntry, HistoryKind};
use crate::writer::record;
use crate::writer::token::{Shared, Token};
use crate::writer::touch::{Verdict, touch};

/// One write of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Who writes, and which check.
    pub token: &'a Token,
    /// The status.
    pub status: Status,
    /// The text.
    pub output: &'a str,
}

impl Engine {
    /// Several writes in one call, in the order given. Each commits by itself, with a result of its own: the revision of the state that stands for it, which of
    /// a heartbeat is the one it confirms. Lock-free, the allocator excluded.
    ///
    /// # Errors
    /// `CLOSED`, `FORKED`; what befalls one write is in its own result, `FOREIGN_ENGINE` for another engine's token among them.
    pub fn write_batch(&self, writes: &[Write<'_>]) -> Result<Vec<Result<u64, Error>>, Error> {
        self.inner().check_open()?;
        let write = |write: &Write<'_>| {
            write.token.check_engine(self.inner())?;
            Inner::write(write.token.shared(), write.status, write.output)
        };
        let mut results = Vec::with_capacity(writes.len());
        for each in writes {
            // What panics is one write's own: those before it stand, and those after it are made.
            results.push(unless_it_panics(|| write(each)));
            if mutated!("batch-stops-at-first-refusal") && results.last().is_some_and(Result::is_err) {
                break;
            }
        }
        Ok(results)
    }
}

impl Inner {
    pub(super) fn count(&self, slot: u32, committed: &Committed<'_>) {
        let transition = committed.before.transitions != committed.after.transitions;
        self.counters.add(slot, if transition { Count::Transitions } else { Count::Unchanged }, 1);
    }

    /// Enters what a commit did into the check's history, if one is kept. Wait-free.
    pub(super) fn remember(&self, kind: HistoryKind, committed: &Committed<'_>) {
        let Committed { before, after, .. } = committed;
        if let Some(history) = &after.definition.history {
            history.push(&HistoryEntry {
                kind,
                revision: after.revision,
                time_ns: after.time,
                boot_ns: self.clock.since_open(),
                writer: after.writer,
                generation: after.generation(),
                from: before.status,
                to: after.status,
            });
        }
    }

    /// The lease that `before` carried has ended with its holder.
    pub(super) fn forget_lease(&self, place: Place, before: &Snapshot) {
        if before.lease.is_some() {
            self.leases.forget(place.slot, before.generation);
        }
    }

    /// Starts the token's lease anew, unless it is over: then this call ends it, if nobody has yet.
    fn keep_lease(token: &Shared, verb: &'static str) -> Result<(), Error> {
        let (engine, place) = (&token.engine, token.check.place);
        let refuse = |current: &Snapshot| {
            // Declared over, but an acquisition or deregistration may have come since: then that is the reason.
            let kind = Self::stale(token, current).unwrap_or(ErrorKind::Expired);
            Err(engine.refuse_token(verb, kind, token, current))
        };
        let current = || place.cell.snapshot.load().ok_or_else(Error::closed);
        let seen = current()?;
        if Self::stale(token, &seen).is_some() || engine.expire_if_due(place, &seen) {
            return refuse(&*current()?);
        }
        match touch(&place.cell.touch, token.generation, engine.clock.since_open()) {
            Verdict::Renewed => Ok(()),
            Verdict::Expired | Verdict::Superseded => {
                let seen = current()?;
                engine.expire_if_due(place, &seen);
                refuse(&*current()?)
            }
        }
    }

    pub(crate) fn renew(token: &Shared) -> Result<(), Error> {
        const VERB: &str = "renewing the lease of";
        let _call = token.enter(VERB)?;
        if token.lease.is_some() {
            return Self::keep_lease(token, VERB);
        }
        Self::check_current(token, VERB)?;
        touch(&token.check.place.cell.touch, token.generation, token.engine.clock.since_open());
        Ok(())
    }

    /// Returns the revision of the state that stands for this write.
    pub(crate) fn write(token: &Shared, status: Status, output: &str) -> Result<u64, Error> {
        const VERB: &str = "writing";
        let engine = &token.engine;
        let _call = token.enter(VERB)?;
        if output.len() > engine.limits.max_output && !mutated!("output-limit-skipped") {
            return Err(Error::too_large(format!(
                "check {:?}: the output has {} bytes; at most {} are kept, cut it before writing",
                &*token.id,
                output.len(),
                engine.limits.max_output
            )));
        }
        let place = token.check.place;
        if token.lease.is_some() {
            Self::keep_lease(token, VERB)?;
            pause!("write:renewed");
        }
        if let Some(confirmed) = Self::confirm(token, status, output) {
            Self::note_report(token);
            return Ok(confirmed);
        }
        let mut confirmed = 0;
        let committed = commit(place.cell, &engine.revisions, |current, next| {
            if let Some(kind) = Self::stale(token, current) {
                return Err(engine.refuse_token(VERB, kind, token, current));
            }
            let same_output = *current.output == *output;
            if current.status == status && same_output && current.is_reported() {
                // Another thread of this token may have committed it and not yet paid what that owes: this call must not return before.
                if !is_paid(place, current) {
                    complete_for(place, current, &engine.revisions, &engine.board);
                    engine.counters.add(place.slot, Count::Helps, 1);
                }
                confirmed = current.revision;
                return Ok(false);
            }
            next.by(
                if mutated!("commit-unnamed") { record::ENGINE } else { token.record.id },
                engine.clock.wall(),
            );
            next.status = status;
            next.output = (!same_output).then_some(output);
            next.flags &= !(flag::INITIAL | flag::RESTORED);
            Ok(true)
        });
        let revision = match &committed {
            Ok(Some(committed)) => {
                let transition = committed.before.status != committed.after.status;
                engine.complete(place, committed, transition.then_some(HistoryKind::Transition));
                token.count_accepted(committed.after.time);
                committed.after.revision
            }
            Ok(None) => {
                engine.counters.add(place.slot, Count::Heartbeats, 1);
                confirmed
            }
            Err(_) => return committed.map(|_| confirmed),
        };
        Self::note_report(token);
        Ok(revision)
    }

    /// The heartbeat, which is what most reports are: the revision that it confirms, or `None` if there is anything else to do.
    fn confirm(token: &Shared, status: Status, output: &str) -> Option<u64> {
        let place = token.check.place;
        // Most others are told by one load; the snapshot decides.
        if place.cell.status().load().status() != Some(status) {
            return None;
        }
        let current = place.cell.snapshot.hold()?;
        let same = Self::stale(token, &current).is_none()
            && current.status == status
            && current.is_reported()
            && *current.output == *output
            && is_paid(place, &current);
        same.then(|| {
            token.engine.counters.add(place.slot, Count::Heartbeats, 1);
            current.revision
        })
    }

    /// Notes when the token has reported; with a lease that was done before, by renewing it.
    fn note_report(token: &Shared) {
        if !token.lease.is_some() {
            let (place, generation) = (token.check.place, token.generation);
            let now = token.engine.clock.since_open();
            token.engine.surely(place.slot, || touch(&place.cell.touch, generation, now));
        }
    }

    /// Refuses a token that is not its check's present one.
    fn check_current(token: &Shared, verb: &'static str) -> Result<(), Error> {
        let current = token.check.place.cell.snapshot.load();
        match current.and_then(|current| Self::stale(token, &current).map(|kind| (kind, current))) {
            Some((kind, current)) => Err(token.engine.refuse_token(verb, kind, token, &current)),
            None => Ok(()),
        }
    }

    pub(crate) fn subscribe_as_writer(
        token: &Shared,
        filter: &SubscriptionFilter<'_>,
    ) -> Result<Subscription, Error> {
        const VERB: &str = "subscribing as the writer of";
        let _call = token.enter(VERB)?;
        Self::check_current(token, VERB)?;
        let subscription = Engine::borrowed(token.engine.clone()).subscribe(filter)?;
        // A take-over may have come meanwhile; what was made ends with this call then.
        Self::check_current(token, VERB)?;
        Ok(subscription)
    }

    pub(crate) fn deregister_by_holder(token: &Shared) -> Result<(), Error> {
        const VERB: &str = "deregistering";
        let _call = token.enter(VERB)?;
        Self::check_current(token, VERB)?;
        token.engine.deregister_check(&token.check, Right::Holder(token.generation, &token.record))
    }
}
