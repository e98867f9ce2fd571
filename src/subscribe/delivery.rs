//! From marks to events: in order, each state once, in bounded memory.
//!
//! A mark says only that a cell changed. The reader loads what stands there now and compares it with what it delivered last for this cell, so
//! that per check (incarnation, version, epoch) rises strictly and changes that came in between are merged. Memory is a mark and an
//! entry for each check that matches, however often it changes.
//!
//! Deregistrations cannot be left to the cell, which may have been given to another check by then. Each subscription has an inbox of
//! tombstones keyed by id (one that still stands in its cell is told from there, before the inbox has it); past its limit the inbox is emptied and the whole state delivered anew (`RESYNC`), after which absence means
//! deregistered. The cells are read *before* the inbox: a state found there was committed after the tombstone of its predecessor was put
//! into the inbox, so the tombstone is in the same batch and sorts before it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::Inner;
use crate::model::error::{Error, ErrorKind};
use crate::model::event::{Batch, Cursor, Event, SummaryState};
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::subscribe::dirty::DirtySet;
use crate::subscribe::filter::Filter;
use crate::subscribe::wake::Wake;
use crate::summary::view::{View, collect};
use crate::summary::{Bound, Service, Summary};
use crate::sync::{AtomicBool, AtomicU64, Guard, Mutex, Ordering};

/// Leaves are taken until this many cells are at hand, even if fewer events are wanted: sorting needs some to sort.
const TAKE: usize = 256;

/// A subscription as writers and registrations know it.
pub(crate) struct Core {
    pub filter: Filter,
    pub dirty: DirtySet,
    pub wake: Wake,
    closed: AtomicBool,
    inbox: Mutex<Inbox>,
    most_pending: usize,
    consumer: Mutex<Consumer>,
    /// Cells whose list this subscription is in; kept by the registrations.
    pub attached: Mutex<HashMap<u32, &'static crate::cell::slab::Cell>>,
    resyncs: AtomicU64,
    spurious: AtomicU64,
}

#[derive(Default)]
struct Inbox {
    tombstones: HashMap<Arc<str>, Buried>,
    overflow: bool,
}

/// The last tombstone of an id, and what must not be forgotten of those before it that nobody has taken: the first of them may be the end of
/// what the subscriber knows, and any of them may have matched.
struct Buried {
    handle: u64,
    slot: u32,
    tombstone: Arc<Snapshot>,
    first: (u32, u64),
    worst: Status,
}

/// What the reader remembers.
#[derive(Default)]
struct Consumer {
    delivered: HashMap<u32, Delivered>,
    /// Aliases that were marked and found deregistered, until their tombstones come.
    ended: HashSet<u32>,
    /// Checks whose tombstones were read from their cells, until the same come from the inbox.
    told: HashMap<u32, u64>,
    summary: Option<Arc<SummaryState>>,
    carry: VecDeque<Event>,
    resync: bool,
    woken: bool,
    filled_up_to: u64,
    position: u64,
}

/// The last state delivered for a cell; of an alias the whole of it, to tell whether its text changed.
struct Delivered {
    incarnation: u64,
    version: u64,
    epoch: u64,
    alias: Option<Arc<Snapshot>>,
}

impl Core {
    pub fn new(filter: Filter, most_pending: usize) -> Self {
        Self {
            filter,
            dirty: DirtySet::new(),
            wake: Wake::new(),
            closed: AtomicBool::new(false),
            inbox: Mutex::new(Inbox::default()),
            most_pending,
            consumer: Mutex::new(Consumer::default()),
            attached: Mutex::new(HashMap::new()),
            resyncs: AtomicU64::new(0),
            spurious: AtomicU64::new(0),
        }
    }

    /// A commit on the cell `slot` with this severity: marks and wakes if it matches. Lock-free.
    pub fn notify(&self, slot: u32, severity: Status) {
        if severity >= self.filter.least && self.dirty.mark(slot) {
            crate::failpoint::pause!("mark:wake");
            self.wake.wake();
        }
    }

    /// Puts a tombstone into the inbox. Called by deregistrations, under the registration lock.
    pub fn bury(&self, handle: u64, slot: u32, tombstone: &Arc<Snapshot>) {
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
            worst: earlier.map_or(tombstone.status, |earlier| earlier.worst.max(tombstone.status)),
        };
        inbox.tombstones.insert(tombstone.definition.id.clone(), buried);
        if inbox.tombstones.len() > self.most_pending {
            inbox.tombstones.clear();
            inbox.overflow = true;
        }
        drop(inbox);
        if self.dirty.mark_other() {
            self.wake.wake();
        }
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
        let consumer = &mut *call.consumer;
        if consumer.carry.is_empty() {
            self.fill(engine, consumer);
            // What was read while the engine was being closed is not what anybody reported.
            engine.check_open()?;
        }
        let mut events = Vec::new();
        while let Some(event) = consumer.carry.pop_front() {
            if !accept(&event) {
                consumer.carry.push_front(event);
                break;
            }
            events.push(event);
        }
        if std::mem::take(&mut consumer.woken) && events.is_empty() && consumer.carry.is_empty() {
            self.spurious.fetch_add(1, Ordering::Relaxed);
        }
        if consumer.carry.is_empty() {
            consumer.position = consumer.filled_up_to;
        }
        // The mark of a resync goes out with the first batch that carries something, or that says that nothing matches.
        let refused_all = events.is_empty() && !consumer.carry.is_empty();
        let resync = !refused_all && std::mem::take(&mut consumer.resync);
        Ok(Batch {
            events,
            resync,
            more: !consumer.carry.is_empty() || self.dirty.is_pending(),
            cursor: Cursor { engine_id: engine.id, position: consumer.position },
        })
    }

    /// Waits until something is pending. Blocking.
    pub fn wait(&self, engine: &Inner, deadline: Option<Instant>) -> Result<(), Error> {
        let call = self.enter()?;
        if !call.consumer.carry.is_empty() {
            return Ok(());
        }
        loop {
            let seen = self.wake.count();
            crate::failpoint::pause!("wait:looking");
            let pending = self.dirty.arm();
            if pending || self.closed.load(Ordering::Acquire) {
                break;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.dirty.disarm();
                return Err(Error::text(
                    ErrorKind::Timeout,
                    "the time is up and nothing that matches has changed",
                ));
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

    fn fill(&self, engine: &Inner, consumer: &mut Consumer) {
        if !self.read_marks(engine, consumer) {
            self.resyncs.fetch_add(1, Ordering::Relaxed);
            consumer.delivered.clear();
            consumer.ended.clear();
            consumer.told.clear();
            consumer.summary = None;
            consumer.resync = true;
            engine.mark_matching(self);
            // What overflows again meanwhile waits for the next poll.
            if !self.read_marks(engine, consumer) {
                self.inbox.lock().overflow = true;
                let _ = self.dirty.mark_other();
            }
        }
    }

    /// Turns marks and tombstones into events; `false` if there were more tombstones than were kept, so that nothing is known for certain.
    fn read_marks(&self, engine: &Inner, consumer: &mut Consumer) -> bool {
        let up_to = engine.revisions.current();
        let mut slots = Vec::new();
        self.dirty.take(TAKE, &mut slots);
        let mut batch =
            Fill { core: self, engine, views: HashMap::new(), begun: Vec::new(), events: Vec::new() };
        for slot in slots {
            batch.read(slot, consumer);
        }
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
        }
        let mut events = batch.events;
        events.sort_by(|one, other| (one.revision(), one.id()).cmp(&(other.revision(), other.id())));
        consumer.carry.extend(events);
        if !self.dirty.is_pending() {
            consumer.filled_up_to = up_to;
        }
        true
    }
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
            && (core.dirty.arm() || !self.consumer.carry.is_empty() || core.closed.load(Ordering::Acquire))
        {
            core.wake.make_readable();
        }
    }
}

/// One round of reading.
struct Fill<'a> {
    core: &'a Core,
    engine: &'a Inner,
    /// By slot; the summary is held, so that its cell is not given to another while the view is in use.
    views: HashMap<u32, (Arc<Summary>, View)>,
    /// Cells in which a life was met that nothing was delivered of before: what was marked there may have been its predecessor.
    begun: Vec<u32>,
    events: Vec<Event>,
}

impl Fill<'_> {
    fn read(&mut self, slot: u32, consumer: &mut Consumer) {
        let Some(cell) = self.engine.cell(slot) else { return };
        let summary = cell.summary.load().filter(|summary| summary.slot() == slot);
        if let Some(summary) = summary {
            return self.expand(&summary, consumer);
        }
        let Some(snapshot) = cell.snapshot.load() else { return };
        cell.status().raise(snapshot.word());
        if !self.core.filter.takes_in(slot, snapshot.life, &snapshot.definition) {
            return;
        }
        if snapshot.gone {
            self.end(slot, snapshot, consumer);
        } else {
            self.state(slot, snapshot, consumer);
        }
    }

    /// What was marked matched and is merged into the tombstone. That may still be on its way to the inbox while the write that was marked has
    /// returned, so it is told at once; an alias's, which is derived, comes from the inbox alone.
    fn end(&mut self, slot: u32, tombstone: Arc<Snapshot>, consumer: &mut Consumer) {
        let incarnation = tombstone.incarnation;
        if tombstone.definition.is_alias() {
            consumer.ended.insert(slot);
        } else if consumer.told.get(&slot) != Some(&incarnation) {
            let handle = self.engine.check_handle(slot, tombstone.life);
            let (first, worst) = ((slot, incarnation), Status::Critical);
            self.bury(Buried { handle, slot, tombstone, first, worst }, consumer);
            consumer.told.insert(slot, incarnation);
        }
    }

    /// A mark on a summary stands for the summary itself and for every alias of it that matches.
    fn expand(&mut self, summary: &Arc<Summary>, consumer: &mut Consumer) {
        if self.core.filter.summary().is_some_and(|wanted| Arc::ptr_eq(wanted, summary)) {
            let view = self.view(summary);
            let state = Arc::new(view.state.clone());
            let registered = view.service.clone();
            let told = |last: &SummaryState| {
                (last.status, last.own, last.registered, &last.output)
                    == (state.status, state.own, state.registered, &state.output)
            };
            if !consumer.summary.as_deref().is_some_and(told) {
                consumer.summary = Some(state.clone());
                let handle =
                    |service: Arc<Service>| self.engine.service_handle(service.place.slot, service.life);
                self.events.push(Event::Summary { service: registered.map_or(0, handle), state });
            }
        }
        let aliases: Vec<Bound> = summary.table.lock().aliases.clone();
        for Bound { place, life } in aliases {
            let Some(snapshot) = place.cell.snapshot.load() else { continue };
            if snapshot.life == life
                && !snapshot.gone
                && self.core.filter.takes_in(place.slot, life, &snapshot.definition)
            {
                self.state(place.slot, snapshot, consumer);
            }
        }
    }

    fn view(&mut self, summary: &Arc<Summary>) -> &View {
        let most = self.engine.limits.max_output;
        &self.views.entry(summary.slot()).or_insert_with(|| (summary.clone(), collect(summary, most))).1
    }

    fn state(&mut self, slot: u32, snapshot: Arc<Snapshot>, consumer: &mut Consumer) {
        let snapshot = match &snapshot.definition.target {
            Some(target) => Arc::new(self.view(target).derive(&snapshot)),
            None => snapshot,
        };
        if let Some(last) = consumer.delivered.get(&slot) {
            if last.incarnation > snapshot.incarnation {
                return;
            }
            if last.incarnation == snapshot.incarnation {
                let newer = (snapshot.version, snapshot.epoch) > (last.version, last.epoch);
                let told = |alias: &Arc<Snapshot>| {
                    alias.status == snapshot.status
                        && alias.output == snapshot.output
                        && Arc::ptr_eq(&alias.definition, &snapshot.definition)
                };
                if !newer || last.alias.as_ref().is_some_and(told) {
                    return;
                }
            }
        }
        if consumer.delivered.get(&slot).is_none_or(|last| last.incarnation < snapshot.incarnation) {
            self.begun.push(slot);
            // The mark may be of the cell's former life; a status that never changed tells what this one has reached.
            let unchanged = snapshot.transitions == 0 && !snapshot.definition.is_alias();
            if unchanged && snapshot.status < self.core.filter.least {
                return;
            }
        }
        let delivered = Delivered {
            incarnation: snapshot.incarnation,
            version: snapshot.version,
            epoch: snapshot.epoch,
            alias: snapshot.definition.is_alias().then(|| snapshot.clone()),
        };
        consumer.delivered.insert(slot, delivered);
        self.events.push(Event::State { check: self.engine.check_handle(slot, snapshot.life), snapshot });
    }

    fn bury(&mut self, buried: Buried, consumer: &mut Consumer) {
        let Buried { handle, slot, tombstone, first, worst } = buried;
        if consumer.told.get(&slot) == Some(&tombstone.incarnation) {
            consumer.told.remove(&slot);
            return;
        }
        let mut told = worst >= self.core.filter.least;
        let mut last = None;
        for (slot, incarnation) in [first, (slot, tombstone.incarnation)] {
            if consumer.delivered.get(&slot).is_some_and(|last| last.incarnation == incarnation) {
                last = consumer.delivered.remove(&slot);
                told = true;
            }
            told |= consumer.ended.remove(&slot) | self.begun.contains(&slot);
        }
        if !told {
            return;
        }
        let tombstone = match last {
            Some(last) if tombstone.definition.is_alias() && last.incarnation == tombstone.incarnation => {
                // An alias's state may have been derived after the tombstone was committed, from something newer: nothing of it may come
                // after the end.
                self.events.retain(|event| !matches!(event, Event::State { check, .. } if *check == handle));
                let version = tombstone.version.max(last.version) + 1;
                Arc::new(Snapshot { version, ..(*tombstone).clone() })
            }
            _ => tombstone,
        };
        self.events.push(Event::Tombstone { check: handle, snapshot: tombstone });
    }
}
