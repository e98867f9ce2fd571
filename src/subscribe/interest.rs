//! Who wants to know: lists that a writer reads, empty for most cells.
//!
//! A list hangs on each cell, and one on the engine for those who want everything. A list is replaced as a whole under the registration
//! lock; a writer borrows it. A subscriber whose filter does not match is in none of the lists a writer looks at, and costs it nothing.
//!
//! A writer publishes its commit and then reads the list; a subscriber puts itself into the list, then reads the word by a read-modify-write,
//! then the state. In the word's order one comes after the other: either the writer finds the subscriber, or the subscriber finds the
//! commit (model `atomic_start`).

use std::sync::Arc;

use crate::model::status::Status;
use crate::subscribe::delivery::Core;
use crate::sync::{ArcCell, AtomicU32, Ordering};

/// What a mark is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// A commit of the cell's own check.
    Own,
    /// A commit of a check bound to this summary.
    Member,
    /// A change of what this summary shows.
    Derived,
}

/// What a mark says of a change, so that those who want only some are not woken for the rest.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The worse of the statuses before and after.
    pub severity: Status,
    /// Whether they differ.
    pub transition: bool,
}

impl Change {
    /// A change that is not known in full: everybody is told.
    pub const UNKNOWN: Self = Self { severity: Status::Critical, transition: true };

    /// A state that begins, or that somebody starts from.
    pub fn start(status: Status) -> Self {
        Self { severity: status, transition: true }
    }
}

/// One entry: a subscription, and what on this cell it wants.
#[derive(Clone)]
pub struct Interest {
    pub(crate) subscription: Arc<Core>,
    pub(crate) class: Class,
}

/// The entries of one cell.
#[derive(Clone, Default)]
pub struct InterestList {
    entries: Vec<Interest>,
}

/// The lists of the engine.
pub struct Board {
    everything: ArcCell<InterestList>,
    trouble: ArcCell<InterestList>,
    /// How many are in `trouble`: those who have none to tell pay one load.
    watchers: AtomicU32,
}

impl Board {
    /// Nobody interested.
    pub fn new() -> Self {
        Self { everything: ArcCell::empty(), trouble: ArcCell::empty(), watchers: AtomicU32::new(0) }
    }

    /// Those who want everything.
    pub fn everything(&self) -> &ArcCell<InterestList> {
        &self.everything
    }

    /// Those who want to hear of trouble.
    pub fn trouble(&self) -> &ArcCell<InterestList> {
        &self.trouble
    }

    /// Whether anybody wants to hear of trouble. One load.
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Acquire) > 0
    }

    /// Adds one who wants to hear of trouble. The caller holds the registration lock.
    pub fn watch(&self, subscription: &Arc<Core>) {
        add(&self.trouble, subscription, Class::Own);
        self.watchers.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes one back that was added. The caller holds the registration lock.
    pub fn unwatch(&self, subscription: &Arc<Core>) {
        self.watchers.fetch_sub(1, Ordering::AcqRel);
        remove(&self.trouble, subscription);
    }

    /// Marks `slot` for those in `list` who want `class`, and for those who want everything if `everybody`; wakes who sleeps.
    pub fn mark(
        &self,
        list: &ArcCell<InterestList>,
        slot: u32,
        change: Change,
        class: Class,
        everybody: bool,
    ) {
        let notify = |entry: &Interest| entry.subscription.notify(slot, change);
        if let Some(list) = list.borrow().as_ref() {
            list.entries.iter().filter(|entry| entry.class == class).for_each(notify);
        }
        if everybody && let Some(list) = self.everything.borrow().as_ref() {
            list.entries.iter().for_each(notify);
        }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds an entry unless it is there. The caller holds the registration lock.
pub fn add(list: &ArcCell<InterestList>, subscription: &Arc<Core>, class: Class) {
    let mut entries = list.load().map_or_else(Vec::new, |list| list.entries.clone());
    if !entries.iter().any(|entry| entry.class == class && Arc::ptr_eq(&entry.subscription, subscription)) {
        entries.push(Interest { subscription: subscription.clone(), class });
        list.store(Some(Arc::new(InterestList { entries })));
    }
}

/// Removes all entries of a subscription: by identity, never by key. The caller holds the registration lock.
pub fn remove(list: &ArcCell<InterestList>, subscription: &Arc<Core>) {
    let Some(present) = list.load() else { return };
    let mut entries = present.entries.clone();
    entries.retain(|entry| !Arc::ptr_eq(&entry.subscription, subscription));
    list.store((!entries.is_empty()).then(|| Arc::new(InterestList { entries })));
}

/// Calls `visit` with each subscription in the list that wants `class`.
pub fn for_each(list: &ArcCell<InterestList>, class: Class, mut visit: impl FnMut(&Arc<Core>)) {
    if let Some(list) = list.load() {
        list.entries.iter().filter(|entry| entry.class == class).for_each(|entry| visit(&entry.subscription));
    }
}
