//! When a write returns, every summary above shows it (A1), whoever climbs.

use std::sync::Arc;

use super::world::{Check, World};
use super::{Model, Roles, models};
use crate::cell::word::StatusWord;
use crate::model::status::Status::{Critical, Passing, Warning};
use crate::summary::Summary;

const ABOVE: &str = "chain: a write returned and a summary above does not show it";
const FLIPPED: &str = "chain: the newest write returned and a summary above shows an older one";
const CARRIED: &str = "chain: a walk returned and a status that was published before it is not shown above";

const ALIAS: Model = Model { name: "chain_alias", run: |world, roles| both(world, roles, alias) };
const THREE: Model = Model { name: "chain_three", run: |world, roles| both(world, roles, three) };
const GATHERED: Model = Model { name: "chain_gathered", run: |world, roles| both(world, roles, gathered) };
const LONGER: Model = Model { name: "chain_longer", run: longer };
const NODE: Model = Model { name: "chain_node", run: |world, roles| both(world, roles, node) };
const SILENT: Model = Model { name: "chain_silent", run: silent };
const ENTER: Model = Model { name: "chain_enter", run: enter };
const SEEN: Model = Model { name: "chain_seen", run: seen };
const SEEN_BELOW: Model = Model { name: "chain_seen_below", run: |world, roles| helper(world, roles, 0) };
const SEEN_ABOVE: Model = Model { name: "chain_seen_above", run: |world, roles| helper(world, roles, 1) };
const THIRD: Model = Model { name: "chain_third", run: |world, roles| third(world, roles, 0, false) };
const THIRD_BLOCK: Model =
    Model { name: "chain_third_block", run: |world, roles| third(world, roles, 2, true) };
const FLIP: Model = Model { name: "chain_flip", run: flip };

const ENTERED: &str =
    "chain: an alias was entered, the registration returned, and it does not show its target";
const AHEAD: &str = "chain: a summary shows what is not to be seen in its inputs";

/// The homes of two checks, and a summary above both.
type Chain = ([Arc<Summary>; 2], Arc<Summary>);

/// A service and one whose alias mirrors it.
fn alias(world: &World) -> Chain {
    let (below, above) = (world.summary("below"), world.summary("above"));
    world.alias(&above, &below, 0);
    ([below.clone(), below], above)
}

/// The same with one on top; the second check is that of the one in between.
fn three(world: &World) -> Chain {
    let ([below, _], between) = alias(world);
    let above = world.summary("top");
    world.alias(&above, &between, 0);
    ([below, between], above)
}

/// Two services above one, and one above both; the second check is that of one in between.
fn gathered(world: &World) -> Chain {
    let [below, left, right, above] = ["below", "left", "right", "above"].map(|id| world.summary(id));
    for (home, target, place) in
        [(&left, &below, 0), (&right, &below, 0), (&above, &left, 0), (&above, &right, 1)]
    {
        world.alias(home, target, place);
    }
    ([below, left], above)
}

/// The node and a service on it.
fn node(world: &World) -> Chain {
    let node = world.summary("");
    let service = world.service("service", &node);
    ([node.clone(), node], service)
}

/// Two checks become critical.
fn both(world: &'static World, roles: Roles, build: fn(&World) -> Chain) {
    let ([one, other], above) = build(world);
    let checks = [world.check(&one, Some(0), Passing), world.check(&other, Some(1), Passing)];
    let write = move |check: Check| {
        let above = above.clone();
        move || {
            world.report(check, Critical);
            assert_eq!(above.word().shown(), Critical, "{ABOVE}");
        }
    };
    roles.run(write(checks[0]), write(checks[1]));
}

/// A check recovers and comes by two ways of different length to what stands below the top, which is looked at before the longer way has led
/// there; on the longer one another check changes.
fn longer(world: &'static World, roles: Roles) {
    let [below, longer, top, above] = ["below", "longer", "top", "above"].map(|id| world.summary(id));
    let check = world.check(&below, Some(0), Critical);
    for (home, target, place) in
        [(&above, &below, 0), (&longer, &below, 0), (&above, &longer, 1), (&top, &above, 0)]
    {
        world.alias(home, target, place);
    }
    let other = world.check(&longer, Some(1), Passing);
    let seen = top.clone();
    let recover = move || {
        world.report(check, Passing);
        assert_ne!(seen.word().shown(), Critical, "{ABOVE}");
    };
    roles.run(recover, move || world.report(other, Warning));
    assert_eq!(top.word().shown(), Warning, "{ABOVE}");
}

/// A check below becomes critical; another call walks without anything of its own to tell.
fn silent(world: &'static World, roles: Roles) {
    let ([below, _], above) = alias(world);
    let check = world.check(&below, Some(0), Passing);
    let silent = move || {
        let published = check.place.cell.status().load().status();
        below.walk(Some(0), false, &world.board);
        assert!(published == Some(Passing) || above.word().shown() == Critical, "{CARRIED}");
    };
    roles.run(move || world.report(check, Critical), silent);
}

/// An alias is entered while its target becomes critical.
fn enter(world: &'static World, roles: Roles) {
    let (below, above) = (world.summary("below"), world.summary("above"));
    let check = world.check(&below, Some(0), Passing);
    let seen = above.clone();
    let register = move || {
        let before = below.word().shown();
        world.alias(&above, &below, 0);
        assert!(before == Passing || above.word().shown() == Critical, "{ENTERED}");
    };
    roles.run(register, move || world.report(check, Critical));
    assert_eq!(seen.word().shown(), Critical, "{ENTERED}");
}

/// A check becomes critical; who sees it above sees it below too, down to the snapshot.
fn seen(world: &'static World, roles: Roles) {
    let ([below, _], above) = alias(world);
    // Beyond the first places: one more word between the check and the summary.
    let check = world.check(&below, Some(2), Passing);
    let read = move || {
        let seen = [
            above.word().shown() == Critical,
            below.word().shown() == Critical,
            check.place.cell.status().load().status() == Some(Critical),
            check.place.cell.snapshot.load().unwrap().status == Critical,
        ];
        assert!(seen.is_sorted(), "{AHEAD}");
    };
    roles.run(read, move || world.report(check, Critical));
}

/// The same for one who refreshes a summary before reading it, as a writer of another check does.
fn helper(world: &'static World, roles: Roles, level: usize) {
    let ([below, _], above) = alias(world);
    let check = world.check(&below, Some(2), Passing);
    let read = move || {
        let summary = [below, above][level].clone();
        summary.walk(None, false, &world.board);
        let shown = summary.word().shown() == Critical;
        assert!(!shown || check.place.cell.status().load().status() == Some(Critical), "{AHEAD}");
    };
    roles.run(read, move || world.report(check, Critical));
}

/// The same for a third thread: what another's refresh has read of the writer is passed on by the word that it leaves, also that of a block
/// to one who refreshes the summary from it.
fn third(world: &'static World, roles: Roles, place: u32, helps: bool) {
    let home = world.summary("home");
    let check = world.check(&home, Some(place), Passing);
    let seen = home.clone();
    let publish = move || check.place.cell.status().publish(StatusWord::new(check.life, 2, Critical, 0));
    let writer = loom::thread::spawn(publish);
    let read = move || {
        if helps {
            seen.walk(None, false, &world.board);
        }
        let shown = seen.word().shown() == Critical;
        assert!(!shown || check.place.cell.status().load().status() == Some(Critical), "{AHEAD}");
    };
    roles.run(move || home.walk(Some(place), false, &world.board), read);
    writer.join().expect("a panic ends the model");
}

/// One check below becomes critical and, by another call, recovers.
fn flip(world: &'static World, roles: Roles) {
    let ([below, _], above) = alias(world);
    let check = world.check(&below, Some(0), Passing);
    let write = move |status| {
        let above = above.clone();
        move || {
            let committed = world.report(check, status);
            assert!(check.is_shown_by(&above, &committed), "{FLIPPED}");
            (above, committed)
        }
    };
    let ((above, one), (_, other)) = roles.run(write(Critical), write(Passing));
    let last = if one.after.version > other.after.version { one } else { other };
    assert!(check.is_shown_by(&above, &last), "{FLIPPED}");
}

models! {
    an_alias: ALIAS,
        walk_winner_only "walk-winner-only" ABOVE;
    a_walk_with_nothing_to_tell: SILENT,
        settle_before_walk "settle-before-walk" CARRIED;
    an_alias_that_enters: ENTER,
        enter_unordered "enter-unordered" ENTERED;
    a_reader_from_above: SEEN,
        word_relaxed_load_below "word-relaxed-load" AHEAD;
    a_helper_below: SEEN_BELOW,
        block_worst_relaxed "block-worst-relaxed" AHEAD;
    a_helper_above: SEEN_ABOVE,
        input_relaxed_load "input-relaxed-load" AHEAD;
    a_third_thread: THIRD,
        refresh_relaxed_swap "refresh-relaxed-swap" AHEAD;
    a_third_thread_and_a_block: THIRD_BLOCK,
        block_relaxed_swap "block-relaxed-swap" AHEAD;
    an_alias_of_an_alias: THREE,
        walk_winner_only_from_between "walk-winner-only" ABOVE;
    services_that_are_gathered: GATHERED,
        walk_winner_only_from_the_gathered "walk-winner-only" ABOVE;
    a_longer_way: LONGER,
        second_way_ignored "second-way-ignored" ABOVE;
    the_node: NODE,
        walk_winner_only_from_the_node "walk-winner-only" ABOVE;
    there_and_back: FLIP,
        walk_winner_only_with_an_older_write "walk-winner-only" FLIPPED;
}
