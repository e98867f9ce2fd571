//! Sequences that have shown a difference once.

use lifesign::Status::{self, Critical, Passing, Warning};

use crate::op::{
    Bounds, CheckRef, CursorTold, Expected, Filter, Home, Kind, Op, Restored, Scope, Sequence, ServiceRef,
    TokenRef,
};
use crate::support::breaks;
use crate::{execute, story};

/// Everything that is critical.
const ALL: Filter = Filter { scope: Scope::All, least: Critical, transitions_only: false };

fn register(id: &'static str, home: Home, kind: Kind, initial: Status) -> Op {
    Op::Register { id, home, kind, initial, text: 0, restored: None }
}

fn agree(ops: &[Op]) {
    let _whole = breaks::none();
    let sequence = Sequence { bounds: Bounds::Wide, ops: ops.to_vec() };
    if let Err(difference) = execute(&sequence, None, |_, _| {}) {
        panic!("{difference}\n{}", story(&sequence));
    }
}

#[test]
fn a_partial_take_is_no_end() {
    let poll = |most| Op::Poll { subscription: 0, most };
    agree(&[
        register("web:1", None, Kind::Alias("web"), Passing),
        register("a", None, Kind::Alias("db"), Passing),
        Op::Subscribe { filter: ALL },
        Op::RegisterService { id: "db", text: 0 },
        poll(1),
        poll(1),
        poll(1),
        poll(1),
    ]);
}
#[test]
fn what_changes_after_a_partial_take_is_told_as_it_is() {
    let poll = |most| Op::Poll { subscription: 0, most };
    agree(&[
        register("web:1", None, Kind::Alias("web"), Passing),
        register("a", None, Kind::Alias("db"), Passing),
        Op::Subscribe { filter: ALL },
        Op::RegisterService { id: "db", text: 0 },
        poll(0),
        register("web", None, Kind::Direct, Warning),
        poll(1),
        poll(1),
        poll(1),
        poll(1),
    ]);
}

/// The rest of a partial take has older numbers than the summary now has, and the same face.
#[test]
fn a_summary_that_is_back_where_it_was_is_told_as_it_is() {
    let poll = |most| Op::Poll { subscription: 1, most };
    let acquire = |id| Op::Acquire { check: CheckRef(id, 0), label: "one", lease: None };
    let filter = |scope| Filter { scope, least: Passing, transitions_only: false };
    agree(&[
        Op::RegisterService { id: "web", text: 0 },
        register("web:1", None, Kind::Direct, Warning),
        Op::Subscribe { filter: filter(Scope::Service(ServiceRef("web", 0), true)) },
        Op::Subscribe { filter: filter(Scope::All) },
        register("web", None, Kind::Direct, Passing),
        acquire("web:1"),
        poll(0),
        acquire("web"),
        poll(usize::MAX),
        Op::WriteBatch {
            writes: [
                (TokenRef("web:1", 0), Warning, "up"),
                (TokenRef("web:1", 0), Warning, ""),
                (TokenRef("a", 0), Passing, ""),
            ],
        },
    ]);
}

/// The mark of a change that the rest of a partial take has told already stays behind, and takes what is committed later with it.
#[test]
fn a_mark_that_stays_behind_may_tell_what_does_not_match() {
    let poll = |subscription, most| Op::Poll { subscription, most };
    let filter = |scope, least| Filter { scope, least, transitions_only: false };
    let restored = Restored { status: Passing, output: "", since: 1_699_999_999_999_999_999 };
    agree(&[
        Op::RegisterService { id: "web", text: 0 },
        register("web", None, Kind::Direct, Critical),
        Op::Subscribe { filter: filter(Scope::All, Warning) },
        Op::Subscribe { filter: filter(Scope::Check(CheckRef("web", 0)), Passing) },
        poll(1, 0),
        Op::Again { check: CheckRef("web", 0), restored: Some(restored) },
        poll(1, 1),
        Op::TakeOver { check: CheckRef("web", 0), expected: Expected::Present, label: "one", lease: None },
    ]);
    let web = Some(ServiceRef("web", 0));
    agree(&[
        Op::RegisterService { id: "web", text: 0 },
        Op::Subscribe { filter: filter(Scope::Service(ServiceRef("web", 0), true), Critical) },
        register("web:1", web, Kind::Alias("é"), Passing),
        poll(0, 0),
        Op::Subscribe { filter: filter(Scope::All, Passing) },
        Op::RegisterService { id: "é", text: 0 },
        poll(1, 1),
        Op::Deregister { check: CheckRef("web:1", 0) },
    ]);
}

/// A restored status is no transition, and the one before it may have matched.
#[test]
fn the_end_of_what_was_restored_is_told_to_a_resumed_subscription() {
    let poll = Op::Poll { subscription: 0, most: usize::MAX };
    let restored = Restored { status: Passing, output: "", since: 1_699_999_999_999_999_999 };
    agree(&[
        Op::RegisterService { id: "web", text: 0 },
        register("a", None, Kind::Direct, Passing),
        Op::Subscribe { filter: Filter { scope: Scope::All, least: Warning, transitions_only: false } },
        poll,
        register("web:1", None, Kind::Direct, Critical),
        poll,
        Op::Again { check: CheckRef("web:1", 0), restored: Some(restored) },
        Op::RegisterService { id: "web", text: 0 },
        poll,
        Op::Deregister { check: CheckRef("web:1", 0) },
        Op::Resume { cursor: 2, told: CursorTold::AsItWas },
    ]);
}
