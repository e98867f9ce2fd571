//! Late register: O was started before the take-over and is first scheduled after it.

use std::sync::mpsc;
use std::thread;

use lifesign::{ErrorKind, Status, SubscriptionFilter};

use crate::support::{breaks, check, drain, engine, ids, is_readable, kind, service};

#[test]
fn a_runner_that_is_first_scheduled_after_its_successor_changes_nothing() {
    let _whole = breaks::none();
    let engine = engine();
    let target = service(&engine, "web");
    let watched = check(&engine, "web:alive", Some(&target));
    let u = engine.acquire(&watched, "U").unwrap();
    let own = check(&engine, "api:web", None);
    let o = engine.acquire(&own, "O").unwrap();
    let generation = o.generation();
    let (schedule, scheduled) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (engine, own, watched, target) = (&engine, &own, &watched, &target);
        let runner = scope.spawn(move || {
            scheduled.recv().unwrap();
            // All that a runner does at its start: report, subscribe, and at its end undo it.
            assert_eq!(kind(o.write(Status::Critical, "O's first")), ErrorKind::Fenced);
            let late =
                o.subscribe(&SubscriptionFilter::check(watched)).expect_err("O's subscribe is refused");
            assert_eq!(
                (late.kind(), late.holder().map(|record| &*record.label)),
                (ErrorKind::Fenced, Some("N"))
            );
            let subscriptions = [
                engine.subscribe(&SubscriptionFilter::check(watched)).unwrap(),
                engine.subscribe(&SubscriptionFilter::service(target, true)).unwrap(),
            ];
            let refused = o.write(Status::Critical, "O's second").expect_err("O is fenced for good");
            assert_eq!(
                (refused.kind(), refused.holder().map(|record| &*record.label)),
                (ErrorKind::Fenced, Some("N"))
            );
            drop(subscriptions);
            assert_eq!(kind(o.deregister_check()), ErrorKind::Fenced);
            o.close().unwrap();
            assert_eq!(kind(engine.acquire(own, "O")), ErrorKind::Held);
            assert_eq!(kind(engine.take_over(own, generation, "O")), ErrorKind::Held);
        });
        let n = engine.take_over(own, generation, "N").unwrap();
        let subscription = n.subscribe(&SubscriptionFilter::check(watched)).unwrap();
        let descriptor = subscription.descriptor().unwrap();
        drain(&subscription);
        n.write(Status::Passing, "N's").unwrap();
        schedule.send(()).unwrap();
        runner.join().unwrap();
        u.write(Status::Critical, "down").unwrap();
        assert!(is_readable(descriptor), "N wakes");
        assert_eq!(ids(&drain(&subscription)), ["web:alive"]);
        assert_eq!(engine.snapshot(own).unwrap().output(), "N's");
        n.write(Status::Critical, "web is down").expect("N still holds its check");
    });
    assert_eq!(engine.stats().unwrap().refused_fenced, 4);
    assert_eq!(engine.stats().unwrap().refused_held, 2);
}
