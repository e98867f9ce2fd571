//! A mark that returned is found, and whoever sleeps is woken before the mark returns (S1, S9).

use std::sync::Arc;

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::Passing;
use crate::subscribe::delivery::Core;
use crate::subscribe::filter::{Filter, Scope};
use crate::subscribe::interest::Change;
use crate::subscribe::resume::Start;

const FOUND: &str = "mark_take: a mark returned and is not found";
const LOST: &str = "mark_take: a mark was taken from the tree and given to nobody";
const WOKEN: &str = "mark_take: a mark returned and the sleeper was not woken";
const EDGE: &str = "mark_take: the reader went to sleep over a mark";

const CHANGE: Change = Change::UNKNOWN;

const MARKS: Model = Model { name: "mark_mark", run: marks };
const TAKE: Model = Model { name: "mark_take", run: take };
const WAKE: Model = Model { name: "mark_wake", run: wake };
const SLEEP: Model = Model { name: "mark_sleep", run: sleep };

/// A subscription to everything.
pub fn subscription() -> Arc<Core> {
    Arc::new(Core::new(
        Filter { scope: Scope::All, least: Passing, transitions_only: false },
        16,
        Start::Whole,
    ))
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

/// A writer marks a cell beside one that is marked already, while the reader takes.
fn take(_: &'static World, roles: Roles) {
    let core = subscription();
    core.notify(5, CHANGE);
    let (writer, reader) = (core.clone(), core.clone());
    let (_, mut found) = roles.run(move || writer.notify(70, CHANGE), move || taken(&reader));
    found.extend(taken(&core));
    found.sort_unstable();
    assert_eq!(found, [5, 70], "{LOST}");
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

models! {
    two_marks: MARKS,
        mark_stops_at_leaf "mark-stops-at-leaf" FOUND;
    a_mark_and_a_take: TAKE,
        take_leaf_first "take-leaf-first" LOST;
    a_sleeper: WAKE,
        wake_by_setter_only "wake-by-setter-only" WOKEN;
    falling_asleep: SLEEP,
        arm_after_look "arm-after-look" EDGE;
}
