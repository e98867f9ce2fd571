//! Who resumes at a cursor misses nothing that was committed, wherever the writer stands (S8).

use std::collections::VecDeque;

use super::mark_take::subscription;
use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing};
use crate::subscribe::interest::{self, Change, Class};
use crate::subscribe::resume::{is_changed, take_round};

const MISSED: &str =
    "resume: a commit is neither delivered before the cursor nor marked for who resumes there";

const RESUME: Model = Model { name: "resume", run: resume };

/// One writes while another takes what is pending, ends its subscription and begins a new one at the cursor.
fn resume(world: &'static World, roles: Roles) {
    let check = world.check(&world.summary("home"), None, Passing);
    let (cell, slot) = (check.place.cell, check.place.slot);
    let before = cell.snapshot.load().unwrap().version;
    let (first, second) = (subscription(), subscription());
    interest::add(&cell.interest, &first, Class::Own);
    let resumed = second.clone();
    let subscriber = move || {
        let mut taken = VecDeque::new();
        let cursor = take_round(&world.revisions, &first.dirty, &mut taken);
        let delivered = if taken.is_empty() { before } else { cell.snapshot.load().unwrap().version };
        interest::remove(&cell.interest, &first);
        interest::add(&cell.interest, &resumed, Class::Own);
        if is_changed(cell, cursor) {
            resumed.notify(slot, Change::UNKNOWN);
        }
        delivered
    };
    let (committed, delivered) = roles.run(move || world.report(check, Critical), subscriber);
    assert!(delivered >= committed.after.version || second.dirty.is_marked(slot), "{MISSED}");
}

models! {
    a_cursor: RESUME,
        stamp_before_mark "stamp-before-mark" MISSED,
        cursor_after_marks "cursor-after-marks" MISSED,
        resume_ignores_unsettled "resume-ignores-unsettled" MISSED;
}
