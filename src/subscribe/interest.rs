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
use crate::sync::{ArcCell, AtomicBool, InFlight, Ordering, Published, SplitCell};

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
pub struct InterestList {
    entries: Vec<Interest>,
    in_flight: InFlight,
}

impl InterestList {
    fn new(entries: Vec<Interest>) -> Option<Arc<Self>> {
        (!entries.is_empty()).then(|| Arc::new(Self { entries, in_flight: InFlight::new() }))
    }

    #[inline(never)]
    fn notify(&self, slot: u32, change: Change, class: Class) {
        self.of(class).for_each(|core| core.notify(slot, change));
    }

    fn of(&self, class: Class) -> impl Iterator<Item = &Arc<Core>> {
        self.entries.iter().filter(move |entry| entry.class == class).map(|entry| &entry.subscription)
    }
}

impl Published for InterestList {
    fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }
}

/// Where a list stands. That of a cell is empty as a rule, and to see that is one load; those of the engine are looked at by all writers, who
/// must not disturb one another.
pub trait Place {
    /// The present list.
    fn list(&self) -> Option<Arc<InterestList>>;
    /// Replaces the list. The caller holds the registration lock.
    fn put(&self, list: Option<Arc<InterestList>>);
}

impl Place for SplitCell<InterestList> {
    fn list(&self) -> Option<Arc<InterestList>> {
        self.load()
    }

    fn put(&self, list: Option<Arc<InterestList>>) {
        self.store(list);
    }
}

/// A list of the engine. Where nobody is in it, a writer pays one load.
pub struct Everybody {
    list: ArcCell<InterestList>,
    present: AtomicBool,
}

impl Everybody {
    /// Whether somebody may be in it. One load.
    pub fn is_present(&self) -> bool {
        // Acquire pairs with the release in `put`: who finds it set finds the list.
        self.present.load(Ordering::Acquire)
    }
}

impl Default for Everybody {
    fn default() -> Self {
        Self { list: ArcCell::empty(), present: AtomicBool::new(false) }
    }
}

impl Place for Everybody {
    fn list(&self) -> Option<Arc<InterestList>> {
        self.list.load()
    }

    fn put(&self, list: Option<Arc<InterestList>>) {
        let present = list.is_some();
        self.list.store(list);
        self.present.store(present, Ordering::Release);
    }
}

/// The lists of the engine.
#[derive(Default)]
pub struct Board {
    /// Those who want everything.
    pub everything: Everybody,
    /// Those who want to hear of trouble.
    pub trouble: Everybody,
}

impl Board {
    /// Nobody interested.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks `slot` for those in `list` who want `class`, and for those who want everything if `everybody`; wakes who sleeps.
    // Always: to find that nobody is interested is all that most writers do here.
    #[inline(always)]
    pub fn mark(
        &self,
        list: &SplitCell<InterestList>,
        slot: u32,
        change: Change,
        class: Class,
        everybody: bool,
    ) {
        if let Some(list) = list.hold() {
            list.notify(slot, change, class);
        }
        if everybody && self.everything.is_present() {
            self.everything.list.borrow().iter().for_each(|list| list.notify(slot, change, Class::Own));
        }
    }
}

/// Adds an entry unless it is there. The caller holds the registration lock.
pub fn add(place: &impl Place, subscription: &Arc<Core>, class: Class) {
    let mut entries = place.list().map_or_else(Vec::new, |list| list.entries.clone());
    if !entries.iter().any(|entry| entry.class == class && Arc::ptr_eq(&entry.subscription, subscription)) {
        entries.push(Interest { subscription: subscription.clone(), class });
        place.put(InterestList::new(entries));
    }
}

/// Removes all entries of a subscription: by identity, never by key. The caller holds the registration lock.
pub fn remove(place: &impl Place, subscription: &Arc<Core>) {
    let Some(present) = place.list() else { return };
    let mut entries = present.entries.clone();
    entries.retain(|entry| !Arc::ptr_eq(&entry.subscription, subscription));
    if entries.len() < present.entries.len() {
        place.put(InterestList::new(entries));
    }
}

/// Calls `visit` with each subscription in the list that wants `class`.
pub fn for_each(place: &impl Place, class: Class, visit: impl FnMut(&Arc<Core>)) {
    if let Some(list) = place.list() {
        list.of(class).for_each(visit);
    }
}
