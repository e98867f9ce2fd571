//! Writer tokens: the right to write one check, and how one waits for another to leave.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::engine::{Check, Inner, Subscription, SubscriptionFilter};
use crate::model::error::{Error, ErrorKind, Refusal};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::sync::{AtomicU64, Ordering, Signal};
use crate::writer::lease::Lease;
use crate::writer::record::WriterRecord;
use crate::writer::tally::Tally;

/// The owner has closed the token.
const CLOSED: u64 = 1 << 63;
/// One who waits for the calls to leave.
const JOINING: u64 = 1 << 32;
const JOINERS: u64 = CLOSED - JOINING;
const CALLS: u64 = JOINING - 1;

/// The calls of one token: how many run, whether more may come, and who waits for them to leave.
pub struct Calls {
    // One word, so that the call that leaves and the one who starts to wait cannot miss each other.
    state: AtomicU64,
    left: Signal,
}

/// A running call.
pub struct Call<'a>(&'a Calls);

/// How a join ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// What was waited for is over.
    Over,
    /// It was not when the time was up.
    TimeUp,
    /// Nor when the engine was closed.
    EngineClosed,
}

impl Calls {
    /// No call, not closed.
    pub(crate) fn new() -> Self {
        Self { state: AtomicU64::new(0), left: Signal::new() }
    }

    /// Enters a call, unless the token is closed.
    pub fn enter(&self) -> Option<Call<'_>> {
        let seen =
            if mutated!("enter-look-then-count") { Some(self.state.load(Ordering::Acquire)) } else { None };
        let before = self.state.fetch_add(1, Ordering::AcqRel);
        if seen.unwrap_or(before) & CLOSED != 0 {
            self.leave();
            return None;
        }
        Some(Call(self))
    }

    fn leave(&self) {
        let before = self.state.fetch_sub(1, Ordering::AcqRel);
        if before & CALLS == 1 && before & JOINERS != 0 {
            self.left.notify();
        }
    }

    /// Lets no more calls in; `None` if it was closed before. What the close still has to do is a call itself, so that whoever joins comes after it.
    pub fn close(&self) -> Option<Call<'_>> {
        let closing = self.enter()?;
        // Relaxed: what was done in the calls is published as each leaves, this one too.
        let before = self.state.fetch_or(CLOSED, Ordering::Relaxed);
        (before & CLOSED == 0).then_some(closing)
    }

    /// Has those who join look again.
    pub(crate) fn wake(&self) {
        self.left.notify();
    }

    /// Whether the token is closed and no call of it runs any more.
    pub fn is_over(&self) -> bool {
        self.state.load(Ordering::Acquire) & (CLOSED | CALLS) == CLOSED
    }

    /// Waits until the calls have left and, unless `calls_only`, the token is closed. Holds nothing while waiting. Whoever makes `is_closed` true
    /// wakes it.
    pub(crate) fn join(
        &self,
        calls_only: bool,
        deadline: Option<Instant>,
        is_closed: impl Fn() -> bool,
    ) -> Joined {
        let early = if mutated!("join-look-before-announce") {
            Some(self.state.load(Ordering::Acquire))
        } else {
            None
        };
        // Relaxed, both: the order of updates of this one word decides whether the last to leave finds a joiner, or the joiner finds that it has left.
        self.state.fetch_add(JOINING, Ordering::Relaxed);
        let joined = self.wait(calls_only, deadline, is_closed, early);
        self.state.fetch_sub(JOINING, Ordering::Relaxed);
        joined
    }

    fn wait(
        &self,
        calls_only: bool,
        deadline: Option<Instant>,
        is_closed: impl Fn() -> bool,
        mut early: Option<u64>,
    ) -> Joined {
        loop {
            // Before the look: a call that leaves after it is then counted beyond `seen`.
            let mut seen = self.left.current();
            let state = early.take().unwrap_or_else(|| self.state.load(Ordering::Acquire));
            if mutated!("join-count-after-look") {
                seen = self.left.current();
            }
            if state & CALLS == 0 && (calls_only || state & CLOSED != 0) {
                return Joined::Over;
            }
            if is_closed() {
                return Joined::EngineClosed;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Joined::TimeUp;
            }
            let seen = if mutated!("join-counts-late") { self.left.current() } else { seen };
            self.left.wait(seen, deadline);
        }
    }
}

impl AsRef<Calls> for Calls {
    fn as_ref(&self) -> &Calls {
        self
    }
}

impl AsRef<Calls> for Shared {
    fn as_ref(&self) -> &Calls {
        &self.calls
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// How long to wait and for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Join {
    /// Give up after this long; `None` waits for ever, zero looks once.
    pub timeout: Option<Duration>,
    /// Wait for the running calls only, not for the token to be closed.
    pub calls_only: bool,
}

/// The right to write one check. It may be used from several threads; commits are serialised by the check itself.
///
/// Dropping a token closes it. A token that was taken over can never disturb its successor: not by a late write, nor by being closed.
pub struct Token {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub engine: Arc<Inner>,
    pub check: Check,
    pub id: Arc<str>,
    pub generation: u32,
    pub record: Arc<WriterRecord>,
    pub calls: Calls,
    /// The lease it was acquired with.
    pub lease: Lease,
    /// Where its refusals are counted, once there are any.
    pub refused: OnceLock<Arc<Tally>>,
    /// Where its commits are counted, if the engine keeps histories.
    accepted: Option<Arc<Tally>>,
}

impl Shared {
    pub fn refusal(&self, verb: &'static str) -> Refusal {
        Refusal {
            verb,
            check: self.id.clone(),
            caller: Some(self.record.clone()),
            holder: None,
            generation: self.generation.into(),
        }
    }

    /// Counts a commit made at wall clock `now`. Wait-free.
    pub fn count_accepted(&self, now: i64) {
        if let Some(tally) = &self.accepted {
            tally.count(now);
        }
    }

    /// Enters a call of this token.
    pub fn enter(&self, verb: &'static str) -> Result<Call<'_>, Error> {
        self.engine.check_open()?;
        self.calls.enter().ok_or_else(|| Error::refused(ErrorKind::Revoked, self.refusal(verb)))
    }
}

impl Token {
    /// The token of a commit that was made; the caller has counted it.
    pub(crate) fn new(
        engine: Arc<Inner>,
        check: Check,
        acquired: &Snapshot,
        record: Arc<WriterRecord>,
    ) -> Self {
        let (id, generation, lease) = (acquired.definition.id.clone(), acquired.generation, acquired.lease);
        let accepted = acquired.definition.history.as_ref().map(|history| history.accepted.of(record.id));
        let (calls, refused) = (Calls::new(), OnceLock::new());
        let shared = Shared { engine, check, id, generation, record, calls, lease, refused, accepted };
        Self { shared: Arc::new(shared) }
    }

    /// Reports. Lock-free, the allocator excluded; when it returns, every reader, every alias and every subscription that matches sees it or
    /// something newer. The same status with the same output is a heartbeat: it commits nothing and allocates nothing.
    ///
    /// # Errors
    /// `FENCED` naming who took over, `EXPIRED` if the lease ran out and nobody came, `GONE`, `REVOKED`, `TOO_LARGE` for an output over
    /// `max_output`, `LIMIT`, `CLOSED`, `FORKED`.
    pub fn write(&self, status: Status, output: &str) -> Result<(), Error> {
        Inner::write(&self.shared, status, output).map(drop)
    }

    /// Starts the lease anew without a report. Wait-free while the lease runs; of a token without one it only notes that its writer lives.
    ///
    /// # Errors
    /// `EXPIRED` if the lease ran out and nobody came: acquire again; `FENCED`, `GONE`, `REVOKED`, `CLOSED`, `FORKED`.
    pub fn renew(&self) -> Result<(), Error> {
        Inner::renew(&self.shared)
    }

    /// The lease it was acquired with.
    pub fn lease(&self) -> Option<Duration> {
        self.shared.lease.length()
    }

    /// The check this token writes.
    pub fn check(&self) -> Check {
        self.shared.check
    }

    /// The check's id.
    pub fn check_id(&self) -> &str {
        &self.shared.id
    }

    /// The token's generation.
    pub fn generation(&self) -> u64 {
        self.shared.generation.into()
    }

    /// Who holds this token: readable until the token is closed, fenced or not.
    pub fn record(&self) -> &Arc<WriterRecord> {
        &self.shared.record
    }

    /// Deregisters the check as its holder. Blocking; O(checks above it). The token stays until it is closed, and answers `GONE`.
    ///
    /// # Errors
    /// `FENCED`, `EXPIRED` if the lease ran out and nobody came, `GONE`, `REVOKED`, `CLOSED`, `FORKED`.
    pub fn deregister_check(&self) -> Result<(), Error> {
        Inner::deregister_by_holder(&self.shared)
    }

    /// Subscribes as the check's writer: a runner that was started late and taken over before it came to run is told so here and does not wait for
    /// what its successor waits for. The subscription is like any other and outlives the token.
    ///
    /// # Errors
    /// `FENCED` naming who took over, `EXPIRED` if the lease ran out and nobody came, `GONE`, `REVOKED`, and those of
    /// [`crate::Engine::subscribe`].
    pub fn subscribe(&self, filter: &SubscriptionFilter<'_>) -> Result<Subscription, Error> {
        Inner::subscribe_as_writer(&self.shared, filter)
    }

    /// Closes the token: no call enters any more, and the check is free if this token still held it.
    ///
    /// # Errors
    /// `REVOKED` if it is closed already, `FORKED`.
    pub fn close(&self) -> Result<(), Error> {
        Inner::close_token(&self.shared)
    }

    /// Waits until `old` is closed and its calls have left: its runner is done. Safety never depends on it, the fence alone gives that.
    /// Blocking, with no lock held.
    ///
    /// # Errors
    /// `STILL_RUNNING` when the time is up, `CLOSED` when the engine is, `WOULD_DEADLOCK` for oneself, `FOREIGN_ENGINE`, `FORKED`.
    pub fn join(&self, old: &Token, join: Join) -> Result<(), Error> {
        self.shared.engine.check_fork()?;
        if Arc::ptr_eq(&self.shared, &old.shared) {
            return Err(Error::refused(
                ErrorKind::WouldDeadlock,
                self.shared.refusal("joining the own token of"),
            ));
        }
        old.check_engine(&self.shared.engine)?;
        let deadline = join.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let engine = &self.shared.engine;
        match engine.joins.join(&old.shared, join.calls_only, deadline, || engine.check_open().is_err()) {
            Joined::Over => return Ok(()),
            Joined::EngineClosed => return Err(Error::closed()),
            Joined::TimeUp => {}
        }
        let holder = Some(old.shared.record.clone());
        let generation = old.shared.generation.into();
        let refusal = Refusal { holder, generation, ..self.shared.refusal("joining the old token of") };
        Err(Error::refused(ErrorKind::StillRunning, refusal))
    }

    /// Refuses a token of another engine.
    pub(crate) fn check_engine(&self, engine: &Arc<Inner>) -> Result<(), Error> {
        if Arc::ptr_eq(&self.shared.engine, engine) {
            return Ok(());
        }
        Err(Error::text(
            ErrorKind::ForeignEngine,
            format!("the token of check {:?} belongs to another engine", &*self.shared.id),
        ))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether the token is closed and no call of it runs any more.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.calls.is_over()
    }

    /// Whether this token still holds its check.
    pub(crate) fn holds(&self) -> bool {
        let Shared { check, generation, .. } = &*self.shared;
        let present =
            check.place.cell.snapshot.load().filter(|present| present.life == check.life && !present.gone);
        present.is_some_and(|present| present.generation == *generation && present.holder != 0)
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.shared.engine
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Token({:?}, generation {}, {})",
            &*self.shared.id, self.shared.generation, self.shared.record
        )
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // A token that is closed already, or whose engine is, has nothing left to give back.
        let _ = self.close();
    }
}
