//! When a join returns, the calls have left, the token is closed unless only those were waited for, and no wake is missed (W5), nor that of a
//! close of the engine.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::world::World;
use super::{Model, Roles, models};
use crate::writer::joins::Joins;
use crate::writer::token::{Calls, Joined};

const RUNS: &str = "join: a call runs after the join returned";
const LEFT: &str = "join: it returned and does not see what the runner did";
const OPEN: &str = "join: it returned and the token is not closed";
const KEPT: &str = "join: it ended and the engine still knows of it";
const MISSED: &str = "signal: a thread sleeps and nobody is left to wake it";

const JOIN: Model = Model { name: "join", run: join };
const CALLS: Model = Model { name: "join_calls", run: calls_only };
const CLOSE: Model = Model { name: "join_close", run: close };
const LATE: Model = Model { name: "join_late", run: late };

/// What a call does; nothing in it orders anything.
struct Work(AtomicU32);

impl Work {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU32::new(0)))
    }

    fn put(&self, done: u32) {
        self.0.store(done, Ordering::Relaxed);
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A runner makes two calls and closes its token; its successor joins.
fn join(_: &'static World, roles: Roles) {
    let (calls, work) = (Arc::new(Calls::new()), Work::new());
    let (joined, done) = (calls.clone(), work.clone());
    let run = move || {
        for number in [1, 2] {
            let call = calls.enter().expect("the token is open");
            work.put(number);
            drop(call);
        }
        work.put(3);
        assert!(calls.close().is_some(), "join: the first close is not the first");
    };
    let succeed = move || {
        assert_eq!(joined.join(false, None, || false), Joined::Over);
        assert!(joined.is_over(), "{OPEN}");
        assert_eq!(done.get(), 3, "{LEFT}");
    };
    roles.run(run, succeed);
}

/// The calls alone are waited for: those that had begun before the join are over.
fn calls_only(_: &'static World, roles: Roles) {
    let (calls, work, begun) = (Arc::new(Calls::new()), Work::new(), Arc::new(AtomicU32::new(0)));
    let (joined, done, seen) = (calls.clone(), work.clone(), begun.clone());
    let run = move || {
        let call = calls.enter().expect("the token is open");
        begun.store(1, Ordering::Release);
        work.put(1);
        drop(call);
    };
    let succeed = move || {
        let begun = seen.load(Ordering::Acquire) == 1;
        assert_eq!(joined.join(true, None, || false), Joined::Over);
        assert!(!begun || done.get() == 1, "{LEFT}");
    };
    roles.run(run, succeed);
}

/// A call comes while the token is being closed and joined.
fn late(_: &'static World, roles: Roles) {
    let (calls, work, over) = (Arc::new(Calls::new()), Work::new(), Work::new());
    let (joined, done, returned) = (calls.clone(), work.clone(), over.clone());
    let call = move || {
        let call = calls.enter();
        let entered = call.is_some();
        if entered {
            work.put(1);
            assert_eq!(over.get(), 0, "{RUNS}");
        }
        drop(call);
        entered
    };
    let close = move || {
        drop(joined.close());
        assert_eq!(joined.join(false, None, || false), Joined::Over);
        returned.put(1);
        assert!(joined.enter().is_none(), "{OPEN}");
        done.get()
    };
    let (entered, seen) = roles.run(call, close);
    assert_eq!(entered, seen == 1, "{LEFT}");
}

/// Nobody closes the token that is waited for, but the engine is closed.
fn close(_: &'static World, roles: Roles) {
    let (joins, closed) = (Arc::new(Joins::new()), Arc::new(AtomicBool::new(false)));
    let (ended, seen) = (joins.clone(), closed.clone());
    let close = move || {
        closed.store(true, Ordering::Release);
        ended.end();
    };
    let wait = move || {
        let old = Arc::new(Calls::new());
        let joined = joins.join(&old, false, None, || seen.load(Ordering::Acquire));
        assert_eq!(joined, Joined::EngineClosed, "join: it ended and nothing had happened");
        assert_eq!(Arc::strong_count(&old), 1, "{KEPT}");
    };
    roles.run(close, wait);
}

models! {
    a_runner_that_leaves: JOIN,
        join_look_before_announce "join-look-before-announce" MISSED,
        join_count_after_look "join-count-after-look" MISSED;
    the_calls_alone: CALLS,
        join_calls_look_before_announce "join-look-before-announce" MISSED;
    a_close_of_the_engine: CLOSE,
        close_forgets_joiners "close-forgets-joiners" MISSED,
        join_looks_closed_first "join-looks-closed-first" MISSED,
        joiner_not_forgotten "joiner-not-forgotten" KEPT;
    a_call_that_comes_late: LATE,
        enter_look_then_count "enter-look-then-count" RUNS;
}
