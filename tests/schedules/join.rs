//! Join: N waits for O's runner to leave, apart from the fence (W5).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use lifesign::{Engine, ErrorKind, Join, Stats, Status, Token};
use shuttle::sync::Mutex;

use super::support::{self, check, engine, kind};
use super::{ASLEEP, Script, reached, schedules, scope};
use crate::cell::word::flag;

const LEFT: &str = "join: it returned while a call of the old token was under way, or before it was closed";
const FENCED: &str = "join: a write of the old token took effect after the take-over";
const NAMED: &str = "join: it is not said for whom one waits";

const CLOSED: Script = Script {
    name: "join_closed",
    run: closed,
    overlaps: &["O was still running", "O was done", "O committed", "O was FENCED"],
};
const CALLS: Script =
    Script { name: "join_calls", run: calls, overlaps: &["both waited", "one waited", "nobody waited"] };
const LOCKED: Script =
    Script { name: "join_locked", run: locked, overlaps: &["O wanted the lock", "O was before"] };

fn join(timeout: Option<Duration>, calls_only: bool) -> Join {
    Join { timeout, calls_only }
}

/// What the calls of tokens have done so far.
fn done(engine: &Engine) -> Stats {
    Stats { tokens: 0, ..engine.stats().unwrap() }
}

/// Two threads use O's token: one writes, the other closes it. N waits for both.
fn closed() {
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = engine.acquire(&check, "O").unwrap();
    let closing = AtomicBool::new(false);
    scope(|scope| {
        let writer = scope.spawn(|| o.write(Status::Critical, "O's").map_err(|error| error.kind()));
        let closer = scope.spawn(|| {
            assert_eq!(kind(o.join(&o, Join::default())), ErrorKind::WouldDeadlock);
            closing.store(true, Relaxed);
            o.close().unwrap();
        });
        let n = engine.take_over(&check, o.generation(), "N").expect("nobody else takes over");
        match n.join(&o, join(Some(Duration::ZERO), false)) {
            Ok(()) => reached("O was done"),
            Err(refused) => {
                reached("O was still running");
                assert_eq!(refused.kind(), ErrorKind::StillRunning);
                assert_eq!(refused.holder().map(|record| &*record.label), Some("O"), "{NAMED}");
            }
        }
        n.write(Status::Passing, "N's").expect(FENCED);
        n.join(&o, join(None, false)).unwrap();
        assert!(closing.load(Relaxed), "{LEFT}");
        let left = done(&engine);
        match writer.join().unwrap() {
            Ok(()) => reached("O committed"),
            Err(ErrorKind::Fenced) => reached("O was FENCED"),
            refused => assert_eq!(refused, Err(ErrorKind::Revoked)),
        }
        assert_eq!(done(&engine), left, "{LEFT}");
        assert_eq!(
            (check.status(), engine.snapshot(&check).unwrap().output()),
            (Some(Status::Passing), "N's"),
            "{FENCED}"
        );
        closer.join().unwrap();
    });
}

/// Two others wait for O's call to leave, and O's token stays open.
fn calls() {
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = engine.acquire(&check, "O").unwrap();
    let waiters = ["one", "other"].map(|id| {
        let check = support::check(&engine, id, None);
        engine.acquire(&check, id).unwrap()
    });
    let wait = |n: &Token| {
        let inside = n.join(&o, join(Some(Duration::ZERO), true)).is_err();
        n.join(&o, join(None, true)).unwrap();
        if inside {
            // The call that was found inside has left, and left nothing undone.
            let word = check.place.cell.status().load();
            assert!(word.status() == Some(Status::Critical) && word.has(flag::SETTLED), "{LEFT}");
        }
        inside
    };
    scope(|scope| {
        scope.spawn(|| o.write(Status::Critical, "O's").unwrap());
        let one = scope.spawn(|| wait(&waiters[0]));
        reached(match (wait(&waiters[1]), one.join().unwrap()) {
            (true, true) => "both waited",
            (false, false) => "nobody waited",
            _ => "one waited",
        });
    });
    assert_eq!(kind(waiters[0].join(&o, join(Some(Duration::ZERO), false))), ErrorKind::StillRunning);
}

/// N holds a lock of its own that O wants before it can leave: the take-over waits for nobody, and the join can be given up.
fn locked() {
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = engine.acquire(&check, "O").unwrap();
    let lock = Mutex::new(());
    scope(|scope| {
        let runner = scope.spawn(|| {
            let _wanted = lock.lock().unwrap();
            let outcome = o.write(Status::Critical, "O's").map_err(|error| error.kind());
            o.close().unwrap();
            outcome
        });
        let held = lock.lock().unwrap();
        let n = engine.take_over(&check, o.generation(), "N").expect("nobody else takes over");
        let given_up = n.join(&o, join(Some(Duration::ZERO), false)).is_err();
        n.write(Status::Passing, "N needs nobody to leave").expect(FENCED);
        drop(held);
        n.join(&o, join(None, false)).unwrap();
        let outcome = runner.join().unwrap();
        if given_up {
            reached("O wanted the lock");
            assert_eq!(outcome, Err(ErrorKind::Fenced), "{FENCED}");
        } else {
            reached("O was before");
            assert_eq!(outcome, Ok(()));
        }
        assert_eq!(check.status(), Some(Status::Passing), "{FENCED}");
    });
}

schedules! {
    a_token_that_is_closed: CLOSED,
        join_counts_late "join-counts-late" ASLEEP;
    calls_that_leave: CALLS,
        join_counts_late_for_calls "join-counts-late" ASLEEP;
    a_lock_of_the_caller: LOCKED,
        join_counts_late_beside_a_lock "join-counts-late" ASLEEP;
}
