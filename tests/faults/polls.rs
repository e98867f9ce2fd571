//! A poll that panics in the middle loses nothing: what it had taken comes again, with the mark of a resync.

use std::time::Instant;

use lifesign::failpoint::{panic_at, trace};
use lifesign::{CheckSpec, Config, Engine, Limits, Status, Subscription, SubscriptionFilter, Token};

use crate::follower::{Follower, truth};
use crate::support::{PATIENCE, alias, breaks, check, evidence, is_readable, service};

struct Pending {
    engine: Engine,
    subscription: Subscription,
    follower: Follower,
    _tokens: Vec<Token>,
}

/// A subscription that has read the beginning; since then every check has changed, one has gone and one has come. With `overflown` more have
/// gone than are kept for it.
fn pending(overflown: bool) -> Pending {
    let limits = Limits { max_pending: 4, ..Limits::default() };
    let engine = Engine::open(Config { limits, ..Config::default() }).unwrap();
    let web = service(&engine, "web");
    // More than are read in one portion; where each is marked by the poll itself, each is a step of it.
    let count = if overflown { 30 } else { 300 };
    let checks: Vec<_> = (0..count).map(|at| check(&engine, &format!("web:{at}"), Some(&web))).collect();
    alias(&engine, "mirror", None, "web");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    subscription.descriptor().unwrap();
    let mut follower = Follower::default();
    follower.read(&subscription);
    let (gone, changed) = checks.split_at(if overflown { 8 } else { 1 });
    let tokens: Vec<_> = changed.iter().map(|check| engine.acquire(check, "probe").unwrap()).collect();
    tokens.iter().for_each(|token| token.write(Status::Critical, token.check_id()).unwrap());
    gone.iter().for_each(|check| engine.deregister_check(check).unwrap());
    engine.register_check(&CheckSpec::new("web:new"), Some(&web)).unwrap();
    Pending { engine, subscription, follower, _tokens: tokens }
}

/// A panic at each step of a poll, and one after it at the same step of the next.
fn at_every_step(overflown: bool) -> usize {
    let whole = pending(overflown);
    let (batch, steps) = trace(|| whole.subscription.poll(usize::MAX).unwrap());
    assert_eq!(batch.resync, overflown);
    for (number, step) in steps.iter().enumerate() {
        for times in 1..=2 {
            let Pending { engine, subscription, mut follower, _tokens } = pending(overflown);
            for _ in 0..times {
                let (result, injected) = panic_at(number, || subscription.poll(usize::MAX).map(drop));
                // The second poll delivers the whole state, and may come past other steps.
                assert!(injected || times == 2, "{step}: the panic came");
                assert_eq!(result.is_err(), injected, "{step}");
            }
            let descriptor = subscription.descriptor().unwrap();
            assert!(is_readable(descriptor), "what is pending is to be seen after a panic at {step}");
            subscription.wait(Some(PATIENCE)).expect("what is pending ends a wait");
            follower.read(&subscription);
            let told = follower.known(|_| true);
            assert!(told == truth(&engine, |_| true), "nothing is lost by a panic at {step}");
            assert!(!is_readable(descriptor), "everything was read");
        }
    }
    steps.len()
}

#[test]
fn a_poll_that_panics_loses_nothing() {
    let begun = Instant::now();
    let mut steps = 0;
    {
        let _whole = breaks::none();
        for overflown in [false, true] {
            steps += at_every_step(overflown);
        }
    }
    breaks::notices("poll-panic-forgets", "nothing is lost by a panic at poll:read", || {
        _ = at_every_step(false)
    });
    assert!(steps >= 6, "only {steps} steps");
    evidence::tell("faults", "a poll panics at a step: nothing is lost", steps, begun);
}

#[test]
fn a_reader_that_panics_in_a_batch_loses_nothing() {
    let _whole = breaks::none();
    let Pending { engine, subscription, mut follower, _tokens } = pending(false);
    // What has taken some of the events of a round goes on with the rest; a panic in between makes it start anew.
    follower.take_in(subscription.poll(7).unwrap());
    let (result, injected) = panic_at(0, || subscription.wait(Some(PATIENCE)));
    assert!(injected && result.is_err(), "before it enters, a wait that panics changes nothing");
    follower.read(&subscription);
    assert!(follower.known(|_| true) == truth(&engine, |_| true) && follower.resyncs == 0);
}
