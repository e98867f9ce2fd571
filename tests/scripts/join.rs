//! Join: waiting for an old runner to leave, apart from the fence.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use lifesign::{ErrorKind, Join, Status};

use crate::support::overlap::{this_thread, until_asleep};
use crate::support::{PATIENCE, breaks, check, engine, kind, parked};

const NOW: Duration = Duration::ZERO;

fn join(timeout: Duration, calls_only: bool) -> Join {
    Join { timeout: Some(timeout), calls_only }
}

#[test]
fn a_call_under_way_is_waited_for() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = Arc::new(engine.acquire(&check, "O").unwrap());
    let old = o.clone();
    let inside = parked::at("commit:drawn", move || old.write(Status::Critical, "O's"));
    let n = Arc::new(engine.take_over(&check, o.generation(), "N").unwrap());
    n.write(Status::Passing, "safety needs no join").unwrap();
    for calls_only in [false, true] {
        let refused = n.join(&o, join(NOW, calls_only)).expect_err("O is inside a call");
        assert_eq!(refused.kind(), ErrorKind::StillRunning);
        assert_eq!(refused.holder().map(|record| &*record.label), Some("O"), "it is said for whom one waits");
    }
    let (waiter, old) = (n.clone(), o.clone());
    let waiting = thread::spawn(move || waiter.join(&old, join(PATIENCE, true)));
    inside.release();
    waiting.join().unwrap().expect("the call has left");
    assert_eq!(kind(inside.finish()), ErrorKind::Fenced);
    assert_eq!(kind(n.join(&o, join(NOW, false))), ErrorKind::StillRunning, "O has not closed its token");
    o.close().unwrap();
    n.join(&o, join(NOW, false)).expect("O is done");
    assert_eq!(engine.snapshot(&check).unwrap().output(), "safety needs no join");
}

#[test]
fn closing_ends_a_join_that_waits() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "api:web", None);
    for _ in 0..1_000 {
        let generation = engine.who(&check).unwrap().generation;
        let o = Arc::new(engine.acquire(&check, "O").unwrap());
        assert_eq!(o.generation(), generation + 1);
        let n = engine.take_over(&check, o.generation(), "N").unwrap();
        let (say, thread) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                say.send(this_thread()).unwrap();
                n.join(&o, join(PATIENCE, false)).expect("O closes its token");
            });
            until_asleep(thread.recv().unwrap());
            o.close().unwrap();
        });
    }
}

#[test]
fn closing_the_engine_ends_a_join_that_waits() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = engine.acquire(&check, "O").unwrap();
    let n = engine.take_over(&check, o.generation(), "N").unwrap();
    let (say, thread) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            say.send(this_thread()).unwrap();
            assert_eq!(kind(n.join(&o, join(PATIENCE, false))), ErrorKind::Closed, "O is still there");
        });
        until_asleep(thread.recv().unwrap());
        engine.close();
    });
    assert_eq!(kind(n.join(&o, join(NOW, false))), ErrorKind::Closed, "nor is it waited for later");
    o.close().unwrap();
    n.join(&o, join(NOW, false)).expect("O is done");
}

#[test]
fn a_runner_cannot_wait_for_itself() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = engine.acquire(&check, "O").unwrap();
    assert_eq!(kind(o.join(&o, Join::default())), ErrorKind::WouldDeadlock);
    o.write(Status::Passing, "goes on").unwrap();
}

#[test]
fn a_lock_of_the_caller_that_the_old_runner_wants_is_no_deadlock() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "api:web", None);
    let o = engine.acquire(&check, "O").unwrap();
    let lock = Mutex::new(());
    thread::scope(|scope| {
        let held = lock.lock().unwrap();
        let n = engine.take_over(&check, o.generation(), "N").unwrap();
        let o = &o;
        let runner = scope.spawn(|| {
            let _wanted = lock.lock().unwrap();
            let refused = o.write(Status::Critical, "O's");
            o.close().unwrap();
            refused
        });
        // The old runner cannot leave before this lock is given back; the join ends all the same.
        assert_eq!(kind(n.join(o, join(Duration::from_millis(20), false))), ErrorKind::StillRunning);
        n.write(Status::Passing, "N needs nobody to leave").unwrap();
        drop(held);
        n.join(o, join(PATIENCE, false)).expect("O leaves once it has its lock");
        assert_eq!(kind(runner.join().unwrap()), ErrorKind::Fenced);
    });
}

#[test]
fn tokens_of_two_engines_do_not_join() {
    let _whole = breaks::none();
    let (one, other) = (engine(), engine());
    let n = one.acquire(&check(&one, "a", None), "N").unwrap();
    let o = other.acquire(&check(&other, "a", None), "O").unwrap();
    assert_eq!(kind(n.join(&o, Join::default())), ErrorKind::ForeignEngine);
}

#[test]
fn a_join_comes_after_what_the_close_has_to_do() {
    breaks::notices("close-joined-early", "the joined token still holds its check", || {
        let engine = engine();
        let own = engine.acquire(&check(&engine, "own", None), "N").unwrap();
        let check = check(&engine, "api:web", None);
        let o = Arc::new(engine.acquire(&check, "O").unwrap());
        let old = o.clone();
        let closing = parked::at("commit:loaded", move || old.close());
        let joined = own.join(&o, join(NOW, false));
        let acquired = engine.acquire(&check, "N");
        closing.finish().unwrap();
        assert!(joined.is_err() || acquired.is_ok(), "the joined token still holds its check");
        own.join(&o, join(NOW, false)).expect("O is done");
        drop(acquired);
        engine.acquire(&check, "N").expect("the check is free");
    });
}
