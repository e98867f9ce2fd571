//! Acquiring, taking over and giving back: fenced commits that change who holds a check (see [`crate::writer::commit`]).

use std::sync::Arc;
use std::time::Duration;

use crate::cell::word::flag;
use crate::engine::{Check, Engine, Inner};
use crate::model::error::{Error, ErrorKind};
use crate::model::event::TroubleKind;
use crate::model::snapshot::RecordId;
use crate::mutant::mutated;
use crate::subscribe::trouble::Report;
use crate::sync::Ordering;
use crate::writer::commit::commit;
use crate::writer::history::HistoryKind;
use crate::writer::lease::{Lease, OnLapse};
use crate::writer::record::DeclaredWriter;
use crate::writer::token::{Shared, Token};
use crate::writer::touch::{MAX_GENERATION, touch, units};

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
}

impl Inner {
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
        let committed = commit(place.cell, &self.revisions, |current, next| {
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
            next.by(record.id, self.clock.wall());
            next.generation += 1;
            (next.holder, next.lease) = (record.id, lease);
            next.flags &= !flag::ORPHANED;
            Ok(true)
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
            commit(place.cell, &engine.revisions, |current, next| {
                if Self::stale(token, current).is_some() || current.holder == 0 {
                    return Ok(false); // Fenced or gone: closing it is all that is left to do.
                }
                next.by(token.record.id, engine.clock.wall());
                next.holder = 0;
                Ok(true)
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
