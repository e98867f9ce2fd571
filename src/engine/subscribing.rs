//! Subscribing and unsubscribing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cell::slab::{Cell, Place};
use crate::cell::word::flag;
use crate::engine::{Check, Engine, Inner, Service};
use crate::failpoint::pause;
use crate::model::error::{Error, ErrorKind};
use crate::model::event::{Batch, Cursor, Event};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::delivery::Core;
use crate::subscribe::filter::{Filter, Scope};
use crate::subscribe::interest::{self, Change, Class};
use crate::subscribe::marks::Marks;
use crate::subscribe::resume::{Below, Graves, Start, is_changed};
use crate::subscribe::trouble::{Now, Report};

/// What to subscribe to.
#[derive(Clone, Debug)]
pub struct SubscriptionFilter<'a> {
    scope: Wanted<'a>,
    least: Status,
    transitions_only: bool,
    since: Option<Cursor>,
}

#[derive(Clone, Debug)]
enum Wanted<'a> {
    All,
    Service(&'a Service, bool),
    Check(&'a Check),
    Prefix(&'a str),
    Trouble,
}

impl<'a> SubscriptionFilter<'a> {
    fn of(scope: Wanted<'a>) -> Self {
        Self { scope, least: Status::Passing, transitions_only: false, since: None }
    }

    /// Every check.
    pub fn all() -> Self {
        Self::of(Wanted::All)
    }

    /// The checks bound to a service; with `summary`, its summary too. It goes on if the service is deregistered and comes back.
    pub fn service(service: &'a Service, summary: bool) -> Self {
        Self::of(Wanted::Service(service, summary))
    }

    /// One check, until it is deregistered.
    pub fn check(check: &'a Check) -> Self {
        Self::of(Wanted::Check(check))
    }

    /// The checks whose id starts with `prefix`, those that come later among them.
    pub fn prefix(prefix: &'a str) -> Self {
        Self::of(Wanted::Prefix(prefix))
    }

    /// No states, but trouble: refusals, take-overs, lapses and rival claims, from this call on. An event counts what one offender did at one check or
    /// claim; the next of the same comes a second later at the earliest, by the clock of [`Engine::tick`], which must be called for that.
    pub fn trouble() -> Self {
        Self::of(Wanted::Trouble)
    }

    /// Only commits with a status before or after them of at least `least`.
    pub fn at_least(self, least: Status) -> Self {
        Self { least, ..self }
    }

    /// Only commits that change the status, and the ends of checks: nothing is delivered for the others, and they wake nobody. Several changes
    /// that are merged are delivered also if they end where they began.
    pub fn transitions_only(self) -> Self {
        Self { transitions_only: true, ..self }
    }

    /// Continue where a subscription with the same filter stood, instead of starting from the whole state. What the engine cannot tell any more
    /// is made up for by the whole state: the first batch says so with `resync`, and with `reset` if the cursor is another engine's.
    pub fn since(self, cursor: Cursor) -> Self {
        Self { since: Some(cursor), ..self }
    }
}

/// An epoch-tagged, level-triggered view of what changes. One consumer at a time. Dropping it unsubscribes.
pub struct Subscription {
    engine: Arc<Inner>,
    core: Arc<Core>,
}

impl Engine {
    /// Subscribes. The state that matches is delivered by the first polls, and everything that changes from this call on after it, without a
    /// gap; with a cursor only what may have changed since. After that a state may come again that was delivered before the cursor.
    /// Blocking: a registration under way is waited for. O(checks that match), for a prefix O(checks); with a cursor also O(checks below the
    /// aliases that match).
    ///
    /// # Errors
    /// `INVALID` for trouble with a cursor, `FUTURE_CURSOR` for a cursor that this engine has not given out yet, `GONE`, `FOREIGN_ENGINE`, `LIMIT`, `TOO_LARGE` for a prefix longer
    /// than an id, `CLOSED`, `FORKED`.
    pub fn subscribe(&self, filter: &SubscriptionFilter<'_>) -> Result<Subscription, Error> {
        let core = self.inner().subscribe(filter)?;
        Ok(Subscription { engine: self.inner().clone(), core })
    }
}

impl Subscription {
    /// What is pending, up to `most` events; never waits. O(changed cells).
    ///
    /// # Errors
    /// `BUSY` while another call of this subscription runs, `CLOSED`, `FORKED`.
    pub fn poll(&self, most: usize) -> Result<Batch, Error> {
        let mut left = most;
        self.poll_while(|_| {
            let accepted = left > 0;
            left = left.saturating_sub(1);
            accepted
        })
    }

    /// What is pending, as long as `accept` takes it; the rest stays.
    pub(crate) fn poll_while(&self, accept: impl FnMut(&Event) -> bool) -> Result<Batch, Error> {
        self.engine.check_open()?;
        self.core.poll(&self.engine, accept)
    }

    /// Waits until something is pending; returns at once if something newer exists, whether it came before the call or during it. Blocking.
    ///
    /// # Errors
    /// `TIMEOUT` with a bookmark ([`Error::bookmark`]), `BUSY`, `CLOSED` when the engine or the subscription is closed, also while waiting, `FORKED`.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.engine.check_open()?;
        self.core.wait(&self.engine, timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// A level-triggered descriptor: readable, or becoming so before the write returns, whenever something is pending and no call of this
    /// subscription runs. Poll it, never read it; it belongs to the subscription.
    ///
    /// # Errors
    /// `LIMIT` when the process has no more descriptors, `CLOSED`, `FORKED`.
    pub fn descriptor(&self) -> Result<i32, Error> {
        self.engine.check_open()?;
        self.core.descriptor()
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine
    }

    /// Ends the subscription; a call that waits ends with `CLOSED`. Doing it again does nothing.
    pub fn close(&self) {
        self.engine.unsubscribe(&self.core);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("pending", &self.core.dirty.is_pending()).finish_non_exhaustive()
    }
}

impl Inner {
    fn subscribe(&self, filter: &SubscriptionFilter<'_>) -> Result<Arc<Core>, Error> {
        let mut registry = self.registering()?;
        if registry.subscriptions.len() >= self.limits.max_subscriptions {
            return Err(Error::text(
                ErrorKind::Limit,
                format!("the engine has {} subscriptions, its limit", registry.subscriptions.len()),
            ));
        }
        let start = self.start(filter.since)?;
        let scope = match &filter.scope {
            Wanted::All => Scope::All,
            Wanted::Service(service, with_summary) => {
                Scope::Service { summary: self.summary_of(service)?.0, with_summary: *with_summary }
            }
            Wanted::Check(check) => {
                self.living(check)?;
                Scope::Check { place: check.place, life: check.life }
            }
            Wanted::Prefix(prefix) if prefix.len() > crate::model::definition::MAX_ID => {
                return Err(Error::too_large(format!(
                    "prefix {}: it has {} bytes, an id at most {}",
                    crate::model::definition::excerpt(prefix),
                    prefix.len(),
                    crate::model::definition::MAX_ID
                )));
            }
            Wanted::Prefix(prefix) => Scope::Prefix((*prefix).into()),
            Wanted::Trouble if start != Start::Whole => {
                return Err(Error::invalid(
                    "trouble since a cursor: it is counted for those who are subscribed and not kept; subscribe without one",
                ));
            }
            Wanted::Trouble => Scope::Trouble,
        };
        let filter = Filter { scope, least: filter.least, transitions_only: filter.transitions_only };
        let core = Arc::new(Core::new(filter, self.limits.max_pending, start));
        pause!("subscribe:admitted");
        // From here on the subscription comes to be, whatever happens.
        registry.subscriptions.push(core.clone());
        match &core.filter.scope {
            Scope::Service { summary, .. } => summary.table.lock().subscribers += 1,
            Scope::Prefix(_) => registry.prefixes.push(core.clone()),
            Scope::Trouble => interest::add(&self.board.trouble, &core, Class::Own),
            Scope::All | Scope::Check { .. } => {}
        }
        self.surely(0, || self.publish_interest(&core));
        self.surely(0, || match start {
            Start::Whole => self.mark_state(&core),
            Start::Reset => {
                self.mark_state(&core);
                // Also if nothing matches: it is to be told.
                core.remind();
            }
            Start::At(since) => self.mark_changed(&core, since, &registry.graves),
        });
        Ok(core)
    }

    /// Puts a subscription into every list that a writer will look at. The caller holds the registry's lock.
    fn publish_interest(&self, core: &Arc<Core>) {
        match &core.filter.scope {
            Scope::All => interest::add(&self.board.everything, core, Class::Own),
            Scope::Service { summary, with_summary } => {
                self.attach(core, summary.slot(), summary.cell(), Class::Member);
                if *with_summary {
                    self.attach(core, summary.slot(), summary.cell(), Class::Derived);
                }
            }
            Scope::Prefix(_) | Scope::Trouble | Scope::Check { .. } => {}
        }
        // In the list of everything there is no more to look at.
        if !matches!(core.filter.scope, Scope::All) {
            self.matching(core, |place, snapshot| {
                if matches!(core.filter.scope, Scope::Check { .. } | Scope::Prefix(_)) {
                    self.attach(core, place.slot, place.cell, Class::Own);
                }
                if let Some(target) = &snapshot.definition.target {
                    self.attach(core, target.slot(), target.cell(), Class::Derived);
                }
            });
        }
        pause!("subscribe:published");
    }

    fn start(&self, since: Option<Cursor>) -> Result<Start, Error> {
        let Some(cursor) = since else { return Ok(Start::Whole) };
        if cursor.engine_id != self.id {
            return Ok(Start::Reset);
        }
        let present = self.revisions.current();
        if cursor.position > present {
            return Err(Error::text(
                ErrorKind::FutureCursor,
                format!(
                    "the cursor stands at {}, the engine at {present}: it never gave that cursor out; subscribe without one",
                    cursor.position
                ),
            ));
        }
        Ok(Start::At(cursor.position))
    }

    /// Marks what may have changed since a cursor, and buries what has ended since. The caller holds the registry's lock.
    fn mark_changed(&self, core: &Core, since: u64, graves: &Graves) {
        let mut below = Below::new(since);
        self.matching(core, |place, snapshot| {
            let target = snapshot.definition.target.as_ref();
            if is_changed(place.cell, since) || target.is_some_and(|target| below.is_changed(target)) {
                core.notify(place.slot, Change::UNKNOWN);
            }
        });
        if let Some(summary) = core.filter.summary()
            && below.is_changed(summary)
        {
            core.notify(summary.slot(), Change::UNKNOWN);
        }
        let Some(graves) = graves.after(since) else { return core.overflow() };
        for grave in graves {
            let tombstone = &grave.tombstone;
            if core.filter.takes_in(grave.slot, tombstone.life, &tombstone.definition) {
                core.bury(grave.handle, grave.slot, tombstone, tombstone.worst);
            }
        }
    }

    /// Calls `visit` with each living check in the scope. The caller holds the registry's lock.
    fn matching(&self, core: &Core, mut visit: impl FnMut(Place, &Snapshot)) {
        let mut consider = |place: Place| {
            let Some(snapshot) = place.cell.snapshot.hold().filter(|snapshot| !snapshot.gone) else { return };
            if core.filter.takes_in(place.slot, snapshot.life, &snapshot.definition) {
                visit(place, &snapshot);
            }
        };
        match &core.filter.scope {
            Scope::Check { place, .. } => consider(*place),
            Scope::Service { summary, .. } => {
                let bound = summary.table.lock().checks.clone();
                bound.into_iter().for_each(|bound| consider(bound.place));
            }
            Scope::All | Scope::Prefix(_) => self.checks.places().for_each(consider),
            Scope::Trouble => {}
        }
    }

    /// Marks everything that matches: the state a subscriber starts from. The caller holds the registry's lock.
    fn mark_state(&self, core: &Core) {
        let mut marks = Marks::new(core);
        let mut mark = |place: Place| {
            if let Some(severity) = severity(place.cell) {
                marks.add(place.slot, Change::start(severity));
            }
        };
        match &core.filter.scope {
            // Whatever lives matches: a word tells, and what it belongs to need not be looked at.
            Scope::All => self.checks.places().for_each(mark),
            _ => self.matching(core, |place, _| mark(place)),
        }
        marks.put();
        if let Some(summary) = core.filter.summary() {
            core.notify(summary.slot(), Change::start(summary.word_ordered().shown()));
        }
    }

    /// The same for a subscription that starts anew.
    pub(crate) fn mark_matching(&self, core: &Core) {
        let _registry = self.registry.lock();
        self.mark_state(core);
    }

    /// Puts a subscription into the list of a cell. The caller holds the registry's lock.
    pub(super) fn attach(&self, core: &Arc<Core>, slot: u32, cell: &'static Cell, class: Class) {
        interest::add(&cell.interest, core, class);
        core.attached.lock().insert(slot, cell);
    }

    /// Tells those who want to hear of trouble. One load if nobody does.
    pub(crate) fn trouble(&self, report: impl FnOnce() -> Report) {
        if self.board.trouble.is_present() {
            let (report, now) = (report(), Now { wall: self.clock.wall(), boot: self.clock.since_open() });
            interest::for_each(&self.board.trouble, Class::Own, |core| {
                let due = core.count(&report, now);
                // What it tells of has happened, and was counted: who waits has to be woken, whatever happens.
                self.surely(0, || {
                    pause!("trouble:counted");
                    if due {
                        core.remind();
                    }
                });
            });
        }
    }

    /// Lets go of the trouble that was held back and may be told by now. O(subscriptions to trouble).
    pub(super) fn release_trouble(&self) {
        if self.board.trouble.is_present() {
            let boot = self.clock.since_open();
            interest::for_each(&self.board.trouble, Class::Own, |core| core.release_trouble(boot));
        }
    }

    fn unsubscribe(&self, core: &Arc<Core>) {
        if self.is_foreign_process() {
            return;
        }
        core.close();
        // It has ended: what is left of it has to go, whatever happens.
        self.surely(0, || self.withdraw(core));
    }

    /// Takes a subscription that has ended out of everything that knows it.
    fn withdraw(&self, core: &Arc<Core>) {
        pause!("unsubscribe:closed");
        core.quiesce();
        let mut registry = self.registry.lock();
        let Some(at) = registry.subscriptions.iter().position(|other| Arc::ptr_eq(other, core)) else {
            return;
        };
        registry.prefixes.retain(|other| !Arc::ptr_eq(other, core));
        if mutated!("unregister-by-key") {
            // The bug this project exists for: clean-up by what is subscribed to instead of by who subscribed.
            core.attached.lock().values().for_each(|cell| cell.interest.store(None));
        }
        interest::remove(&self.board.everything, core);
        interest::remove(&self.board.trouble, core);
        let mut attached = core.attached.lock();
        attached.values().for_each(|cell| interest::remove(&cell.interest, core));
        pause!("unsubscribe:withdrawn");
        // Up to here everything may be done twice.
        attached.clear();
        drop(attached);
        registry.subscriptions.swap_remove(at);
        self.counters.add(0, super::stats::Count::Resyncs, core.resyncs());
        self.counters.add(0, super::stats::Count::SpuriousWakes, core.spurious_wakes());
        if let Scope::Service { summary, .. } = &core.filter.scope {
            summary.table.lock().subscribers -= 1;
            self.release(summary);
        }
    }
}

/// What the check in a cell shows to one who starts, or `None` if none lives there. After the interest was published, and before the state is read: see
/// `subscribe::interest`. It decides only whether the least severity is reached; what is delivered is read again. A commit that the word does
/// not say yet is marked by its writer. The caller holds the registry's lock, so that no life begins or ends.
fn severity(cell: &Cell) -> Option<Status> {
    let word = cell.status().load();
    word.status()?;
    if word.has(flag::DERIVED) {
        // A service's cell has none.
        let alias = cell.snapshot.hold().filter(|alias| !alias.gone)?;
        return Some(alias.definition.target.as_ref()?.word_ordered().shown());
    }
    cell.status().load_ordered().status()
}
