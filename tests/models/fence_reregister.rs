//! After a deregistration nothing of the old life touches the new one in the same cell (W3).

use super::world::World;
use super::{Model, Roles, models};
use crate::cell::word::StatusWord;
use crate::model::error::ErrorKind;
use crate::model::status::Status::{Critical, Passing, Warning};
use crate::summary::members::Input;

const OLD_LIFE: &str = "reregister: something of the old life touched the new one";
const ENDED: &str = "reregister: a check shows a status after its deregistration returned";
const COUNTED: &str = "reregister: the summary counts a life that is over";
const ENTRY: &str = "reregister: an entry counts the life that came after its own";

const REREGISTER: Model = Model { name: "fence_reregister", run: reregister };
const OUTLIVED: Model = Model { name: "fence_outlived", run: outlived };

/// A writer of the first life reports while its check is deregistered and the cell begins its second life.
fn reregister(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Warning);
    let cell = check.place.cell;
    let old = move || match world.try_report(check, Critical) {
        Ok(committed) => {
            assert!(committed.before.life == check.life && !committed.before.gone, "{OLD_LIFE}");
            assert!(cell.status().load() >= committed.after.word(), "{OLD_LIFE}");
        }
        Err(kind) => assert_eq!(kind, ErrorKind::Gone),
    };
    let stands = {
        let home = home.clone();
        move || {
            let snapshot = cell.snapshot.load().unwrap();
            assert!(
                snapshot.life == check.life + 1 && snapshot.status == Passing && !snapshot.gone,
                "{OLD_LIFE}"
            );
            let word = cell.status().load();
            assert_eq!((word.life(), word.status()), (check.life + 1, Some(Passing)), "{OLD_LIFE}");
            assert_eq!(word.status_in(check.life), None, "{ENDED}");
            assert_eq!(home.word().shown(), Passing, "{COUNTED}");
        }
    };
    let still_stands = stands.clone();
    let registrar = move || {
        world.deregister(check, &home);
        assert_eq!(cell.status().load().status_in(check.life), None, "{ENDED}");
        assert_eq!(home.word().shown(), Passing, "{COUNTED}");
        world.register(check.place, &home, Some(0), Passing);
        stands();
    };
    roles.run(old, registrar);
    still_stands();
}

/// A cell begins another life while an entry of the first still stands: an engine clears the entry before, but the life in the entry
/// alone is enough.
fn outlived(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Warning);
    let other = world.check(&home, Some(1), Warning);
    let (seen, cell) = (home.clone(), check.place.cell);
    let reuse = move || {
        cell.status().publish(StatusWord::gone_after(check.life));
        cell.status().publish(StatusWord::new(check.life + 1, 1, Critical, 0));
        home.walk(Some(0), true, &world.board);
        assert!(home.word().shown() < Critical, "{ENTRY}");
        home.members.set(0, Input::Check(cell, check.life + 1));
        home.walk(Some(0), true, &world.board);
        assert_eq!(home.word().shown(), Critical, "reregister: an entry of the present life does not count");
    };
    let write = move || {
        world.report(other, Passing);
    };
    roles.run(reuse, write);
    assert_eq!(seen.word().shown(), Critical, "reregister: an entry of the present life does not count");
}

models! {
    a_write_across_lives: REREGISTER,
        publish_store "publish-store" OLD_LIFE,
        fence_tested_once "fence-tested-once" OLD_LIFE;
    an_entry_that_was_outlived: OUTLIVED,
        member_without_life "member-without-life" ENTRY;
}
