//! Between the state a subscriber starts from and the changes that follow there is no gap (S2).

use super::mark_take::subscription;
use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing};
use crate::subscribe::interest::{self, Change, Class};

const GAP: &str =
    "atomic_start: a commit is neither in the state a subscriber started from nor marked for it";
const ASLEEP: &str = "atomic_start: a commit is marked for a subscriber that sleeps, and nobody woke it";

const START: Model = Model { name: "atomic_start", run: start };

/// One writes while another subscribes, reads the state and goes to sleep.
fn start(world: &'static World, roles: Roles) {
    let check = world.check(&world.summary("home"), None, Passing);
    let (cell, slot) = (check.place.cell, check.place.slot);
    let core = subscription();
    let subscriber = core.clone();
    let subscribe = move || {
        interest::add(&cell.interest, &subscriber, Class::Own);
        cell.status().load_ordered();
        subscriber.notify(slot, Change::start(cell.snapshot.load().unwrap().status));
        let asleep_since = subscriber.wake.count();
        let mut taken = Vec::new();
        subscriber.dirty.take(usize::MAX, &mut taken);
        assert_eq!(taken, [slot], "atomic_start: the state itself is not delivered");
        let delivered = cell.snapshot.load().unwrap().version;
        let asleep = !subscriber.dirty.arm();
        (delivered, asleep.then_some(asleep_since))
    };
    let (committed, (delivered, asleep)) = roles.run(move || world.report(check, Critical), subscribe);
    if delivered < committed.after.version {
        assert!(core.dirty.is_pending(), "{GAP}");
        assert!(asleep.is_none_or(|since| core.wake.count() != since), "{ASLEEP}");
    }
}

models! {
    a_subscription: START,
        start_plain_load "start-plain-load" GAP,
        mark_before_publish "mark-before-publish" GAP;
}
