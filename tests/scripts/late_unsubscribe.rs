//! Late clean-up: what O undoes after N has started must not undo anything of N's.

use std::sync::Arc;

use lifesign::{ErrorKind, Status, SubscriptionFilter};

use crate::support::{alias, breaks, check, drain, engine, ids, is_readable, kind, parked, service, states};

fn late_unsubscribe() {
    let engine = engine();
    let target = service(&engine, "web");
    let watched = check(&engine, "web:alive", Some(&target));
    let u = engine.acquire(&watched, "U").unwrap();
    let own = check(&engine, "api:web", None);
    let o = engine.acquire(&own, "O").unwrap();
    let old = [
        engine.subscribe(&SubscriptionFilter::check(&watched)).unwrap(),
        engine.subscribe(&SubscriptionFilter::service(&target, true)).unwrap(),
        engine.subscribe(&SubscriptionFilter::prefix("web")).unwrap(),
        engine.subscribe(&SubscriptionFilter::all()).unwrap(),
    ];
    let n = engine.take_over(&own, o.generation(), "N").unwrap();
    n.write(Status::Passing, "watching").unwrap();
    let new = [
        engine.subscribe(&SubscriptionFilter::check(&watched)).unwrap(),
        engine.subscribe(&SubscriptionFilter::service(&target, true)).unwrap(),
        engine.subscribe(&SubscriptionFilter::prefix("web")).unwrap(),
        engine.subscribe(&SubscriptionFilter::all()).unwrap(),
    ];
    let descriptors = new.each_ref().map(|subscription| subscription.descriptor().unwrap());
    for subscription in &new {
        drain(subscription);
    }
    // O's deferred clean-up.
    drop(old);
    drop(o);
    u.write(Status::Critical, "down").unwrap();
    for (subscription, descriptor) in new.iter().zip(descriptors) {
        assert!(is_readable(descriptor), "N wakes");
        assert_eq!(ids(&drain(subscription)), ["web:alive"]);
    }
    assert_eq!(engine.stats().unwrap().subscriptions, 4);
    n.write(Status::Critical, "web is down").expect("N still holds its check");
}

#[test]
fn a_late_unsubscribe_leaves_the_successor_subscribed() {
    breaks::notices("unregister-by-key", "N wakes", late_unsubscribe);
}

#[test]
fn a_late_deregister_by_the_old_holder_is_refused() {
    let _whole = breaks::none();
    let engine = Arc::new(engine());
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let o = engine.acquire(&check, "O").unwrap();
    let n = engine.take_over(&check, o.generation(), "N").unwrap();
    n.write(Status::Passing, "N's").unwrap();
    drain(&subscription);

    let refused = o.deregister_check().expect_err("O does not hold it any more");
    assert_eq!(refused.kind(), ErrorKind::Fenced);
    assert_eq!(refused.holder().map(|record| &*record.label), Some("N"));
    let refused = engine.deregister_check(&check).expect_err("it is held");
    assert_eq!((refused.kind(), refused.holder().map(|record| &*record.label)), (ErrorKind::Held, Some("N")));

    assert!(drain(&subscription).is_empty(), "nothing happened");
    n.write(Status::Critical, "N's again").expect("N's check stands");
    assert_eq!(mirror.status(), Some(Status::Critical));
    assert_eq!(states(&drain(&subscription)).len(), 2, "the check and its alias");
}

/// O is inside its deregistration, past the test of its token, when N takes over.
fn deregistration_under_way() {
    let engine = engine();
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).unwrap();
    let o = Arc::new(engine.acquire(&check, "O").unwrap());
    drain(&subscription);
    let old = o.clone();
    let late = parked::at("commit:drawn", move || old.deregister_check());
    let n =
        engine.take_over(&check, o.generation(), "N").expect("a registration under way delays no take-over");
    n.write(Status::Warning, "N's").unwrap();
    let refused = late.finish();
    let refused = refused.expect_err("O's deregistration is fenced");
    assert_eq!(refused.kind(), ErrorKind::Fenced);
    assert_eq!(refused.caller().map(|record| &*record.label), Some("O"));
    assert_eq!(refused.holder().map(|record| &*record.label), Some("N"));
    assert_eq!(check.status(), Some(Status::Warning), "N's check stands");
    assert_eq!(ids(&drain(&subscription)), ["api:web"], "N's write is heard of, and no tombstone");
    assert_eq!(engine.service_snapshot(&service).unwrap().checks.len(), 1);
    n.write(Status::Passing, "N's again").unwrap();
}

#[test]
fn a_deregistration_under_way_is_fenced_by_a_take_over() {
    breaks::notices("fence-tested-once", "O's deregistration is fenced", deregistration_under_way);
}

#[test]
fn a_late_deregister_of_an_old_life_leaves_the_new_one() {
    let _whole = breaks::none();
    let engine = engine();
    let old = check(&engine, "api:web", None);
    let o = engine.acquire(&old, "O").unwrap();
    o.deregister_check().unwrap();
    let new = check(&engine, "api:web", None);
    assert_ne!(old, new);
    let n = engine.acquire(&new, "N").unwrap();
    assert_eq!(kind(o.deregister_check()), ErrorKind::Gone);
    assert_eq!(kind(engine.deregister_check(&old)), ErrorKind::Gone);
    assert_eq!(kind(engine.deregister_check_by_force(&old, "O")), ErrorKind::Gone);
    drop(o);
    n.write(Status::Passing, "N's").expect("N's check stands");
    assert_eq!(engine.check("api:web").unwrap(), new);
}
