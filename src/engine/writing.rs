//! Acquiring, taking over, writing and giving back: every one of them a fenced commit (see [`crate::writer::commit`]).

use std::sync::Arc;
use std::time::Duration;

use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::deregistering::Right;
use crate::engine::stats::Count;
use crate::engine::{Check, Engine, Inner, Subscription, SubscriptionFilter};
use crate::failpoint::pause;
use crate::model::error::{Error, ErrorKind, Refusal, unless_it_panics};
use crate::model::event::TroubleKind;
use crate::model::snapshot::{RecordId, Snapshot};
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::trouble::Report;
use crate::sync::Ordering;
use crate::writer::commit::{Committed, Next, commit, complete_for, is_paid};
use crate::writer::history::{HistoryEntry, HistoryKind};
use crate::writer::lease::{Lease, OnLapse};
use crate::writer::record::{self, DeclaredWriter, WriterRecord};
use crate::writer::tally::Tallies;
use crate::writer::token::{Shared, Token};
use crate::writer::touch::{MAX_GENERATION, Verdict, touch, units};

/// How to take a token. A plain label is one without a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acquire<'a> {
    /// What the token is for; up to 127 bytes.
    pub label: &'a str,
    /// How long after its last report or renewal the token is lost; `None` keeps it until it is closed. Rounded up to 10 ms.
    pub lease: Option<Duration>,
    /// What becomes of the status then.
    pub on_lapse: OnLapse,
    /// The writer in whose name this is, if it is not this process: see [`Engine::declare_writer`].
    pub declared: Option<RecordId>,
}

impl<'a> Acquire<'a> {
    /// With this label, and no lease.
    pub fn new(label: &'a str) -> Self {
        Self { label, ..Self::default() }
    }

    /// The same with a lease.
    pub fn lease(self, length: Duration, on_lapse: OnLapse) -> Self {
        Self { lease: Some(length), on_lapse, ..self }
    }

    /// The same in the name of a declared writer, whose own label counts then.
    pub fn declared(self, writer: RecordId) -> Self {
        Self { declared: Some(writer), ..self }
    }
}

impl<'a> From<&'a str> for Acquire<'a> {
    fn from(label: &'a str) -> Self {
        Self::new(label)
    }
}

impl<'a> From<&'a String> for Acquire<'a> {
    fn from(label: &'a String) -> Self {
        Self::new(label)
    }
}

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
    /// Takes the token of a check that nobody holds. Never steals and never waits; a holder whose lease is over does not hold it any more.
    /// Lock-free but for the interning of the label, and with a lease for others that acquire with one.
    ///
    /// # Errors
    /// `HELD` with the holder's record and generation, `DERIVED` for an alias, `GONE`, `FOREIGN_ENGINE`, `INVALID` for a lease of nothing,
    /// `NOT_FOUND` for a writer that was not declared, `TOO_LARGE`, `LIMIT`, `CLOSED`, `FORKED`.
    pub fn acquire<'a>(&self, check: &Check, how: impl Into<Acquire<'a>>) -> Result<Token, Error> {
        self.inner().take_token(check, &how.into(), None)
    }

    /// Takes the token away from the holder of generation `expected`, the one the caller has seen: one atomic step. Every later write of the old
    /// token is refused. As lock-free as [`Engine::acquire`].
    ///
    /// # Errors
    /// `HELD` with the present holder if its generation is another one, and those of [`Engine::acquire`].
    pub fn take_over<'a>(
        &self,
        check: &Check,
        expected: u64,
        how: impl Into<Acquire<'a>>,
    ) -> Result<Token, Error> {
        self.inner().take_token(check, &how.into(), Some(expected))
    }

    /// Makes a record for a writer that is not this process: a remote peer that the embedder fronts. It is marked as declared wherever it is
    /// shown. The same declaration again gives the same number. Blocking; O(1).
    ///
    /// # Errors
    /// `TOO_LARGE` or `INVALID` for a text that cannot be kept, `LIMIT` when the engine has no more records, `CLOSED`, `FORKED`.
    pub fn declare_writer(&self, writer: &DeclaredWriter) -> Result<RecordId, Error> {
        self.inner().check_open()?;
        Ok(self.inner().records.declare(writer)?.id)
    }

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
    fn refuse_token(&self, verb: &'static str, kind: ErrorKind, token: &Shared, current: &Snapshot) -> Error {
        self.counters.refused(token.check.place.slot, kind);
        show(token.check.place, current);
        let holder = match kind {
            ErrorKind::Gone => None,
            _ => {
                let tally = token.refused.get().cloned().or_else(|| {
                    // Looked up first: what fills a `OnceLock` is waited for, and this takes a lock. All threads of a token find the same.
                    let tally = refused(token.check.place, token.check.life)?.of(token.record.id);
                    let _ = token.refused.set(tally.clone());
                    Some(tally)
                });
                if let Some(tally) = tally.filter(|_| !mutated!("refusal-uncounted")) {
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

    pub(super) fn count(&self, slot: u32, committed: &Committed) {
        self.counters.add(slot, Count::Commits, 1);
        if committed.before.transitions != committed.after.transitions {
            self.counters.add(slot, Count::Transitions, 1);
        }
    }

    fn take_token(
        self: &Arc<Self>,
        check: &Check,
        how: &Acquire<'_>,
        expected: Option<u64>,
    ) -> Result<Token, Error> {
        self.check_open()?;
        let known = self.living(check)?;
        let permit = Permit(self);
        if self.tokens.fetch_add(1, Ordering::Relaxed) >= self.limits.max_tokens as u64 {
            return Err(Error::text(
                ErrorKind::Limit,
                format!(
                    "check {:?}, writer {:?}: the engine has {} open tokens, its limit; close some",
                    known.id(),
                    how.label,
                    self.limits.max_tokens
                ),
            ));
        }
        let about = |error: Error| error.about(format_args!("check {:?}", known.id()));
        let record = match how.declared {
            Some(declared) => self.records.declared(declared).map_err(about)?,
            None => self.records.intern(how.label).map_err(about)?,
        };
        let lease = match how.lease {
            Some(length) => Lease::new(length, how.on_lapse).map_err(about)?,
            None => Lease::NONE,
        };
        let verb = if expected.is_some() { "taking over" } else { "acquiring" };
        let place = check.place;
        if expected.is_none() && known.life == check.life {
            self.expire_if_due(place, &known);
        }
        let now = units(self.clock.since_open());
        let watched = lease.is_some().then(|| self.leases.watch(place.slot, now, lease));
        let committed = commit(place.cell, &self.revisions, self.clock.wall(), |current| {
            let refused = if current.life != check.life || current.gone {
                Some(ErrorKind::Gone)
            } else if current.definition.is_alias() && !mutated!("alias-may-be-acquired") {
                Some(ErrorKind::Derived)
            } else if match expected {
                Some(expected) => current.generation() != expected,
                None => current.holder != 0,
            } {
                Some(ErrorKind::Held)
            } else if current.generation >= MAX_GENERATION {
                Some(ErrorKind::Limit)
            } else {
                None
            };
            if let Some(kind) = refused {
                return Err(self.refuse(verb, kind, place, current, Some(record.clone())));
            }
            let (generation, holder) = (current.generation + 1, record.id);
            let flags = current.flags & !flag::ORPHANED;
            Ok(Some(Next { generation, holder, lease, flags, ..Next::like(current, record.id) }))
        })?;
        let Some(committed) = committed else { return Err(Error::closed()) };
        match &watched {
            Some(watched) => watched.committed(committed.after.generation),
            None => self.forget_lease(place, &committed.before),
        }
        let kind = (committed.before.holder != 0).then_some(HistoryKind::TakeOver);
        self.complete(place, &committed, kind);
        if kind.is_some() {
            self.trouble(|| Report {
                kind: TroubleKind::TakeOver,
                reason: None,
                check: self.check_handle(place.slot, check.life),
                id: known.definition.id.clone(),
                offender: record.id,
                holder: committed.before.holder,
                generation: committed.after.generation(),
                count: 1,
            });
        }
        let (word, generation) = (&place.cell.touch, committed.after.generation);
        self.surely(place.slot, || touch(word, generation, self.clock.since_open()));
        std::mem::forget(permit); // From here on the token gives it back.
        let token = Token::new(self.clone(), *check, &committed.after, record);
        token.shared().count_accepted(self.clock.wall());
        Ok(token)
    }

    /// Enters what a commit did into the check's history, if one is kept. Wait-free.
    pub(super) fn remember(&self, kind: HistoryKind, committed: &Committed) {
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

    /// What is wrong with a token, as seen from `current`.
    fn stale(token: &Shared, current: &Snapshot) -> Option<ErrorKind> {
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
        let mut confirmed = 0;
        let committed = commit(place.cell, &engine.revisions, engine.clock.wall(), |current| {
            if let Some(kind) = Self::stale(token, current) {
                return Err(engine.refuse_token(VERB, kind, token, current));
            }
            let same_output = *current.output == *output;
            let reported = current.flags & (flag::INITIAL | flag::RESTORED) == 0;
            if current.status == status && same_output && reported {
                // Another thread of this token may have committed it and not yet paid what that owes: this call must not return before.
                if !is_paid(place, current) {
                    complete_for(place, current, &engine.revisions, &engine.board);
                    engine.counters.add(place.slot, Count::Helps, 1);
                }
                confirmed = current.revision;
                return Ok(None);
            }
            let output = (!same_output).then(|| output.into());
            let flags = current.flags & !(flag::INITIAL | flag::RESTORED);
            let writer = if mutated!("commit-unnamed") { record::ENGINE } else { token.record.id };
            Ok(Some(Next { status, output, flags, ..Next::like(current, writer) }))
        })?;
        match &committed {
            Some(committed) => {
                let transition = committed.before.status != committed.after.status;
                engine.complete(place, committed, transition.then_some(HistoryKind::Transition));
                token.count_accepted(committed.after.time);
            }
            None => engine.counters.add(place.slot, Count::Heartbeats, 1),
        }
        if !token.lease.is_some() {
            let (word, generation) = (&place.cell.touch, token.generation);
            engine.surely(place.slot, || touch(word, generation, engine.clock.since_open()));
        }
        Ok(committed.map_or(confirmed, |committed| committed.after.revision))
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

    pub(crate) fn close_token(token: &Shared) -> Result<(), Error> {
        let engine = &token.engine;
        engine.check_fork()?;
        let Some(closing) = token.calls.close() else {
            return Err(Error::refused(ErrorKind::Revoked, token.refusal("closing the token of")));
        };
        let _closing = (!mutated!("close-joined-early")).then_some(closing);
        engine.tokens.fetch_sub(1, Ordering::Relaxed);
        if engine.check_open().is_err() {
            return Ok(());
        }
        let place = token.check.place;
        // The token is closed, and so the check must be free, whatever happens; only one whose versions are used up stays as it is.
        let committed = engine.surely(place.slot, || {
            commit(place.cell, &engine.revisions, engine.clock.wall(), |current| {
                if Self::stale(token, current).is_some() || current.holder == 0 {
                    return Ok(None); // Fenced or gone: closing it is all that is left to do.
                }
                Ok(Some(Next { holder: 0, ..Next::like(current, token.record.id) }))
            })
        });
        if let Ok(Some(committed)) = committed {
            engine.surely(place.slot, || engine.forget_lease(place, &committed.before));
            engine.complete(place, &committed, None);
        }
        Ok(())
    }
}

/// A token counted before it exists, so that the limit holds beside other threads.
struct Permit<'a>(&'a Inner);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.tokens.fetch_sub(1, Ordering::Relaxed);
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
