//! Acquiring, taking over, writing and giving back: every one of them a fenced commit (see [`crate::writer::commit`]).

use std::sync::Arc;

use crate::cell::slab::Place;
use crate::cell::word::flag;
use crate::engine::checks::Right;
use crate::engine::stats::Count;
use crate::engine::{Check, Engine, Inner, Subscription, SubscriptionFilter};
use crate::model::error::{Error, ErrorKind, Refusal};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::sync::Ordering;
use crate::writer::commit::{Committed, Next, commit, complete_for, is_paid};
use crate::writer::record::WriterRecord;
use crate::writer::refusal::{Offenders, Refused};
use crate::writer::token::{Shared, Token};
use crate::writer::touch::{MAX_GENERATION, last_report, touch};

impl Engine {
    /// Takes the token of a check that nobody holds. Never steals and never waits. Lock-free but for the interning of `label`.
    ///
    /// # Errors
    /// `HELD` with the holder's record and generation, `DERIVED` for an alias, `GONE`, `FOREIGN_ENGINE`, `TOO_LARGE`, `LIMIT`, `CLOSED`,
    /// `FORKED`.
    pub fn acquire(&self, check: &Check, label: &str) -> Result<Token, Error> {
        self.inner().take_token(check, label, None)
    }

    /// Takes the token away from the holder of generation `expected`, the one the caller has seen: one atomic step. Every later write of the old
    /// token is refused. Lock-free but for the interning of `label`.
    ///
    /// # Errors
    /// `HELD` with the present holder if its generation is another one, `DERIVED`, `GONE`, `FOREIGN_ENGINE`, `TOO_LARGE`, `LIMIT`,
    /// `CLOSED`, `FORKED`.
    pub fn take_over(&self, check: &Check, expected: u64, label: &str) -> Result<Token, Error> {
        self.inner().take_token(check, label, Some(expected))
    }

    /// Who holds the check and since which generation; `None` and the last generation if nobody does.
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn holder(&self, check: &Check) -> Result<(Option<Arc<WriterRecord>>, u64), Error> {
        self.inner().check_open()?;
        let snapshot = self.inner().living(check)?;
        Ok((self.inner().records.get(snapshot.holder), snapshot.generation()))
    }

    /// Who was refused at this check, the heaviest first.
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn refusals(&self, check: &Check) -> Result<Vec<Refused>, Error> {
        self.inner().check_open()?;
        self.inner().living(check)?;
        Ok(check.place.cell.offenders.load().map_or_else(Vec::new, |offenders| offenders.list()))
    }

    /// When the check's writer last reported, heartbeats included: nanoseconds after the engine was opened, as of the tick before it.
    ///
    /// # Errors
    /// `GONE`, `FOREIGN_ENGINE`, `CLOSED`, `FORKED`.
    pub fn last_report(&self, check: &Check) -> Result<u64, Error> {
        self.inner().check_open()?;
        self.inner().living(check)?;
        Ok(last_report(&check.place.cell.touch))
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
        if let Some(caller) = &caller {
            offenders(place).of(caller.id).count(self.clock.wall());
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
        let holder = match kind {
            ErrorKind::Gone => None,
            _ => {
                let offender =
                    token.offender.get_or_init(|| offenders(token.check.place).of(token.record.id));
                offender.count(self.clock.wall());
                self.records.get(current.holder)
            }
        };
        Error::refused(kind, Refusal { holder, generation: current.generation(), ..token.refusal(verb) })
    }

    pub(super) fn count(&self, slot: u32, committed: &Committed) {
        self.counters.add(slot, Count::Commits, 1);
        if committed.before.status != committed.after.status {
            self.counters.add(slot, Count::Transitions, 1);
        }
    }

    fn take_token(
        self: &Arc<Self>,
        check: &Check,
        label: &str,
        expected: Option<u64>,
    ) -> Result<Token, Error> {
        self.check_open()?;
        let known = self.living(check)?;
        let permit = Permit(self);
        if self.tokens.fetch_add(1, Ordering::Relaxed) >= self.limits.max_tokens as u64 {
            return Err(Error::text(
                ErrorKind::Limit,
                format!(
                    "check {:?}, writer {label:?}: the engine has {} open tokens, its limit; close some",
                    known.id(),
                    self.limits.max_tokens
                ),
            ));
        }
        let record = self
            .records
            .intern(label)
            .map_err(|error| error.about(format_args!("check {:?}", known.id())))?;
        let verb = if expected.is_some() { "taking over" } else { "acquiring" };
        let place = check.place;
        let committed = commit(place.cell, &self.revisions, self.clock.wall(), |current| {
            let refused = if current.life != check.life || current.gone {
                Some(ErrorKind::Gone)
            } else if current.definition.is_alias() {
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
            Ok(Some(Next { generation, holder, ..Next::like(current, record.id) }))
        })?;
        let Some(committed) = committed else { return Err(Error::closed()) };
        self.complete(place, &committed);
        touch(&place.cell.touch, committed.after.generation, self.clock.since_open());
        let id = committed.after.definition.id.clone();
        std::mem::forget(permit); // From here on the token gives it back.
        Ok(Token::new(self.clone(), *check, id, committed.after.generation, record))
    }

    /// What is wrong with a token, as seen from `current`.
    fn stale(token: &Shared, current: &Snapshot) -> Option<ErrorKind> {
        if current.life != token.check.life || current.gone {
            Some(ErrorKind::Gone)
        } else if current.generation != token.generation {
            Some(ErrorKind::Fenced)
        } else {
            None
        }
    }

    pub(crate) fn write(token: &Shared, status: Status, output: &str) -> Result<(), Error> {
        const VERB: &str = "writing";
        let engine = &token.engine;
        let _call = token.enter(VERB)?;
        if output.len() > engine.limits.max_output {
            return Err(Error::too_large(format!(
                "check {:?}: the output has {} bytes; at most {} are kept, cut it before writing",
                &*token.id,
                output.len(),
                engine.limits.max_output
            )));
        }
        let cell = token.check.place.cell;
        let committed = commit(cell, &engine.revisions, engine.clock.wall(), |current| {
            if let Some(kind) = Self::stale(token, current) {
                return Err(engine.refuse_token(VERB, kind, token, current));
            }
            let same_output = *current.output == *output;
            if current.status == status && same_output && !current.is_initial() {
                // Another thread of this token may have committed it and not yet paid what that owes: this call must not return before.
                if !is_paid(token.check.place, current) {
                    complete_for(token.check.place, current, &engine.board);
                }
                return Ok(None);
            }
            let output = (!same_output).then(|| output.into());
            let flags = current.flags & !flag::INITIAL;
            Ok(Some(Next { status, output, flags, ..Next::like(current, token.record.id) }))
        })?;
        match &committed {
            Some(committed) => engine.complete(token.check.place, committed),
            None => engine.counters.add(token.check.place.slot, Count::Heartbeats, 1),
        }
        touch(&cell.touch, token.generation, engine.clock.since_open());
        Ok(())
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
        if !token.calls.close() {
            return Err(Error::refused(ErrorKind::Revoked, token.refusal("closing the token of")));
        }
        if engine.check_open().is_err() {
            return Ok(());
        }
        let place = token.check.place;
        let committed = commit(place.cell, &engine.revisions, engine.clock.wall(), |current| {
            if Self::stale(token, current).is_some() {
                return Ok(None); // Fenced or gone: closing it is all that is left to do.
            }
            Ok(Some(Next { holder: 0, ..Next::like(current, token.record.id) }))
        });
        if let Ok(Some(committed)) = committed {
            engine.complete(place, &committed);
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

fn offenders(place: Place) -> Arc<Offenders> {
    loop {
        if let Some(offenders) = place.cell.offenders.load() {
            return offenders;
        }
        place.cell.offenders.replace(None, Some(Arc::new(Offenders::default())));
    }
}
