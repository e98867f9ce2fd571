//! A write that leaves the status alone may leave the summaries alone, but only if the write before it was through (A1, A5).

use super::world::World;
use super::{Model, Roles, models};
use crate::model::status::Status::{Critical, Passing};

const SHOWN: &str =
    "settled_skip: a write of the output alone returned before anybody could see its status in the summary";
const REPEATED: &str = "settled_skip: a write that found its state committed returned before it is shown";

const REPEAT: Model = Model { name: "settled_repeat", run: repeat };
const SKIP: Model = Model { name: "settled_skip", run: skip };

/// One call changes the status, another changes only the output.
fn skip(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Passing);
    let seen = home.clone();
    let status = move || world.report(check, Critical);
    let output = move || {
        let committed = world.reword(check, "the same, in other words");
        assert!(check.is_shown_by(&home, &committed), "{SHOWN}");
    };
    let (committed, ()) = roles.run(status, output);
    assert_eq!(
        committed.after.status,
        seen.word().shown(),
        "settled_skip: a change of the status is not shown in the end"
    );
}
/// Two calls write the same: the later finds it committed and has nothing to add.
fn repeat(world: &'static World, roles: Roles) {
    let home = world.summary("home");
    let check = world.check(&home, Some(0), Passing);
    let write = move || {
        let home = home.clone();
        move || {
            world.repeat(check, Critical);
            assert_eq!(check.place.cell.status().load().status(), Some(Critical), "{REPEATED}");
            assert_eq!(home.word().shown(), Critical, "{REPEATED}");
        }
    };
    roles.run(write(), write());
}

models! {
    status_and_output: SKIP,
        skip_unsettled "skip-unsettled" SHOWN,
        settle_before_summaries "settle-before-summaries" SHOWN;
    the_same_twice: REPEAT,
        heartbeat_unpaid "heartbeat-unpaid" REPEATED;
}
