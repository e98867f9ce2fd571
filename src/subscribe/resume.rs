//! Cursors: where a subscription stands, and how another continues from there.
//!
//! # Positions
//!
//! Positions are drawn from the counter of the revisions. Whoever pays what a commit owes stamps the check's cell with a position that he draws
//! after publishing the commit *and* after all its marks, and settles the word after that (see [`crate::writer::commit`]). So whoever finds the
//! word settled finds the stamp, and everything that was ever to be marked for this check was marked before the stamp was drawn.
//! A position is not the revision of the commit: that is drawn before the commit takes effect, and a writer who is paused in between would
//! hold back everybody's cursor, or be passed by it and never be seen. As it is, a paused writer has no position yet, and holds back nobody.
//!
//! A reader looks at the counter and then takes the marks ([`take_round`]); the number is its cursor when everything it took is delivered. A
//! stamp that is not above the cursor was drawn before that look, so its marks were set before and were taken in this round or an earlier one
//! (`cursor-after-marks`, `stamp-before-mark`). What was not stamped by then gets a greater number later or is not settled. An ordinary
//! load of the counter is enough: it reads from a draw, and through that one from all draws before it; one that lags behind gives an older
//! cursor, which is a cursor too.
//!
//! # Continuing
//!
//! Who resumes publishes its interest and then looks at each check that matches, like one who starts from the whole state
//! ([`crate::subscribe::interest`]); but it marks only those of which the cursor does not say that they were delivered: the word is not settled
//! (`resume-ignores-unsettled`) or behind its snapshot, or the stamp is above the cursor. Which statuses there were since the cursor is not known, so
//! the severity counts only if the check was never in its life as severe as the filter wants. An alias shows what is below it: it is marked if one of the checks below is so, or if a summary below was stamped by a
//! registration, which changes what an alias shows without a commit that is left to be found (`registration-without-stamp`). So something may come again that was delivered;
//! nothing is left out.
//!
//! Of a deregistered check nothing is left in the cell. The engine keeps the last tombstones with the positions drawn after they were put into the
//! inboxes ([`Graves`]); those above the cursor are put into the new inbox, and a cursor that is older than the oldest of them is answered with
//! the whole state (`RESYNC`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::cell::slab::Cell;
use crate::cell::word::flag;
use crate::model::snapshot::Snapshot;
use crate::mutant::mutated;
use crate::subscribe::dirty::DirtySet;
use crate::summary::Summary;
use crate::sync::Ordering;
use crate::writer::commit::Revisions;

/// What a subscription starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The whole state that matches.
    Whole,
    /// The same, because the cursor was another engine's.
    Reset,
    /// This position.
    At(u64),
}

/// Takes all marks out and returns the position up to which everything that was marked is then in `taken`, which must be empty before.
pub fn take_round(revisions: &Revisions, dirty: &DirtySet, taken: &mut VecDeque<u32>) -> u64 {
    let before = revisions.current();
    crate::failpoint::pause!("poll:taking");
    let mut slots = Vec::new();
    dirty.take(usize::MAX, &mut slots);
    *taken = slots.into();
    if mutated!("cursor-after-marks") { revisions.current() } else { before }
}

/// Whether the check in this cell may have changed since the cursor `since`. The caller has published its interest.
pub fn is_changed(cell: &Cell, since: u64) -> bool {
    // Ordered: a commit that is published after this finds the interest.
    let word = cell.status().load_ordered();
    let settled = word.has(flag::SETTLED) || mutated!("resume-ignores-unsettled");
    let behind = cell.snapshot.load().is_some_and(|snapshot| word < snapshot.word());
    !settled || behind || cell.position.load(Ordering::Acquire) > since
}

/// What an alias derives from, looked at once for all aliases.
pub struct Below {
    since: u64,
    known: HashMap<u32, bool>,
}

impl Below {
    /// Nothing was looked at yet.
    pub fn new(since: u64) -> Self {
        Self { since, known: HashMap::new() }
    }

    /// Whether what `summary` shows may have changed since the cursor. The caller holds the registration lock. O(checks below it), once.
    pub fn is_changed(&mut self, summary: &Arc<Summary>) -> bool {
        if let Some(known) = self.known.get(&summary.slot()) {
            return *known;
        }
        let (checks, targets) = {
            let table = summary.table.lock();
            let targets: Vec<_> = table.targets.iter().map(|target| target.summary.clone()).collect();
            (table.checks.clone(), targets)
        };
        let direct = |cell: &Cell| cell.snapshot.load().is_some_and(|check| !check.definition.is_alias());
        let changed = summary.cell().position.load(Ordering::Acquire) > self.since
            || summary.node().is_some_and(|node| self.is_changed(node))
            || targets.iter().any(|target| self.is_changed(target))
            || checks
                .iter()
                .any(|check| direct(check.place.cell) && is_changed(check.place.cell, self.since));
        self.known.insert(summary.slot(), changed);
        changed
    }
}

/// A deregistered check, as the inboxes got it.
pub struct Grave {
    /// Its handle number.
    pub handle: u64,
    /// The cell it lived in.
    pub slot: u32,
    /// Its last state.
    pub tombstone: Arc<Snapshot>,
    position: u64,
}

/// The last deregistrations of an engine, in their order.
#[derive(Default)]
pub struct Graves {
    kept: VecDeque<Grave>,
    /// The position of the last one that is not kept any more.
    forgotten: u64,
}

impl Graves {
    /// Adds a tombstone that all inboxes have; past `most` of them the oldest is forgotten.
    pub fn add(
        &mut self,
        handle: u64,
        slot: u32,
        tombstone: Arc<Snapshot>,
        revisions: &Revisions,
        most: usize,
    ) {
        self.kept.push_back(Grave { handle, slot, tombstone, position: revisions.draw() });
        while self.kept.len() > most {
            self.forgotten = self.kept.pop_front().map_or(self.forgotten, |grave| grave.position);
        }
    }

    /// Those after the cursor `since`, or `None` if one of them is forgotten.
    pub fn after(&self, since: u64) -> Option<impl Iterator<Item = &Grave>> {
        let first = self.kept.partition_point(|grave| grave.position <= since);
        (since >= self.forgotten).then(|| self.kept.range(first..))
    }

    /// Forgets all of them, and with them what they refer to.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}
