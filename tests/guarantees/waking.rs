//! S9 and S10: whoever waits is woken, the descriptor is level-triggered, and the end is clean.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lifesign::{ErrorKind, Status, SubscriptionFilter};

use crate::support::overlap::{this_thread, until_asleep};
use crate::support::{
    PATIENCE, alias, breaks, check, drain, engine, ids, is_readable, kind, parked, service, token,
    wait_readable,
};

const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];

#[test]
fn s9_the_descriptor_is_level_triggered() {
    let _whole = breaks::none();
    let engine = engine();
    let (one, other) = (token(&engine, "one"), token(&engine, "other"));
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let descriptor = subscription.descriptor().unwrap();
    assert_eq!(subscription.descriptor().unwrap(), descriptor);
    assert!(is_readable(descriptor), "the matching state is pending");
    drain(&subscription);
    assert!(!is_readable(descriptor), "all is taken");
    one.write(Status::Critical, "").unwrap();
    other.write(Status::Critical, "").unwrap();
    assert!(is_readable(descriptor) && is_readable(descriptor), "looking takes nothing");
    assert_eq!(subscription.poll(1).unwrap().events.len(), 1);
    assert!(is_readable(descriptor), "a partial take leaves it readable");
    assert_eq!(subscription.poll(0).unwrap().events.len(), 0);
    assert!(is_readable(descriptor));
    assert_eq!(subscription.poll(1).unwrap().events.len(), 1);
    assert!(!is_readable(descriptor));
    subscription.wait(Some(Duration::ZERO)).expect_err("nothing is pending");
    assert!(!is_readable(descriptor));
    one.write(Status::Passing, "").unwrap();
    subscription.wait(Some(PATIENCE)).unwrap();
    assert!(is_readable(descriptor), "a wait takes nothing");
    drain(&subscription);
    one.write(Status::Passing, "").unwrap();
    assert!(!is_readable(descriptor), "a heartbeat wakes nobody");
}

#[test]
fn s9_a_descriptor_asked_for_late_shows_what_is_pending() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&subscription);
    token.write(Status::Critical, "").unwrap();
    assert!(is_readable(subscription.descriptor().unwrap()));
}

#[test]
fn s9_who_does_not_match_is_not_woken() {
    let _whole = breaks::none();
    let engine = engine();
    let (one, other) = (token(&engine, "one"), token(&engine, "other"));
    let filters = [
        SubscriptionFilter::check(&one.check()).at_least(Status::Passing),
        SubscriptionFilter::prefix("one"),
        SubscriptionFilter::all().at_least(Status::Critical),
    ]
    .map(|filter| engine.subscribe(&filter).unwrap());
    for subscription in &filters {
        subscription.descriptor().unwrap();
        drain(subscription);
    }
    for number in 0..100 {
        other.write(Status::Warning, &number.to_string()).unwrap();
    }
    assert!(filters.iter().all(|subscription| !is_readable(subscription.descriptor().unwrap())));
    assert_eq!(engine.stats().unwrap().spurious_wakes, 0);
}

/// A second thread pays what the first owes, so that the state is told before the first marks it too.
fn woken_in_vain() {
    let engine = engine();
    let token = Arc::new(token(&engine, "a"));
    let all = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let descriptor = all.descriptor().unwrap();
    drain(&all);
    let writer = token.clone();
    let standing = parked::at("commit:published", move || writer.write(Status::Warning, "slow"));
    token.write(Status::Warning, "slow").unwrap();
    assert_eq!(ids(&drain(&all)), ["a"], "who helps tells it");
    assert_eq!(engine.stats().unwrap().helps, 1);
    assert!(!is_readable(descriptor) && engine.stats().unwrap().spurious_wakes == 0);
    standing.finish().unwrap();
    assert!(is_readable(descriptor), "it is marked once more");
    assert!(drain(&all).is_empty(), "and was told");
    assert_eq!(engine.stats().unwrap().spurious_wakes, 1, "a wake-up with nothing to find is counted");
    assert!(!is_readable(descriptor) && drain(&all).is_empty());
    assert_eq!(engine.stats().unwrap().spurious_wakes, 1, "who was not woken found nothing in vain");
    drop(all);
    assert_eq!(engine.stats().unwrap().spurious_wakes, 1, "what has ended still counts");
}

#[test]
fn p5_wake_ups_in_vain_are_counted() {
    breaks::notices("spurious-wake-uncounted", "a wake-up with nothing to find is counted", woken_in_vain);
}

#[test]
fn s9_nobody_is_woken_for_an_alias_that_has_ended() {
    breaks::notices("ended-alias-stays-followed", "it is woken for what has ended", || {
        let engine = engine();
        let web = service(&engine, "web");
        let alive = engine.acquire(&check(&engine, "alive", Some(&web)), "U").unwrap();
        let (one, other) = (alias(&engine, "api:1", None, "web"), alias(&engine, "api:2", None, "web"));
        let prefix = engine.subscribe(&SubscriptionFilter::prefix("api:")).unwrap();
        let single = engine.subscribe(&SubscriptionFilter::check(&one)).unwrap();
        engine.deregister_check(&one).unwrap();
        drain(&prefix);
        drain(&single);
        alive.write(Status::Critical, "down").unwrap();
        assert_eq!(ids(&drain(&prefix)), ["api:2"], "another alias is followed still");
        engine.deregister_check(&other).unwrap();
        drain(&prefix);
        alive.write(Status::Passing, "up").unwrap();
        for subscription in [prefix, single] {
            let woken = subscription.wait(Some(Duration::ZERO));
            assert!(woken.is_err(), "it is woken for what has ended");
        }
    });
}

#[test]
fn s9_one_consumer_at_a_time() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let subscription = Arc::new(engine.subscribe(&SubscriptionFilter::all()).unwrap());
    drain(&subscription);
    let consumer = subscription.clone();
    let waiting = parked::at("wait:armed", move || consumer.wait(Some(PATIENCE)));
    assert_eq!(kind(subscription.poll(1)), ErrorKind::Busy);
    assert_eq!(kind(subscription.wait(Some(Duration::ZERO))), ErrorKind::Busy);
    token.write(Status::Critical, "").unwrap();
    waiting.finish().unwrap();
    assert_eq!(ids(&drain(&subscription)), ["a"]);
}

#[test]
fn s9_a_sleeping_consumer_is_woken_by_either_way() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let descriptor = subscription.descriptor().unwrap();
    drain(&subscription);
    for round in 0..200 {
        let (say, thread) = channel();
        thread::scope(|scope| {
            let consumer = scope.spawn(|| {
                say.send(this_thread()).unwrap();
                if round % 2 == 0 {
                    subscription.wait(Some(PATIENCE)).expect("the commit wakes it");
                } else {
                    assert!(wait_readable(descriptor, PATIENCE), "the commit wakes it");
                }
            });
            until_asleep(thread.recv().unwrap());
            token.write(STATUSES[round % 3], &round.to_string()).unwrap();
            consumer.join().unwrap();
        });
        assert_eq!(ids(&drain(&subscription)), ["a"]);
    }
}

#[test]
fn s10_unsubscribing_ends_a_wait_and_harms_nobody_else() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let subscription = Arc::new(engine.subscribe(&SubscriptionFilter::all()).unwrap());
    let other = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&subscription);
    drain(&other);
    let consumer = subscription.clone();
    let waiting = parked::at("wait:armed", move || consumer.wait(None));
    waiting.release();
    subscription.close();
    assert_eq!(kind(waiting.finish()), ErrorKind::Closed);
    assert_eq!(kind(subscription.poll(1)), ErrorKind::Closed);
    assert_eq!(kind(subscription.wait(None)), ErrorKind::Closed);
    assert_eq!(kind(subscription.descriptor()), ErrorKind::Closed);
    subscription.close();
    assert_eq!(engine.stats().unwrap().subscriptions, 1);
    token.write(Status::Critical, "").unwrap();
    assert_eq!(ids(&drain(&other)), ["a"]);
}

#[test]
fn s10_closing_the_engine_ends_every_wait() {
    let _whole = breaks::none();
    let engine = engine();
    let waiting: Vec<_> = (0..8)
        .map(|at| {
            let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
            drain(&subscription);
            parked::at(if at % 2 == 0 { "wait:armed" } else { "wait:looking" }, move || {
                subscription.wait(None)
            })
        })
        .collect();
    let polled = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let descriptor = polled.descriptor().unwrap();
    drain(&polled);
    assert!(!is_readable(descriptor));
    engine.close();
    assert!(is_readable(descriptor), "who polls is woken too");
    assert_eq!(kind(polled.poll(1)), ErrorKind::Closed);
    for waiting in waiting {
        assert_eq!(kind(waiting.finish()), ErrorKind::Closed);
    }
}

#[test]
fn s10_a_close_inside_a_poll_leaves_the_descriptor_readable() {
    let _whole = breaks::none();
    let engine = engine();
    let subscription = Arc::new(engine.subscribe(&SubscriptionFilter::all()).unwrap());
    let descriptor = subscription.descriptor().unwrap();
    drain(&subscription);
    let consumer = subscription.clone();
    let polling = parked::at("poll:entering", move || consumer.poll(1));
    engine.close();
    let _ = polling.finish();
    assert!(is_readable(descriptor), "who polls the descriptor next learns of the close");
    assert_eq!(kind(subscription.poll(1)), ErrorKind::Closed);
}
