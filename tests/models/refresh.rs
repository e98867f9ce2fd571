//! When a write or a registration returns, the summary shows it (R4, A1), whoever refreshed it and however late.

use std::sync::Arc;

use super::world::World;
use super::{Model, Roles, models};
use crate::cell::word::StatusWord;
use crate::model::status::Status::{Critical, Passing, Warning};
use crate::summary::Summary;

const RAISED: &str =
    "refresh: a check became critical, its writer returned, and the summary does not show it";
const CLEARED: &str =
    "refresh: the last critical check recovered, its writer returned, and the summary does not show it";
const NEWEST: &str = "refresh: the newest write of a check returned and the summary shows an older one";
const ENTERED: &str =
    "refresh: a check was entered, the registration returned, and the summary does not show it";
const LEFT: &str =
    "refresh: the last critical check was taken out, the call returned, and the summary still shows it";
const REGISTERED: &str = "refresh: a service was registered or deregistered and the summary does not show it";
const CARRIED: &str = "refresh: a refresh lost to the settling of the summary and its input is not shown";
const CHANGES: &str = "refresh: the summary counts another number of changes than there were";

const TWO: Model = Model { name: "refresh_two", run: |world, roles| two(world, roles, [0, 1]) };
const BLOCK: Model = Model { name: "refresh_block", run: |world, roles| two(world, roles, [2, 3]) };
const TWICE: Model = Model { name: "refresh_twice", run: |world, roles| twice(world, roles, [0, 1]) };
const TWICE_BLOCK: Model =
    Model { name: "refresh_twice_block", run: |world, roles| twice(world, roles, [2, 3]) };
const SAME: Model = Model { name: "refresh_same", run: same };
const COUNT: Model = Model { name: "refresh_count", run: count };
const SETTLE: Model = Model { name: "refresh_settle", run: carried };
const ENTER: Model = Model { name: "refresh_enter", run: |world, roles| enter(world, roles, 1) };
const ENTER_BLOCK: Model = Model { name: "refresh_enter_block", run: |world, roles| enter(world, roles, 2) };
const LEAVE: Model = Model { name: "refresh_leave", run: |world, roles| leave(world, roles, 1) };
const REGISTER: Model = Model { name: "refresh_register", run: register };
const REPLACE: Model = Model { name: "refresh_replace", run: |world, roles| replace(world, roles, 1) };
const REPLACE_BLOCK: Model =
    Model { name: "refresh_replace_block", run: |world, roles| replace(world, roles, 2) };
const LEAVE_BLOCK: Model = Model { name: "refresh_leave_block", run: |world, roles| leave(world, roles, 2) };

fn shows(home: &Arc<Summary>, status: crate::Status, claim: &str) {
    assert_eq!(home.word().shown(), status, "{claim}");
}

/// Two checks of one service: one becomes critical, the other recovers.
fn two(world: &'static World, roles: Roles, places: [u32; 2]) {
    let home = world.summary("home");
    let worse = world.check(&home, Some(places[0]), Passing);
    let better = world.check(&home, Some(places[1]), Critical);
    let (seen, also_seen) = (home.clone(), home.clone());
    let raise = move || {
        world.report(worse, Critical);
        shows(&home, Critical, RAISED);
    };
    let clear = move || {
        world.report(better, Passing);
        let shown = also_seen.word().shown();
        // The other's word is read after the summary: if it is passing even now, nothing critical was there to be shown.
        let alone = worse.place.cell.status().load().status() == Some(Passing);
        assert!(!alone || shown == Passing, "{CLEARED}");
    };
    roles.run(raise, clear);
    shows(&seen, Critical, RAISED);
}

/// One check becomes critical; beside it another changes twice. Both refreshes of the first writer may then fail, and only the order of
/// the loads of the summary word makes the second winner see what the first writer published.
fn twice(world: &'static World, roles: Roles, places: [u32; 2]) {
    let home = world.summary("home");
    let worse = world.check(&home, Some(places[0]), Passing);
    let other = world.check(&home, Some(places[1]), Passing);
    let seen = home.clone();
    let raise = move || {
        world.report(worse, Critical);
        shows(&home, Critical, RAISED);
    };
    let change = move || {
        world.report(other, Warning);
        world.report(other, Passing);
    };
    roles.run(raise, change);
    shows(&seen, Critical, RAISED);
}

/// Two calls write to the only check.
fn same(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Critical);
    let write = move |status| {
        let home = home.clone();
        move || {
            let committed = world.report(check, status);
            assert!(check.is_shown_by(&home, &committed), "{NEWEST}");
            (home, committed)
        }
    };
    let ((home, one), (_, other)) = roles.run(write(Passing), write(Critical));
    let last = if one.after.version > other.after.version { one } else { other };
    assert!(check.is_shown_by(&home, &last), "{NEWEST}");
}

/// A check becomes critical while a change that was shown before is being carried on: its refresh may lose to another that is older, and
/// to the settling of the summary, which has read nothing.
fn carried(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let worse = world.check(&home, Some(0), Passing);
    home.set_registered(false);
    home.refresh();
    home.set_registered(true);
    let (seen, walked) = (home.clone(), home.clone());
    let raise = move || {
        worse.place.cell.status().publish(StatusWord::new(worse.life, 2, Critical, 0));
        home.refresh();
        shows(&home, Critical, CARRIED);
    };
    roles.run(raise, move || walked.walk(None, false, &world.board));
    shows(&seen, Critical, CARRIED);
}

/// One writes a change and refreshes again; another refreshes and may come late.
fn count(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Passing);
    let changes = home.changes() + 1;
    let (seen, late) = (home.clone(), home.clone());
    let write = move || {
        world.report(check, Critical);
        assert_eq!(home.changes(), changes, "{CHANGES}");
        home.walk(None, false, &world.board);
        assert_eq!(home.changes(), changes, "{CHANGES}");
    };
    let refresh = move || {
        late.walk(None, false, &world.board);
        assert!(late.changes() <= changes, "{CHANGES}");
    };
    roles.run(write, refresh);
    assert_eq!(seen.changes(), changes, "{CHANGES}");
}

/// A check is registered while another recovers.
fn enter(world: &'static World, roles: Roles, place: u32) {
    let home = world.summary("home");
    let better = world.check(&home, Some(0), Critical);
    let seen = home.clone();
    let register = move || {
        world.check(&home, Some(place), Critical);
        shows(&home, Critical, ENTERED);
    };
    roles.run(register, move || world.report(better, Passing));
    shows(&seen, Critical, ENTERED);
}

/// A check is taken out while another becomes critical.
fn leave(world: &'static World, roles: Roles, place: u32) {
    let home = world.summary("home");
    let worse = world.check(&home, Some(0), Passing);
    let leaving = world.check(&home, Some(place), Critical);
    let (seen, also_seen) = (home.clone(), home.clone());
    let deregister = move || {
        world.deregister(leaving, &home);
        let shown = home.word().shown();
        let alone = worse.place.cell.status().load().status() == Some(Passing);
        assert!(!alone || shown == Passing, "{LEFT}");
    };
    let raise = move || {
        world.report(worse, Critical);
        shows(&also_seen, Critical, RAISED);
    };
    roles.run(deregister, raise);
    shows(&seen, Critical, RAISED);
}

/// A service is registered and deregistered while a check of it becomes worse.
fn register(world: &'static World, roles: Roles) {
    let node = world.summary("");
    let service = world.service("service", &node);
    let check = world.check(&service, Some(0), Passing);
    let seen = service.clone();
    let deregister = move || {
        for (registered, least) in [(false, Critical), (true, Passing)] {
            service.set_registered(registered);
            service.walk(None, true, &world.board);
            let word = service.word();
            assert_eq!(word.is_registered(), registered, "{REGISTERED}");
            assert!(word.shown() >= least, "{REGISTERED}");
        }
    };
    let report = move || {
        world.report(check, Warning);
        assert!(seen.word().shown() >= Warning, "{RAISED}");
        seen
    };
    let ((), seen) = roles.run(deregister, report);
    shows(&seen, Warning, RAISED);
}

/// A check is taken out and another enters in its place while a third becomes critical.
fn replace(world: &'static World, roles: Roles, place: u32) {
    let home = world.summary("home");
    let worse = world.check(&home, Some(0), Passing);
    let leaving = world.check(&home, Some(place), Critical);
    let (seen, also_seen) = (home.clone(), home.clone());
    let replace = move || {
        world.deregister(leaving, &home);
        let shown = home.word().shown();
        let alone = worse.place.cell.status().load().status() == Some(Passing);
        assert!(!alone || shown == Passing, "{LEFT}");
        world.check(&home, Some(place), Warning);
        assert!(home.word().shown() >= Warning, "{ENTERED}");
    };
    let raise = move || {
        world.report(worse, Critical);
        shows(&also_seen, Critical, RAISED);
    };
    roles.run(replace, raise);
    shows(&seen, Critical, RAISED);
    world.report(worse, Passing);
    shows(&seen, Warning, ENTERED);
}

models! {
    two_checks: TWO,
        refresh_once "refresh-once" RAISED,
        refresh_plain_load "refresh-plain-load" RAISED;
    two_checks_in_a_block: BLOCK,
        block_refresh_once "block-refresh-once" RAISED,
        block_plain_load "block-plain-load" RAISED;
    a_check_beside_two_writes: TWICE,
        refresh_acquire_load "refresh-acquire-load" RAISED;
    a_check_beside_two_writes_in_a_block: TWICE_BLOCK,
        block_acquire_load "block-acquire-load" RAISED;
    one_check: SAME,
        refresh_skip_if_equal "refresh-skip-if-equal" NEWEST;
    a_refresh_beside_a_settle: SETTLE,
        refresh_counts_settle "refresh-counts-settle" CARRIED;
    the_count_of_changes: COUNT,
        count_when_overtaken "count-when-overtaken" CHANGES;
    a_registration: ENTER,
        registration_refresh_once "refresh-once" ENTERED;
    a_registration_in_a_block: ENTER_BLOCK,
        registration_in_a_block_refresh_once "refresh-once" ENTERED;
    a_deregistration: LEAVE,
        deregistration_refresh_once "refresh-once" RAISED;
    a_deregistration_in_a_block: LEAVE_BLOCK,
        deregistration_in_a_block_refresh_once "refresh-once" RAISED;
    a_service: REGISTER,
        service_refresh_once "refresh-once" RAISED;
    a_replacement: REPLACE,
        replacement_refresh_once "refresh-once" RAISED;
    a_replacement_in_a_block: REPLACE_BLOCK,
        replacement_in_a_block_refresh_once "refresh-once" RAISED;
}
