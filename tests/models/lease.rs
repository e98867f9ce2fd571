//! A renewal that was accepted keeps the lease, one that comes too late is refused, and an old token renews nothing for its successor (W6).

use std::sync::Arc;
use std::time::Duration;

use super::world::{Check, WRITER, World};
use super::{Model, Roles, models};
use crate::cell::word::flag;
use crate::model::status::Status::{Critical, Passing};
use crate::writer::commit::{commit, complete};
use crate::writer::lease::{Lease, OnLapse, declare, lapse};
use crate::writer::touch::{UNIT_NS, Verdict, read, touch};

const HOLDS: &str = "lease: one that was renewed in time has lapsed";
const REFUSED: &str = "lease: a write after the lapse took effect";
const OWN: &str = "lease: an old token renewed its successor's";
const SEEN: &str = "lease: a generation has reported and the commit that began it is not to be seen";
const ONCE: &str = "lease: it lapsed twice, or not at all";

const RENEWAL: Model = Model { name: "lease_renewal", run: renewal };
const WRITE: Model = Model { name: "lease_write", run: write };
const SUCCESSOR: Model = Model { name: "lease_successor", run: successor };
const HELP: Model = Model { name: "lease_help", run: help };

/// Of ten units of time, from the acquisition at time 0.
const LENGTH: u64 = 10;

/// A check that is passing and held with generation 2 and a lease.
fn leased(world: &World) -> Check {
    let check = world.check(&world.summary("home"), None, Passing);
    let length = Duration::from_nanos(LENGTH * UNIT_NS);
    let lease = Lease::new(length, OnLapse::Critical).unwrap();
    world.write(check, 1, |next| (next.generation, next.lease) = (2, lease)).unwrap();
    touch(&check.place.cell.touch, 2, 0);
    check
}

/// What a tick or an acquisition at `now` does; tells whether the lease is over.
fn end(world: &World, check: Check, now: u64) -> bool {
    let cell = check.place.cell;
    let current = cell.snapshot.load().unwrap();
    if current.holder == 0 {
        return true;
    }
    let over =
        declare(cell, current.generation, |seen| seen.is_expired() || now > seen.time().unwrap() + LENGTH);
    if over && let Some(lapsed) = lapse(cell, &world.revisions, 0, &current, |_| Arc::from("lost")).unwrap() {
        complete(check.place, &lapsed, &world.revisions, &world.board);
    }
    over
}

fn is_orphaned(check: Check) -> bool {
    check.place.cell.snapshot.load().unwrap().flags & flag::ORPHANED != 0
}

/// The holder renews at time 5 while somebody else finds the deadline of time 10 passed.
fn renewal(world: &'static World, roles: Roles) {
    let check = leased(world);
    let holder = move || {
        let verdict = touch(&check.place.cell.touch, 2, 5 * UNIT_NS);
        if verdict == Verdict::Renewed {
            assert!(!is_orphaned(check), "{HOLDS}");
        }
        verdict
    };
    let other = move || end(world, check, LENGTH + 1);
    let (verdict, over) = roles.run(holder, other);
    assert_eq!(verdict == Verdict::Renewed, !over, "{HOLDS}");
    assert_eq!(is_orphaned(check), over, "{HOLDS}");
}

/// The holder reports with a renewal that is in time, but is slow; the lease ends meanwhile.
fn write(world: &'static World, roles: Roles) {
    let check = leased(world);
    let cell = check.place.cell;
    let holder = move || {
        if touch(&cell.touch, 2, 5 * UNIT_NS) != Verdict::Renewed {
            return None;
        }
        let committed = commit(cell, &world.revisions, |current, next| {
            next.by(WRITER, 0);
            (next.status, next.output) = (Passing, Some("on time"));
            Ok(current.generation == 2 && current.flags & flag::ORPHANED == 0)
        });
        let committed = committed.unwrap();
        if let Some(committed) = &committed {
            complete(check.place, committed, &world.revisions, &world.board);
        }
        committed.map(|committed| committed.after.revision)
    };
    // The first look may meet the renewal; the second finds that it is too old by now.
    let other = move || end(world, check, 5 + LENGTH + 1) || end(world, check, 5 + LENGTH + 1);
    let (reported, over) = roles.run(holder, other);
    let last = cell.snapshot.load().unwrap();
    assert!(over, "{ONCE}");
    assert_eq!((last.status, last.holder), (Critical, 0), "{REFUSED}");
    assert!(reported.is_none_or(|reported| reported < last.revision), "{REFUSED}");
}

/// The old token renews, late, while a successor takes over.
fn successor(world: &'static World, roles: Roles) {
    let check = leased(world);
    let cell = check.place.cell;
    let own = move || {
        let seen = read(&cell.touch);
        assert_eq!((seen.generation(), seen.time()), (3, Some(1)), "{OWN}");
    };
    let is_begun = move |generation| cell.snapshot.load().unwrap().generation >= generation;
    let old = move || {
        assert!(is_begun(read(&cell.touch).generation()), "{SEEN}");
        let verdict = touch(&cell.touch, 2, 9 * UNIT_NS);
        assert!(verdict != Verdict::Superseded || is_begun(3), "{SEEN}");
    };
    let new = move || {
        world
            .write(check, 2, |next| {
                next.by(WRITER + 1, 0);
                next.generation = 3;
            })
            .unwrap();
        assert_eq!(touch(&cell.touch, 3, UNIT_NS), Verdict::Renewed, "{OWN}");
        own();
    };
    roles.run(old, new);
    own();
    assert_eq!(touch(&cell.touch, 2, 9 * UNIT_NS), Verdict::Superseded, "{OWN}");
}

/// Two find the deadline passed: whoever returns, the lapse is committed, and it is committed once.
fn help(world: &'static World, roles: Roles) {
    let check = leased(world);
    let before = check.place.cell.snapshot.load().unwrap().version;
    let ends = move || {
        assert!(end(world, check, LENGTH + 1), "{ONCE}");
        assert!(is_orphaned(check), "{ONCE}");
    };
    roles.run(ends, ends);
    assert_eq!(check.place.cell.snapshot.load().unwrap().version, before + 1, "{ONCE}");
}

models! {
    a_renewal_in_time: RENEWAL,
        lapse_without_claim "lapse-without-claim" HOLDS;
    a_write_beside_a_lapse: WRITE,
        check_then_store "check-then-store" REFUSED;
    a_renewal_beside_a_take_over: SUCCESSOR,
        lease_validate_then_store "lease-validate-then-store" OWN;
    two_who_end_it: HELP,
        lapse_committed_twice "lapse-committed-twice" ONCE;
}
