//! Late clean-up: what O undoes around N's start must not undo anything of N's (W2, S10).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lifesign::{ErrorKind, Event, Status, SubscriptionFilter};
use shuttle::thread::scope;

use super::support::{alias, check, drain, engine, kind, service};
use super::{ASLEEP, Script, reached, schedules, wait_for};

const HELD: &str = "late_unsubscribe: O's clean-up took N's check away";
const LEFT: &str = "late_unsubscribe: something of O's is left, or something of N's is not";
const DEREGISTERED: &str =
    "late_deregister: O's deregistration and N's take-over both took effect, or neither";
const NAMED: &str = "late_deregister: the refusal does not name both sides";
const TOLD: &str = "late_deregister: a subscriber is told something else than what happened";

const UNSUBSCRIBE: Script = Script {
    name: "late_unsubscribe",
    run: unsubscribe,
    overlaps: &[
        "O cleaned up before N subscribed",
        "O cleaned up while N slept",
        "O cleaned up after N had woken",
    ],
};
const DEREGISTER: Script =
    Script { name: "late_deregister", run: deregister, overlaps: &["O was FENCED", "N found it GONE"] };

/// O drops its subscriptions and its token; N takes over, subscribes to the same and sleeps until U commits.
fn unsubscribe() {
    let engine = engine();
    let target = service(&engine, "web");
    let watched = check(&engine, "web:alive", Some(&target));
    let u = engine.acquire(&watched, "U").unwrap();
    let own = check(&engine, "api:web", None);
    let o = engine.acquire(&own, "O").unwrap();
    let generation = o.generation();
    let old = [SubscriptionFilter::check(&watched), SubscriptionFilter::service(&target, true)]
        .map(|filter| engine.subscribe(&filter).unwrap());
    let (sleeping, woken) = (AtomicBool::new(false), AtomicBool::new(false));
    let (n, subscription) = scope(|scope| {
        scope.spawn(|| {
            drop(old);
            drop(o);
            reached(match (sleeping.load(Relaxed), woken.load(Relaxed)) {
                (false, _) => "O cleaned up before N subscribed",
                (true, false) => "O cleaned up while N slept",
                (true, true) => "O cleaned up after N had woken",
            });
        });
        let new = scope.spawn(|| {
            let n = engine.take_over(&own, generation, "N").expect("nobody else takes over");
            let subscription = n.subscribe(&SubscriptionFilter::check(&watched)).expect(HELD);
            sleeping.store(true, Relaxed);
            wait_for(&subscription, Status::Critical);
            woken.store(true, Relaxed);
            n.write(Status::Critical, "web is down").expect(HELD);
            assert_eq!(own.status(), Some(Status::Critical), "{HELD}");
            (n, subscription)
        });
        u.write(Status::Critical, "down").unwrap();
        new.join().unwrap()
    });
    let stats = engine.stats().unwrap();
    assert_eq!((stats.subscriptions, stats.tokens), (1, 2), "{LEFT}");
    n.write(Status::Passing, "N still holds it").expect(HELD);
    u.write(Status::Warning, "slow").unwrap();
    wait_for(&subscription, Status::Warning);
}

/// O deregisters the check while N takes it over: one of the two comes first, and the other is refused.
fn deregister() {
    let engine = engine();
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let o = engine.acquire(&check, "O").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).unwrap();
    drain(&subscription);
    let (deregistered, taken) = scope(|scope| {
        let old = scope.spawn(|| {
            let deregistered = o.deregister_check();
            if deregistered.is_ok() {
                assert_eq!(
                    (check.status(), mirror.status()),
                    (None, Some(Status::Passing)),
                    "{DEREGISTERED}"
                );
            }
            deregistered
        });
        let taken = engine.take_over(&check, o.generation(), "N");
        if let Ok(n) = &taken {
            n.write(Status::Warning, "N's").expect(DEREGISTERED);
            assert_eq!(
                (check.status(), mirror.status()),
                (Some(Status::Warning), Some(Status::Warning)),
                "{DEREGISTERED}"
            );
        }
        (old.join().unwrap(), taken)
    });
    let events = drain(&subscription);
    match (deregistered, taken) {
        (Err(refused), Ok(n)) => {
            reached("O was FENCED");
            assert_eq!(refused.kind(), ErrorKind::Fenced, "{DEREGISTERED}");
            assert_eq!(
                [refused.caller(), refused.holder()]
                    .map(|record| record.map(|record| record.label.to_string())),
                [Some("O".into()), Some("N".into())],
                "{NAMED}"
            );
            n.write(Status::Critical, "N's again").expect(DEREGISTERED);
            assert_eq!(engine.service_snapshot(&service).unwrap().checks.len(), 1, "{DEREGISTERED}");
            assert!(matches!(&events[..], [Event::State { .. }]), "{TOLD}");
        }
        (Ok(()), Err(refused)) => {
            reached("N found it GONE");
            assert_eq!(refused.kind(), ErrorKind::Gone);
            assert_eq!((check.status(), mirror.status()), (None, Some(Status::Passing)));
            assert!(matches!(&events[..], [Event::Tombstone { .. }]), "{TOLD}");
            assert_eq!(kind(o.write(Status::Critical, "late")), ErrorKind::Gone);
        }
        _ => panic!("{DEREGISTERED}"),
    }
    assert_eq!(engine.audit().unwrap(), 0);
}

schedules! {
    a_late_unsubscribe: UNSUBSCRIBE,
        unregister_by_key "unregister-by-key" ASLEEP;
    a_late_deregister: DEREGISTER,
        fence_tested_once "fence-tested-once" DEREGISTERED;
}
