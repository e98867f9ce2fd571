//! A mark that returned is found, and whoever sleeps is woken before the mark returns (S1, S9).

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{self, Passing};
use crate::subscribe::delivery::Core;
use crate::subscribe::filter::{Filter, Scope};
use crate::subscribe::interest::Change;
use crate::subscribe::resume::Start;

const FOUND: &str = "mark_take: a mark returned and is not found";
const LOST: &str = "mark_take: a mark was taken from the tree and given to nobody";
const WOKEN: &str = "mark_take: a mark returned and the sleeper was not woken";
const OVERTAKEN: &str = "mark_take: a mark was found and what was put into the inbox before it was not";
const LEAF: &str = "mark_take: a leaf is marked and its mark is not found";
const EDGE: &str = "mark_take: the reader went to sleep over a mark";

const CHANGE: Change = Change::UNKNOWN;

const MARKS: Model = Model { name: "mark_mark", run: marks };
const TAKE: Model = Model { name: "mark_take", run: |_, roles| take(roles, 70) };
const TAKE_NODE: Model = Model { name: "mark_take_node", run: |_, roles| take(roles, 5_000) };
const WAKE: Model = Model { name: "mark_wake", run: wake };
const PORTIONS: Model = Model { name: "mark_portions", run: portions };
const INBOX: Model = Model { name: "mark_inbox", run: inbox };
const SLEEP: Model = Model { name: "mark_sleep", run: sleep };

/// A subscription to everything.
pub fn subscription() -> Arc<Core> {
    subscription_at_least(Passing)
}

pub fn subscription_at_least(least: Status) -> Arc<Core> {
    Arc::new(Core::new(Filter { scope: Scope::All, least, transitions_only: false }, 16, Start::Whole))
}

fn taken(core: &Core) -> Vec<u32> {
    let mut taken = Vec::new();
    core.dirty.take(usize::MAX, &mut taken);
    taken
}

/// Two writers mark the same cell; one of them goes on to be the reader.
fn marks(_: &'static World, roles: Roles) {
    let core = subscription();
    let (one, other) = (core.clone(), core.clone());
    let read = move || {
        other.notify(5, CHANGE);
        let found = taken(&other);
        assert!(found.contains(&5), "{FOUND}");
    };
    roles.run(move || one.notify(5, CHANGE), read);
    drop(core);
}

/// A writer marks a cell beside one that is marked already, in another leaf or another node, while the reader takes.
fn take(roles: Roles, slot: u32) {
    let core = subscription();
    core.notify(5, CHANGE);
    let (writer, reader) = (core.clone(), core.clone());
    let (_, mut found) = roles.run(move || writer.notify(slot, CHANGE), move || taken(&reader));
    found.extend(taken(&core));
    found.sort_unstable();
    assert_eq!(found, [5, slot], "{LOST}");
}

/// Two writers mark while the reader sleeps.
fn wake(_: &'static World, roles: Roles) {
    let core = subscription();
    let asleep = core.wake.count();
    assert!(!core.dirty.arm());
    let mark = |slot| {
        let core = core.clone();
        move || {
            core.notify(slot, CHANGE);
            assert_ne!(core.wake.count(), asleep, "{WOKEN}");
        }
    };
    roles.run(mark(5), mark(6));
    let mut found = taken(&core);
    found.sort_unstable();
    assert_eq!(found, [5, 6], "{FOUND}");
}

/// A writer marks while the reader takes what there is and goes to sleep.
fn sleep(_: &'static World, roles: Roles) {
    let core = subscription();
    let (writer, reader) = (core.clone(), core.clone());
    let read = move || {
        let seen = reader.wake.count();
        let found = taken(&reader);
        let asleep = !reader.dirty.arm();
        (seen, found, asleep)
    };
    let (_, (seen, found, asleep)) = roles.run(move || writer.notify(5, CHANGE), read);
    if found.is_empty() {
        assert!(!asleep || core.wake.count() != seen, "{EDGE}");
        assert_eq!(taken(&core), [5], "{FOUND}");
    }
}

/// The reader takes in portions while a writer marks: what is put back is not lost.
fn portions(_: &'static World, roles: Roles) {
    // Two leaves of one node, another node, another branch.
    const MARKED: [u32; 4] = [5, 70, 5_000, 300_000];
    let core = subscription();
    for slot in MARKED {
        core.notify(slot, CHANGE);
    }
    let (writer, reader) = (core.clone(), core.clone());
    let read = move || {
        let mut found = Vec::new();
        reader.dirty.take(1, &mut found);
        assert!(found.len() < MARKED.len(), "mark_take: a portion is everything");
        found
    };
    let (_, mut found) = roles.run(move || writer.notify(71, CHANGE), read);
    while core.dirty.is_pending() {
        core.dirty.take(found.len() + 1, &mut found);
    }
    found.sort_unstable();
    assert_eq!(found, [5, 70, 71, 5_000, 300_000], "{LOST}");
}

/// A tombstone is put into the inbox, then the cell's next life is marked: who finds the mark finds the tombstone.
fn inbox(_: &'static World, roles: Roles) {
    let core = subscription();
    let (writer, reader) = (core.clone(), core.clone());
    let tombstone = Arc::new(AtomicU32::new(0));
    let put = tombstone.clone();
    let write = move || {
        put.store(1, Ordering::Relaxed);
        let _ = writer.dirty.mark_other();
        writer.notify(5, CHANGE);
    };
    let read = move || {
        let found = taken(&reader);
        let noted = reader.dirty.take_other();
        assert!(noted || found.is_empty(), "{OVERTAKEN}");
        assert!(!noted || tombstone.load(Ordering::Relaxed) == 1, "{OVERTAKEN}");
        // As who tells the tombstone does, to know whether a mark of the cell is still to be read.
        (found, noted, noted && reader.dirty.is_marked(5))
    };
    let (_, (mut found, noted, marked)) = roles.run(write, read);
    assert!(noted != core.dirty.take_other(), "{LOST}");
    let later = taken(&core);
    assert!(!marked || later == [5], "{LEAF}");
    found.extend(later);
    assert_eq!(found, [5], "{LOST}");
}

models! {
    two_marks: MARKS,
        mark_stops_at_leaf "mark-stops-at-leaf" FOUND;
    a_mark_and_a_take: TAKE,
        take_leaf_first "take-leaf-first" LOST;
    a_mark_in_another_node_and_a_take: TAKE_NODE,
        take_node_load_then_store "take-node-load-then-store" LOST;
    a_portion: PORTIONS,
        take_leaf_first_of_a_portion "take-leaf-first" LOST;
    a_tombstone_and_a_mark: INBOX,
        note_load_then_store "note-load-then-store" LOST;
    a_sleeper: WAKE,
        wake_by_setter_only "wake-by-setter-only" WOKEN;
    falling_asleep: SLEEP,
        arm_after_look "arm-after-look" EDGE;
}
