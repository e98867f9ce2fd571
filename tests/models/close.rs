//! A writer that stands between its commit and its publication cannot bring a check back that was ended meanwhile (B1, W3).

use super::world::World;
use super::{Model, Roles, models};
use crate::cell::slab::end_life;
use crate::model::status::Status::{Critical, Passing};

const ENDED: &str = "close: a word lives again after the engine was closed";
const LATER: &str = "close: the word is behind a write that returned";
const NEXT: &str = "close: the cell's next life shows something of the one that was ended";

const CLOSE: Model = Model { name: "close", run: close };

/// An engine is closed while one of its checks is written; then the cell begins a life for another.
fn close(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Passing);
    let cell = check.place.cell;
    let write = move || {
        let committed = world.report(check, Critical);
        assert!(cell.status().load() >= committed.after.word(), "{LATER}");
    };
    let end = move || {
        end_life(cell);
        assert_eq!(cell.status().load().status_in(check.life), None, "{ENDED}");
    };
    roles.run(write, end);
    assert_eq!(cell.status().load().status_in(check.life), None, "{ENDED}");
    let next = world.register(check.place, &home, None, Passing);
    assert_ne!(next.life, check.life, "{NEXT}");
    assert_eq!(cell.status().load().status_in(next.life), Some(Passing), "{NEXT}");
    assert_eq!(cell.status().load().status_in(check.life), None, "{NEXT}");
}

models! {
    a_parked_writer: CLOSE,
        close_zeroes_word "close-zeroes-word" ENDED;
}
