//! Calls during and after close, from many threads; pages come back into use.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use lifesign::{CheckSpec, ErrorKind, Status, SubscriptionFilter};

use crate::support::every_call::{self, EVERY_CALL, OneOfEach};
use crate::support::random::Random;
use crate::support::{alias, breaks, check, engine, kind, service, slot};

#[test]
fn the_list_of_every_call_has_every_call() {
    let forgotten = every_call::forgotten();
    assert!(forgotten.is_empty(), "{forgotten:?}: tests/support/every_call.rs");
}

#[test]
fn after_close_every_call_says_so() {
    let _whole = breaks::none();
    let all = OneOfEach::new();
    let OneOfEach { engine, web, alive, mirror, .. } = &all;
    let held = engine.snapshot(alive).unwrap();
    engine.close();
    engine.close();
    assert_eq!(
        (alive.status(), mirror.status(), web.status(), engine.node_status()),
        (None, None, None, None)
    );
    let things = all.things();
    for call in EVERY_CALL {
        assert_eq!(call.refusal(&things), call.when_closed, "{}", call.name);
    }
    assert_eq!(kind(engine.snapshot(mirror)), ErrorKind::Closed);
    assert_eq!((held.id(), held.status()), ("web:alive", Status::Passing), "what was handed out stays");
}

#[test]
fn calls_that_meet_a_close_finish_or_say_so() {
    const THREADS: usize = 6;
    let _whole = breaks::none();
    let mut met = 0;
    for round in 0..60 {
        let engine = engine();
        let web = service(&engine, "web");
        let checks: Vec<_> = (0..4).map(|at| check(&engine, &format!("web:{at}"), Some(&web))).collect();
        let mirror = alias(&engine, "sidecar", None, "web");
        let tokens: Vec<_> = checks.iter().map(|check| engine.acquire(check, "U").unwrap()).collect();
        let start = Barrier::new(THREADS + 1);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (engine, checks, tokens, mirror, web, start) =
                        (&engine, &checks, &tokens, &mirror, &web, &start);
                    scope.spawn(move || {
                        let mut random = Random::new((round * THREADS + thread) as u64);
                        let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
                        start.wait();
                        let mut succeeded = 0u64;
                        loop {
                            let at = random.below(4) as usize;
                            let outcome = match random.below(9) {
                                0 => tokens[at].write(Status::Critical, "down"),
                                1 => tokens[at].write(Status::Passing, "up"),
                                2 => engine.snapshot(&checks[at]).map(drop),
                                3 => engine.snapshot(mirror).map(drop),
                                4 => engine.service_snapshot(web).map(drop),
                                5 => subscription.poll(8).map(drop),
                                6 => match subscription.wait(Some(Duration::from_millis(1))) {
                                    Err(error) if error.kind() == ErrorKind::Timeout => Ok(()),
                                    other => other,
                                },
                                7 => engine
                                    .register_check(&CheckSpec::new(format!("new {thread}")), Some(web))
                                    .and_then(|check| engine.deregister_check(&check)),
                                _ => engine.subscribe(&SubscriptionFilter::service(web, true)).map(drop),
                            };
                            match outcome {
                                Ok(()) => succeeded += 1,
                                Err(error) => {
                                    // A call that raced with the close may also find that its things are gone.
                                    let over = [ErrorKind::Closed, ErrorKind::Gone, ErrorKind::ForeignEngine];
                                    assert!(over.contains(&error.kind()), "{error}");
                                    break succeeded;
                                }
                            }
                        }
                    })
                })
                .collect();
            start.wait();
            thread::sleep(Duration::from_micros(200 * (round as u64 % 10)));
            engine.close();
            assert!(checks.iter().all(|check| check.status().is_none()));
            assert_eq!((mirror.status(), web.status()), (None, None));
            met += threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .filter(|succeeded| *succeeded > 0)
                .count();
        });
        assert!(checks.iter().all(|check| check.status().is_none()), "no late call brings a check back");
        assert_eq!((mirror.status(), web.status()), (None, None));
    }
    assert!(met > 60, "only {met} threads were under way when an engine closed");
}

#[test]
fn pages_of_closed_engines_are_used_again() {
    let _alone = breaks::alone();
    let mut highest = 0;
    for round in 0..600 {
        let engine = engine();
        let checks: Vec<_> = (0..50).map(|at| check(&engine, &at.to_string(), None)).collect();
        let top = checks.iter().map(slot).max().unwrap();
        // The first rounds go through the pages that other tests have left.
        if round < 200 {
            highest = highest.max(top);
        }
        assert!(top <= highest, "round {round}: memory does not grow with the engines that have been");
        drop(engine);
        assert!(checks.iter().all(|check| check.status().is_none()));
    }
}

#[test]
fn handles_of_a_closed_engine_stay_dead_in_the_next_one() {
    let _whole = breaks::none();
    let mut dead = Vec::new();
    for _ in 0..20 {
        let engine = engine();
        let alive = check(&engine, "a", None);
        assert_eq!(alive.status(), Some(Status::Passing));
        for old in &dead {
            assert_ne!(*old, alive);
            let refused = kind(engine.snapshot(old));
            assert!([ErrorKind::Gone, ErrorKind::ForeignEngine].contains(&refused), "{refused}");
        }
        dead.push(alive);
        drop(engine);
        assert!(dead.iter().all(|check| check.status().is_none()));
    }
}
