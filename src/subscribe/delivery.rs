//! A subscription: its marks, its inbox of tombstones, and what its reader remembers.
//!
//! A mark says only that a cell changed. The reader loads what stands there now and compares it with what it delivered last for this cell (see
//! [`fill`](crate::subscribe::fill)), so that per check (incarnation, version, epoch) rises strictly and changes that came in between are
//! merged. Memory is a mark and an entry for each cell in which a check matched, however often it changes.
//!
//! Deregistrations cannot be left to the cell, which may have been given to another check by then. Each subscription has an inbox of
//! tombstones keyed by id (one that still stands in its cell is told from there, before the inbox has it); past its limit the inbox is emptied
//! and the whole state delivered anew (`RESYNC`), after which absence means deregistered. The cells are read *before* the inbox: a state found
//! there was committed after the tombstone of its predecessor was put into the inbox, so the tombstone is in the same batch and sorts before it.
//!
//! Reading goes in rounds: all marks are taken at once, and their cells read in portions. When a round is through, everything that was marked
//! before it began is at hand, and the cursor moves to where it began (see [`resume`](crate::subscribe::resume)).
//!
//! A poll that panics has taken marks out, and noted as delivered what nobody was given. It leaves the subscription as one whose inbox has
//! overflowed, so that the next poll delivers the whole state (`poll-panic-forgets`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use scopeguard::guard_on_unwind;

use crate::engine::Inner;
use crate::model::error::{Error, ErrorKind};
use crate::model::event::{Batch, Cursor, Event, SummaryState};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::dirty::DirtySet;
use crate::subscribe::fill::Fill;
use crate::subscribe::filter::{Filter, Scope};
use crate::subscribe::interest::Change;
use crate::subscribe::known::Known;
use crate::subscribe::resume::{Start, take_round};
use crate::subscribe::trouble::{Now, Report, Store};
use crate::subscribe::wake::Wake;
use crate::sync::{AtomicBool, AtomicU64, Guard, HashState, Mutex, Ordering};

/// So many cells are read at a time, even if fewer events are wanted: sorting needs some to sort.
const PORTION: usize = 256;

/// A subscription as writers and registrations know it.
pub(crate) struct Core {
    pub filter: Filter,
    pub dirty: DirtySet,
    pub wake: Wake,
    closed: AtomicBool,
    inbox: Mutex<Inbox>,
    most_pending: usize,
    /// Of a subscription to trouble alone.
    trouble: Option<Mutex<Store>>,
    consumer: Mutex<Consumer>,
    /// Cells whose list this subscription is in; kept by the registrations.
    pub attached: Mutex<HashMap<u32, &'static crate::cell::slab::Cell, HashState>>,
    resyncs: AtomicU64,
    spurious: AtomicU64,
}

#[derive(Default)]
struct Inbox {
    tombstones: HashMap<Arc<str>, Buried, HashState>,
    overflow: bool,
}

/// The last tombstone of an id, and what must not be forgotten of those before it that nobody has taken: the first of them may be the end of
/// what the subscriber knows, and any of them may have matched.
pub(super) struct Buried {
    pub handle: u64,
    pub slot: u32,
    pub tombstone: Arc<Snapshot>,
    /// The cell and the incarnation of the first of them.
    pub first: (u32, u64),
    /// The worst status that any of them may have reached in a commit that nobody was marked for.
    pub worst: Status,
}

/// What the reader remembers.
#[derive(Default)]
pub(super) struct Consumer {
    pub delivered: Known,
    /// Aliases that were marked and found deregistered, until their tombstones come.
    pub ended: HashSet<u32>,
    /// Ends that were told, by cell and incarnation, until their cells say that they have come to every inbox.
    pub told: HashSet<(u32, u64)>,
    pub summary: Option<Arc<SummaryState>>,
    /// Cells of this round that are not read yet, in ascending order.
    pub taken: VecDeque<u32>,
    /// The cursor this subscription was resumed from: the subscriber may know every check that was registered before.
    pub since: u64,
    carry: VecDeque<Event>,
    resync: bool,
    reset: bool,
    woken: bool,
    /// Where this round began.
    round: u64,
    /// Where the last round began whose events are all in `carry` or delivered.
    filled_up_to: u64,
    position: u64,
}

impl Consumer {
    fn new(start: Start) -> Self {
        match start {
            Start::Whole => Self::default(),
            Start::Reset => Self { resync: true, reset: true, ..Self::default() },
            Start::At(since) => Self { since, filled_up_to: since, position: since, ..Self::default() },
        }
    }

    /// Forgets everything: what follows is the whole state. Until all of it is delivered the subscriber has nothing to continue from, so the
    /// position is that of the beginning.
    fn start_anew(&mut self) {
        let (reset, woken) = (self.reset, self.woken);
        *self = Self { resync: true, reset, woken, ..Self::default() };
    }

    /// Whether something was read, or is to be read, that was not delivered.
    fn has_more(&self) -> bool {
        !self.carry.is_empty() || !self.taken.is_empty()
    }
}

impl Core {
    pub fn new(filter: Filter, most_pending: usize, start: Start) -> Self {
        let trouble = matches!(filter.scope, Scope::Trouble).then(|| Mutex::new(Store::new()));
        Self {
            filter,
            dirty: DirtySet::new(),
            wake: Wake::new(),
            closed: AtomicBool::new(false),
            inbox: Mutex::new(Inbox::default()),
            most_pending,
            trouble,
            consumer: Mutex::new(Consumer::new(start)),
            attached: Mutex::new(HashMap::default()),
            resyncs: AtomicU64::new((start == Start::Reset).into()),
            spurious: AtomicU64::new(0),
        }
    }

    /// A change of the cell `slot`: marks and wakes if it matches. Lock-free.
    pub fn notify(&self, slot: u32, change: Change) {
        if self.filter.wants(change) && self.dirty.mark(slot) {
            crate::failpoint::pause!("mark:wake");
            self.wake.wake();
        }
    }

    /// The same for several cells of one leaf of the dirty set, of which those that match are known.
    pub(super) fn notify_leaf(&self, leaf: u32, cells: u64) {
        if cells != 0 && self.dirty.mark_leaf(leaf, cells) {
            self.wake.wake();
        }
    }

    /// Puts a tombstone into the inbox; `worst` is the worst status that may not have been marked before. Called under the registration lock.
    pub fn bury(&self, handle: u64, slot: u32, tombstone: &Arc<Snapshot>, worst: Status) {
        let mut inbox = self.inbox.lock();
        if inbox.overflow {
            return;
        }
        let earlier = inbox.tombstones.get(&tombstone.definition.id);
        let buried = Buried {
            handle,
            slot,
            tombstone: tombstone.clone(),
            first: earlier.map_or((slot, tombstone.incarnation), |earlier| earlier.first),
            worst: earlier.map_or(worst, |earlier| earlier.worst.max(worst)),
        };
        inbox.tombstones.insert(tombstone.definition.id.clone(), buried);
        if inbox.tombstones.len() > self.most_pending && !mutated!("inbox-unbounded") {
            inbox.tombstones.clear();
            inbox.overflow = true;
        }
        drop(inbox);
        self.remind();
    }

    /// Lets the next wait return and the next poll look, whatever is pending.
    pub fn remind(&self) {
        if self.dirty.mark_other() {
            self.wake.wake();
        }
    }

    /// Counts trouble; tells whether there is an event now, of which to [remind](Self::remind). Blocking, for others that report.
    #[must_use]
    pub fn count(&self, report: &Report, now: Now) -> bool {
        self.trouble.as_ref().is_some_and(|store| store.lock().add(report, now))
    }

    /// Wakes if trouble that was held back may be told by now.
    pub fn release_trouble(&self, boot: u64) {
        if self.trouble.as_ref().is_some_and(|store| store.lock().is_due(boot)) {
            self.remind();
        }
    }

    /// What is in the inbox is not enough to continue from: the next poll delivers the whole state.
    pub fn overflow(&self) {
        self.inbox.lock().overflow = true;
        self.remind();
    }

    /// Ends every wait; what is pending is not delivered any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let _ = self.dirty.mark_other();
        self.wake.wake();
    }

    /// Waits until no call of this subscription runs. After `close` none can enter.
    pub fn quiesce(&self) {
        drop(self.consumer.lock());
    }

    /// How often this subscription had to start from the whole state.
    pub fn resyncs(&self) -> u64 {
        self.resyncs.load(Ordering::Relaxed)
    }

    /// How often it was woken and found nothing.
    pub fn spurious_wakes(&self) -> u64 {
        self.spurious.load(Ordering::Relaxed)
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::text(ErrorKind::Closed, "the subscription or its engine is closed"));
        }
        Ok(())
    }

    fn enter(&self) -> Result<Call<'_>, Error> {
        self.check_open()?;
        crate::failpoint::pause!("poll:entering");
        let mut consumer = self.consumer.try_lock().ok_or_else(|| {
            Error::text(
                ErrorKind::Busy,
                "another call of this subscription is running; one consumer at a time",
            )
        })?;
        // Again, under the lock: who ends a subscription closes it first and then waits for this lock.
        self.check_open()?;
        if self.wake.has_descriptor() {
            self.dirty.disarm();
            consumer.woken |= self.wake.drain();
        }
        Ok(Call { core: self, consumer })
    }

    /// Delivers what is pending, as long as `accept` takes it; never waits. What is not accepted stays pending.
    pub fn poll(&self, engine: &Inner, mut accept: impl FnMut(&Event) -> bool) -> Result<Batch, Error> {
        let mut call = self.enter()?;
        let _unless_it_panics = guard_on_unwind((), |()| {
            if !mutated!("poll-panic-forgets") {
                self.overflow();
            }
        });
        let consumer = &mut *call.consumer;
        self.renew(engine, consumer);
        while consumer.carry.is_empty() {
            self.fill(engine, consumer);
            if consumer.taken.is_empty() {
                break;
            }
        }
        // What was read while the engine was being closed is not what anybody reported.
        engine.check_open()?;
        let mut events = Vec::new();
        while let Some(event) = consumer.carry.pop_front() {
            if !accept(&event) {
                consumer.carry.push_front(event);
                break;
            }
            events.push(event);
        }
        let in_vain = std::mem::take(&mut consumer.woken) && events.is_empty() && !consumer.has_more();
        if in_vain && !mutated!("spurious-wake-uncounted") {
            self.spurious.fetch_add(1, Ordering::Relaxed);
        }
        if consumer.carry.is_empty() {
            consumer.position = consumer.filled_up_to;
        }
        // The mark of a resync goes out with the first batch that carries something, or that says that nothing matches.
        let refused_all = events.is_empty() && !consumer.carry.is_empty();
        let resync = !refused_all && std::mem::take(&mut consumer.resync);
        let reset = resync && std::mem::take(&mut consumer.reset);
        Ok(Batch {
            events,
            resync,
            reset,
            more: consumer.has_more() || self.dirty.is_pending(),
            cursor: Cursor { engine_id: engine.id, position: consumer.position },
        })
    }

    /// Waits until something is pending. Blocking.
    pub fn wait(&self, engine: &Inner, deadline: Option<Instant>) -> Result<(), Error> {
        let mut call = self.enter()?;
        if call.consumer.has_more() {
            return Ok(());
        }
        loop {
            let seen = self.wake.count();
            crate::failpoint::pause!("wait:looking");
            // Before the look, as at the beginning of a round: if that finds nothing, all that was marked by then was delivered.
            let up_to = engine.revisions.current();
            let pending = self.dirty.arm();
            if pending || self.closed.load(Ordering::Acquire) {
                break;
            }
            crate::failpoint::pause!("wait:looked");
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.dirty.disarm();
                let up_to = if mutated!("bookmark-after-look") { engine.revisions.current() } else { up_to };
                // The state of a subscription that starts anew is marked, so there is none here that is not delivered.
                call.consumer.filled_up_to = up_to;
                call.consumer.position = up_to;
                return Err(Error::timeout(Cursor { engine_id: engine.id, position: up_to }));
            }
            crate::failpoint::pause!("wait:armed");
            self.wake.wait(seen, deadline);
            engine.check_fork()?;
        }
        self.dirty.disarm();
        self.check_open()
    }

    /// The descriptor to poll.
    pub fn descriptor(&self) -> Result<i32, Error> {
        self.check_open()?;
        let descriptor = self.wake.descriptor()?;
        // With no call running it must be armed from now on; whoever runs one will arm it when leaving.
        match self.consumer.try_lock() {
            Some(consumer) => drop(Call { core: self, consumer }),
            // A call that is just leaving may have looked before there was a descriptor: let the poll that this provokes arm it.
            None => self.wake.make_readable(),
        }
        Ok(descriptor)
    }

    /// Brings up to date what an earlier poll has left. It is through before anything else is read, so that a check that never stands still holds up
    /// no other.
    fn renew(&self, engine: &Inner, consumer: &mut Consumer) {
        if consumer.carry.is_empty() || mutated!("rest-as-collected") {
            return;
        }
        let mut batch = Fill::new(self, engine);
        for event in std::mem::take(&mut consumer.carry) {
            batch.renew(event, consumer);
        }
        consumer.carry.extend(sorted(batch.events));
    }

    fn fill(&self, engine: &Inner, consumer: &mut Consumer) {
        if !self.read_marks(engine, consumer) {
            self.resyncs.fetch_add(1, Ordering::Relaxed);
            consumer.start_anew();
            engine.mark_matching(self);
            // What overflows again meanwhile waits for the next poll.
            if !self.read_marks(engine, consumer) {
                self.overflow();
            }
        }
    }

    /// Turns marks and tombstones into events; `false` if there were more tombstones than were kept, so that nothing is known for certain.
    fn read_marks(&self, engine: &Inner, consumer: &mut Consumer) -> bool {
        if consumer.taken.is_empty() {
            consumer.round = take_round(&engine.revisions, &self.dirty, &mut consumer.taken);
        }
        let mut batch = Fill::new(self, engine);
        batch.events.reserve(consumer.taken.len().min(PORTION));
        for _ in 0..PORTION {
            let Some(slot) = consumer.taken.pop_front() else { break };
            batch.read(slot, consumer);
        }
        crate::failpoint::pause!("poll:read");
        // Before the inbox is looked at: what has come to it by now is not met again, neither there nor in its cell.
        let over = batch.told_for_good(consumer);
        if self.dirty.take_other() {
            let (tombstones, overflow) = {
                let mut inbox = self.inbox.lock();
                (std::mem::take(&mut inbox.tombstones), std::mem::take(&mut inbox.overflow))
            };
            if overflow {
                return false;
            }
            for buried in tombstones.into_values() {
                batch.bury(buried, consumer);
            }
            if let Some(store) = &self.trouble {
                let due = store.lock().take(engine.clock.since_open(), &engine.records);
                batch.events.extend(due.into_iter().map(|trouble| Event::Trouble(Arc::new(trouble))));
            }
        }
        over.iter().for_each(|end| _ = consumer.told.remove(end));
        consumer.carry.extend(sorted(batch.events));
        if consumer.taken.is_empty() {
            consumer.filled_up_to = consumer.round;
        }
        true
    }
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    // The ids, which stand elsewhere, are looked at only where they decide.
    events.sort_by(|one, other| one.revision().cmp(&other.revision()).then_with(|| one.id().cmp(other.id())));
    events
}

/// A call of the subscription: no other runs at the same time.
struct Call<'a> {
    core: &'a Core,
    consumer: Guard<'a, Consumer>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        // With a descriptor the subscription is armed whenever no call runs, and readable if something was left or came meanwhile, the end
        // included: this call may have drained the wake of a close that came after it had entered.
        let core = self.core;
        if core.wake.has_descriptor()
            && (core.dirty.arm() || self.consumer.has_more() || core.closed.load(Ordering::Acquire))
        {
            core.wake.make_readable();
        }
    }
}
