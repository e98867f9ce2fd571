//! Sequences that have shown a difference once.

use lifesign::Status::{self, Critical, Passing, Warning};

use crate::op::{Bounds, CheckRef, Filter, Home, Kind, Op, Scope, Sequence, ServiceRef, TokenRef};
use crate::{execute, story};

/// Everything that is critical.
const ALL: Filter = Filter { scope: Scope::All, least: Critical, transitions_only: false };

fn register(id: &'static str, home: Home, kind: Kind, initial: Status) -> Op {
    Op::Register { id, home, kind, initial, text: 0, restored: None }
}

fn agree(ops: &[Op]) {
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
