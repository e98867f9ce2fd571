//! Summaries: the derived word of a service id, and how a change climbs to every alias before the write returns.
//!
//! # Double refresh
//!
//! A summary is the root of an f-array (P. Jayanti, *f-arrays: implementation and applications*, PODC 2002). A writer publishes its own
//! word and then, until one swap succeeds or two are lost: loads the summary, reads the inputs, swaps in the result with the version raised. If both swaps fail, the
//! second one that got in between was computed by somebody who loaded the summary, and therefore read the inputs, after this writer's
//! publication: it has covered it. Three things are needed for that, and each has a mutant that the models kill:
//!
//! * the *load is a read-modify-write*, so that it takes its place in the word's modification order: a refresh whose load comes after
//!   another's sees everything that the other published before it (`refresh-plain-load`);
//! * the version rises *even when the status stays*: otherwise a writer that finds "its" status already there leaves a stale refresh
//!   alive that was computed before its publication (`refresh-skip-if-equal`);
//! * it is tried *twice*: one failed swap may have been won by such a stale refresh (`refresh-once`). Only swaps lost to a refresh count: one that
//!   merely takes the peak away (below) has read no input and covers nothing (`refresh-counts-settle`).
//!
//! What stands above follows by [`walk`].
//!
//! A refresh is wait-free: at most four rounds (two lost to refreshes, and one to a settled word beside each) of O(inputs / 32 + 32) loads and one
//! swap.

pub mod list;
pub mod members;
pub mod view;
pub mod walk;
pub mod word;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cell::slab::{Arena, Cell, Place};
use crate::failpoint::pause;
use crate::model::definition::ServiceSpec;
use crate::model::snapshot::Snapshot;
use crate::model::status::Status;
use crate::mutant::mutated;
use crate::subscribe::interest::{Board, Change, Class};
use crate::summary::list::ArcList;
use crate::summary::members::{Input, Members};
use crate::summary::word::SummaryWord;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex, Ordering};
use crate::writer::commit::Revisions;

/// A summary that has this one among its inputs, and at which place.
pub struct Edge {
    /// The summary above.
    pub above: Arc<Summary>,
    /// Where this one is entered in it; `None` for the node, which every summary reads by itself.
    pub place: Option<u32>,
}

/// The summary of one service id, or of the node.
pub struct Summary {
    id: Arc<str>,
    place: Place,
    /// The node's summary, an input of every service's; `None` for the node itself.
    node: Option<Arc<Summary>>,
    registered: AtomicBool,
    /// The words this summary is the worst of.
    pub members: Members,
    /// The summaries that have this one among their inputs.
    pub above: ArcList<Edge>,
    /// How many aliases mirror this summary: without one, nobody who subscribed to everything need look here.
    pub mirrors: AtomicU32,
    /// How often the shown status changed; at most one behind the word, which has the low bits.
    changes: AtomicU64,
    /// What the registrations know; the writers' path never takes this lock.
    pub table: Mutex<Table>,
    arena: Arc<Arena>,
}

/// What is registered at a summary.
#[derive(Default)]
pub struct Table {
    /// How often this was changed.
    pub changes: u64,
    /// The registered service.
    pub service: Option<Arc<Service>>,
    /// The checks and aliases bound here that count.
    pub checks: Vec<Bound>,
    /// The aliases bound here that count toward nothing, by their cells: those of the node. Apart, so that no text looks at them.
    pub bystanders: BTreeMap<u32, Bound>,
    /// The aliases that mirror this summary, by their cells.
    pub aliases: BTreeMap<u32, Bound>,
    /// The summaries that aliases bound here mirror.
    pub targets: Vec<Target>,
    /// Sum of the versions of the inputs that have left: keeps the epoch rising.
    pub retired: u64,
    /// Subscriptions that refer to this summary.
    pub subscribers: u32,
    /// What removes this summary from the node's `above`.
    pub node_edge: u32,
    /// Places in `members` that are free again.
    pub free_places: Vec<u32>,
    /// The next place never used.
    pub next_place: u32,
}

/// A registered service.
pub struct Service {
    /// Its definition.
    pub spec: ServiceSpec,
    /// The cell its handle refers to.
    pub place: Place,
    /// The life of that cell.
    pub life: u16,
    /// The revision of its registration.
    pub incarnation: u64,
}

/// A check or alias in one of its lives.
#[derive(Clone, Copy)]
pub struct Bound {
    /// Its cell.
    pub place: Place,
    /// Its life there.
    pub life: u16,
}

/// A mirrored summary and how many aliases bound here mirror it.
pub struct Target {
    /// The summary.
    pub summary: Arc<Summary>,
    /// How many aliases need it.
    pub aliases: u32,
    /// Where it is entered in `members`.
    pub place: u32,
    /// What removes the edge from the target's `above`.
    pub edge: u32,
}

impl Table {
    /// Everything bound here.
    pub fn bound(&self) -> Vec<Bound> {
        self.checks.iter().chain(self.bystanders.values()).copied().collect()
    }

    /// A place for one more input.
    pub fn take_place(&mut self) -> u32 {
        self.free_places.pop().unwrap_or_else(|| {
            self.next_place += 1;
            self.next_place - 1
        })
    }
}

impl Summary {
    /// A summary that nothing is registered at. It shows critical, but the node's shows passing: the node is always there.
    pub fn new(
        id: Arc<str>,
        node: Option<Arc<Summary>>,
        arena: Arc<Arena>,
    ) -> Result<Arc<Self>, crate::Error> {
        let place = arena.allocate()?;
        let registered = node.is_none();
        let summary = Arc::new(Self {
            id,
            place,
            node,
            registered: AtomicBool::new(registered),
            members: Members::new(),
            above: ArcList::new(),
            mirrors: AtomicU32::new(0),
            // Of a cell that was used before, the low bits go on.
            changes: AtomicU64::new(SummaryWord(place.cell.word.load(Ordering::Acquire)).changes_low()),
            table: Mutex::new(Table::default()),
            arena,
        });
        summary.refresh();
        let word = summary.word();
        summary.settle(word);
        Ok(summary)
    }

    /// The service's id, or `None` for the node.
    pub fn service_id(&self) -> Option<&str> {
        self.node.as_ref().map(|_| &*self.id)
    }

    /// The id as events and views carry it; empty for the node.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The cell in which the word stands.
    pub fn cell(&self) -> &'static Cell {
        self.place.cell
    }

    /// The number of that cell.
    pub fn slot(&self) -> u32 {
        self.place.slot
    }

    /// The node's summary, unless this is it.
    pub fn node(&self) -> Option<&Arc<Summary>> {
        self.node.as_ref()
    }

    /// The word. One load, wait-free.
    // Acquire pairs with the swap in `refresh`.
    pub fn word(&self) -> SummaryWord {
        SummaryWord(self.place.cell.word.load(Ordering::Acquire))
    }

    /// The word, loaded by a read-modify-write (see the module's text).
    pub fn word_ordered(&self) -> SummaryWord {
        if mutated!("refresh-plain-load") {
            return SummaryWord(self.place.cell.word.load(Ordering::Relaxed));
        }
        if mutated!("refresh-acquire-load") {
            return self.word();
        }
        SummaryWord(self.place.cell.word.fetch_or(0, Ordering::AcqRel))
    }

    /// How often the shown status has changed.
    pub fn changes(&self) -> u64 {
        loop {
            let word = self.word();
            let counted = self.changes.load(Ordering::Acquire);
            if self.word() == word {
                return counted + u64::from(counted & 3 != word.changes_low());
            }
        }
    }

    /// What the inputs say at this moment, in the next version of `before`.
    fn evaluate(&self, before: SummaryWord) -> SummaryWord {
        let own = self.members.worst().unwrap_or(Status::Passing);
        let registered = self.registered.load(Ordering::Acquire);
        let shown = match &self.node {
            _ if !registered => Status::Critical,
            Some(node) => own.max(node.word().shown()),
            None => own,
        };
        before.refreshed(shown, own, registered)
    }

    /// Double refresh: when it returns, the word covers every input published before it was called. Returns a word that does, as an access of this call's
    /// own to it has found or left it: what others do to the word comes before or after that.
    pub fn refresh(&self) -> SummaryWord {
        let mut lost = 0;
        while lost < if mutated!("refresh-once") { 1 } else { 2 } {
            let before = self.word_ordered();
            pause!("refresh:loaded");
            // The counter may lag by one; it is brought up before it could lag by two. It is compared with a word that stood before and
            // after it was read: with one that was overtaken meanwhile it would be raised beyond the word.
            let counted = self.changes.load(Ordering::Acquire);
            let overtaken = || self.word() != before && !mutated!("count-when-overtaken");
            if counted & 3 != before.changes_low() && !overtaken() {
                self.changes.fetch_max(counted + 1, Ordering::AcqRel);
            }
            let after = self.evaluate(before);
            pause!("refresh:evaluated");
            if mutated!("refresh-skip-if-equal")
                && after.shown() == before.shown()
                && after.own() == before.own()
            {
                return self.word_ordered();
            }
            // AcqRel: release what was read to the readers of the word; acquire so that the next in order has seen it too. On failure
            // nothing is read.
            let cell = self.place.cell;
            if mutated!("refresh-relaxed-swap") {
                let _ = cell.word.compare_exchange(before.0, after.0, Ordering::Relaxed, Ordering::Relaxed);
                return self.word_ordered();
            }
            match cell.word.compare_exchange(before.0, after.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return after,
                // A settled word was swapped by somebody who has read no input: it covers nothing, and the round does not count. It
                // happens once at most between two refreshes.
                Err(found) if found == before.carried_on().0 && !mutated!("refresh-counts-settle") => {}
                Err(_) => lost += 1,
            }
        }
        self.word_ordered()
    }

    /// Marks the changes up to `word` as carried on, if it still stands or one that shows no change since: a refresh that walks nowhere, like that of a
    /// reader who helps, must not leave them to others for good. Wait-free: four attempts at most.
    fn settle(&self, word: SummaryWord) {
        let mut standing = word;
        while standing.peak().is_some() && standing.shows_no_change_since(word) {
            let settled = standing.carried_on().0;
            match self.place.cell.word.compare_exchange(
                standing.0,
                settled,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(_) if mutated!("settle-gives-up") => return,
                Err(found) => standing = SummaryWord(found),
            }
        }
    }

    /// Says whether the service is registered. The caller holds the registration lock and walks afterwards.
    pub fn set_registered(&self, registered: bool) {
        self.registered.store(registered, Ordering::Release);
    }

    /// Enters `target` among the inputs, at `place`, and this summary above it; returns what removes the edge. The caller holds the
    /// registration lock and walks afterwards.
    pub fn enter(self: &Arc<Self>, target: &Summary, place: u32) -> u32 {
        let edge = target.above.insert(Arc::new(Edge { above: self.clone(), place: Some(place) }));
        self.members.set(place, Input::Summary(target.cell()));
        // A writer that has changed the target either finds the edge or comes before this in the word's order: then the walk that follows
        // sees its change.
        if !mutated!("enter-unordered") {
            target.word_ordered();
        }
        edge
    }

    fn mark(&self, word: SummaryWord, board: &Board) {
        // Without a peak the shown status stays as it was, and whatever changed it before was carried on and marked by somebody else.
        let severity = word.peak().unwrap_or(Status::Passing).max(word.shown());
        let change = Change { severity, transition: word.peak().is_some() };
        let everybody = self.mirrors.load(Ordering::Acquire) > 0;
        board.mark(&self.place.cell.interest, self.place.slot, change, Class::Derived, everybody);
    }

    /// Brings the inputs' words up to what `snapshots` say and the summary up to its inputs, as the writers of those snapshots will.
    pub(crate) fn help<'a>(&self, snapshots: impl Iterator<Item = (&'a Cell, &'a Snapshot)>) {
        for (cell, snapshot) in snapshots {
            cell.status().raise(snapshot.word());
        }
        self.members.refresh_all_blocks();
        self.refresh();
    }

    /// Whether an alias bound here is an input of this summary. The node's has its direct checks alone.
    pub fn counts_aliases(&self) -> bool {
        self.node.is_some()
    }

    /// Changes the table; readers that collect meanwhile start again.
    pub fn change<R>(&self, change: impl FnOnce(&mut Table) -> R) -> R {
        let mut table = self.table.lock();
        table.changes += 1;
        change(&mut table)
    }

    /// Stamps the summary for those who resume from a cursor: what it derives from has changed otherwise than by a commit of a check that it still
    /// derives from. Under the registration lock, after everything was marked.
    pub(crate) fn stamp(&self, revisions: &Revisions) {
        if mutated!("registration-without-stamp") {
            return;
        }
        self.place.cell.position.fetch_max(revisions.draw(), Ordering::AcqRel);
    }

    /// Makes the word wrong without raising its version: what the audit must find. For tests only.
    #[cfg(feature = "failpoints")]
    pub fn corrupt(&self) {
        self.place.cell.word.fetch_xor(2 << crate::cell::word::STATUS_SHIFT, Ordering::AcqRel);
    }
}

impl Drop for Summary {
    fn drop(&mut self) {
        self.arena.release(self.place);
    }
}
