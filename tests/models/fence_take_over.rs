//! After a take-over has returned no write of the old token takes effect, however late it comes (W2).

use super::world::{WRITER, World};
use super::{Model, Roles, models};
use crate::model::error::{Error, ErrorKind};
use crate::model::status::Status::{Critical, Passing, Warning};
use crate::writer::commit::{commit, complete};

const FENCED: &str = "fence: a write of the old token took effect after the take-over";
const TAKEN: &str = "fence: a take-over that returned is not seen";

const TAKE_OVER: Model = Model { name: "fence_take_over", run: take_over };

/// The old writer reports critical; the new one takes over and reports passing.
fn take_over(world: &'static World, roles: Roles) {
    const RIVAL: u32 = WRITER + 1;
    let check = world.check(&world.summary("home"), None, Warning);
    let cell = check.place.cell;
    let old = move || match world.try_report(check, Critical) {
        Ok(committed) => {
            assert_eq!((committed.before.generation, committed.after.generation), (1, 1), "{FENCED}");
            assert!(cell.status().load().version() >= committed.after.version, "{TAKEN}");
        }
        Err(kind) => assert_eq!(kind, ErrorKind::Fenced),
    };
    let stands = move || {
        let snapshot = cell.snapshot.load().unwrap();
        assert_eq!((snapshot.generation, snapshot.status, snapshot.writer), (2, Passing, RIVAL), "{FENCED}");
        assert_eq!(cell.status().load().status(), Some(Passing), "{FENCED}");
    };
    let new = move || {
        let taken = commit(cell, &world.revisions, |current, next| match current.generation {
            1 => {
                next.by(RIVAL, 0);
                (next.generation, next.holder) = (2, RIVAL);
                Ok(true)
            }
            _ => Err(Error::text(ErrorKind::Held, "")),
        });
        let taken = taken.expect("nobody else takes over").unwrap();
        complete(check.place, &taken, &world.revisions, &world.board);
        assert!(cell.snapshot.load().unwrap().generation >= taken.after.generation, "{FENCED}");
        assert!(cell.status().load().version() >= taken.after.version, "{TAKEN}");
        let written = world.write(check, 2, |next| {
            next.by(RIVAL, 0);
            next.status = Passing;
        });
        assert!(written.is_ok(), "{FENCED}");
        stands();
    };
    roles.run(old, new);
    stands();
}

models! {
    a_take_over: TAKE_OVER,
        fence_tested_once "fence-tested-once" FENCED,
        check_then_store "check-then-store" FENCED;
}
