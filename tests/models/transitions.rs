//! Who wants transitions alone is passed over by other commits, but never by one that returns after a transition nobody was told of (S4).

use std::sync::Arc;

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing};
use crate::subscribe::delivery::Core;
use crate::subscribe::filter::{Filter, Scope};
use crate::subscribe::interest::{self, Class};
use crate::subscribe::resume::Start;

const TOLD: &str =
    "transitions: a write of the output returned, and of the transition before it nobody was told";
const LEFT_ALONE: &str = "transitions: a write of the output alone marks for who wants transitions alone";

const TRANSITIONS: Model = Model { name: "transitions", run: transitions };

/// One call changes the status, another only the output.
fn transitions(world: &'static World, roles: Roles) {
    let check = world.check(&world.summary("home"), None, Passing);
    let (cell, slot) = (check.place.cell, check.place.slot);
    let filter = Filter { scope: Scope::All, least: Passing, transitions_only: true };
    let core = Arc::new(Core::new(filter, 16, Start::Whole));
    interest::add(&cell.interest, &core, Class::Own);
    world.reword(check, "before");
    assert!(!core.dirty.is_marked(slot), "{LEFT_ALONE}");
    let reword = move || {
        let committed = world.reword(check, "the same, in other words");
        assert!(committed.before.status == Passing || core.dirty.is_marked(slot), "{TOLD}");
    };
    roles.run(move || world.report(check, Critical), reword);
}

models! {
    a_transition: TRANSITIONS,
        mark_trusts_unsettled "mark-trusts-unsettled" TOLD;
}
