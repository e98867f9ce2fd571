//! Between the state a subscriber starts from and the changes that follow there is no gap (S2).
//!
//! Each model puts a subscription into a list as the engine does for one of its filters: that of the check, of its service, of the summary
//! that an alias mirrors, of everything. Then it orders itself by the word that a writer publishes, reads the state, and sleeps.

use std::sync::Arc;

use super::mark_take::{subscription, subscription_at_least};
use super::world::{Check, World};
use super::{Model, Roles, models};
use crate::model::status::Status::{self, Critical, Passing};
use crate::subscribe::delivery::Core;
use crate::subscribe::interest::{self, Change, Class};
use crate::summary::Summary;

const STATE: &str = "atomic_start: the state itself is not delivered";
const GAP: &str =
    "atomic_start: a commit is neither in the state a subscriber started from nor marked for it";
const ASLEEP: &str = "atomic_start: a commit is marked for a subscriber that sleeps, and nobody woke it";

const CHECK: Model = Model { name: "start_check", run: |world, roles| start(world, roles, None, of_check) };
const SERVICE: Model =
    Model { name: "start_service", run: |world, roles| start(world, roles, None, of_service) };
const ALL: Model = Model { name: "start_everything", run: |world, roles| start(world, roles, None, of_all) };
const SUMMARY: Model =
    Model { name: "start_summary", run: |world, roles| start(world, roles, Some(0), of_summary) };

const SEVERE: Model = Model { name: "start_at_least", run: at_least };

/// A filter: puts the subscription into its list and orders itself; returns the cell whose mark it then waits for, and how to read its state.
type Filter = fn(&'static World, Check, &Arc<Summary>, &Arc<Core>) -> u32;

fn enter(list: &impl interest::Place, check: Check, core: &Arc<Core>, class: Class) -> u32 {
    interest::add(list, core, class);
    check.place.cell.status().load_ordered();
    check.place.slot
}

fn of_check(_: &'static World, check: Check, _: &Arc<Summary>, core: &Arc<Core>) -> u32 {
    enter(&check.place.cell.interest, check, core, Class::Own)
}

fn of_service(_: &'static World, check: Check, home: &Arc<Summary>, core: &Arc<Core>) -> u32 {
    enter(&home.cell().interest, check, core, Class::Member)
}

fn of_all(world: &'static World, check: Check, _: &Arc<Summary>, core: &Arc<Core>) -> u32 {
    enter(&world.board.everything, check, core, Class::Own)
}

fn of_summary(_: &'static World, _: Check, home: &Arc<Summary>, core: &Arc<Core>) -> u32 {
    interest::add(&home.cell().interest, core, Class::Derived);
    home.word_ordered();
    home.slot()
}

/// One writes while another subscribes, reads the state and goes to sleep.
fn start(world: &'static World, roles: Roles, counted: Option<u32>, filter: Filter) {
    let home = world.summary("home");
    let check = world.check(&home, counted, Passing);
    let core = subscription();
    let subscriber = core.clone();
    let subscribe = move || {
        let slot = filter(world, check, &home, &subscriber);
        let state = || -> Status {
            match counted {
                Some(_) => home.word().shown(),
                None => check.place.cell.snapshot.load().unwrap().status,
            }
        };
        subscriber.notify(slot, Change::start(state()));
        let asleep_since = subscriber.wake.count();
        let mut taken = Vec::new();
        subscriber.dirty.take(usize::MAX, &mut taken);
        assert_eq!(taken, [slot], "{STATE}");
        let delivered = state();
        let asleep = !subscriber.dirty.arm();
        (delivered, asleep.then_some(asleep_since))
    };
    let (_, (delivered, asleep)) = roles.run(move || world.report(check, Critical), subscribe);
    if delivered != Critical {
        assert!(core.dirty.is_pending(), "{GAP}");
        assert!(asleep.is_none_or(|since| core.wake.count() != since), "{ASLEEP}");
    }
}

/// One makes a check critical while another subscribes to what is critical, and goes by the word alone: what it does not say yet is marked.
fn at_least(world: &'static World, roles: Roles) {
    let check = world.check(&world.summary("home"), None, Passing);
    let core = subscription_at_least(Critical);
    let subscriber = core.clone();
    let subscribe = move || {
        interest::add(&world.board.everything, &subscriber, Class::Own);
        let word = check.place.cell.status().load_ordered();
        subscriber.notify(check.place.slot, Change::start(word.status().unwrap()));
    };
    roles.run(move || world.report(check, Critical), subscribe);
    assert!(core.dirty.is_pending(), "{GAP}");
}

models! {
    a_subscription_to_a_check: CHECK,
        start_plain_load "start-plain-load" GAP,
        mark_before_publish "mark-before-publish" GAP;
    a_subscription_to_a_service: SERVICE,
        start_service_plain_load "start-plain-load" GAP;
    a_subscription_to_everything: ALL,
        start_everything_plain_load "start-plain-load" GAP;
    a_subscription_to_the_severe: SEVERE,
        start_severe_plain_load "start-plain-load" GAP;
    a_subscription_to_a_summary: SUMMARY,
        start_summary_plain_load "refresh-plain-load" GAP;
}
