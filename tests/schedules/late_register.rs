//! Late register: O was started before the take-over and comes to run at any time (W2, S10).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lifesign::{ErrorKind, Status, SubscriptionFilter};
use shuttle::thread::scope;

use super::support::{check, engine, kind, service};
use super::{ASLEEP, Script, reached, schedules, wait_for};

const LATE: &str =
    "late_register: something that O began after the take-over was not refused, or took effect";
const LEFT: &str = "late_register: something of O's is left, or something of N's is not";

const RUNNER: Script = Script {
    name: "late_register",
    run: runner,
    overlaps: &[
        "O ran before the take-over",
        "O's subscribe was refused",
        "O was taken over between its calls",
        "O ran after the take-over",
    ],
};

/// O does what a runner does at its start and at its end; N takes over, subscribes to the same, and sleeps until U commits.
fn runner() {
    let engine = engine();
    let target = service(&engine, "web");
    let watched = check(&engine, "web:alive", Some(&target));
    let u = engine.acquire(&watched, "U").unwrap();
    let own = check(&engine, "api:web", None);
    let o = engine.acquire(&own, "O").unwrap();
    let generation = o.generation();
    let taken = AtomicBool::new(false);
    let n = scope(|scope| {
        scope.spawn(|| {
            let refuses = |late: bool, refused: Option<lifesign::Error>| match refused {
                None => assert!(!late, "{LATE}"),
                Some(refused) => {
                    assert_eq!(refused.kind(), ErrorKind::Fenced, "{LATE}");
                    assert_eq!(refused.holder().map(|record| &*record.label), Some("N"));
                }
            };
            let late = taken.load(Relaxed);
            let written = o.write(Status::Critical, "O's").err();
            let (was_late, was_refused) = (late, written.is_some());
            refuses(late, written);
            let late = taken.load(Relaxed);
            let subscription = o.subscribe(&SubscriptionFilter::check(&watched));
            reached(match (was_late, was_refused, &subscription) {
                (true, ..) => "O ran after the take-over",
                (_, false, Err(_)) => "O was taken over between its calls",
                (_, true, _) => "O's subscribe was refused",
                (_, false, Ok(_)) => "O ran before the take-over",
            });
            match subscription {
                Ok(subscription) => {
                    refuses(late, None);
                    drop(subscription);
                }
                Err(refused) => refuses(late, Some(refused)),
            }
            if taken.load(Relaxed) {
                assert_eq!(kind(o.deregister_check()), ErrorKind::Fenced, "{LATE}");
                assert_eq!(kind(engine.acquire(&own, "O")), ErrorKind::Held, "{LATE}");
                assert_eq!(kind(engine.take_over(&own, generation, "O")), ErrorKind::Held, "{LATE}");
            }
            o.close().unwrap();
        });
        let new = scope.spawn(|| {
            let n = engine.take_over(&own, generation, "N").expect("nobody else takes over");
            taken.store(true, Relaxed);
            let subscription = n.subscribe(&SubscriptionFilter::check(&watched)).expect(LATE);
            n.write(Status::Passing, "N's").expect(LATE);
            assert_eq!(engine.snapshot(&own).unwrap().output(), "N's", "{LATE}");
            wait_for(&subscription, Status::Critical);
            n
        });
        u.write(Status::Critical, "down").unwrap();
        new.join().unwrap()
    });
    let state = engine.snapshot(&own).unwrap();
    assert_eq!(
        (state.status(), state.output(), own.status()),
        (Status::Passing, "N's", Some(Status::Passing)),
        "{LATE}"
    );
    n.write(Status::Critical, "web is down").expect(LATE);
    let stats = engine.stats().unwrap();
    assert_eq!((stats.subscriptions, stats.checks), (0, 2), "{LEFT}");
}

schedules! {
    a_runner_that_comes_late: RUNNER,
        unregister_by_key "unregister-by-key" ASLEEP,
        fence_tested_once "fence-tested-once" LATE;
}
