//! Overlapping lifetimes: O wakes with `critical` in hand and is paused; N takes over and commits `passing`; O resumes and writes.

use std::sync::Arc;

use lifesign::{ErrorKind, Status, SubscriptionFilter};

use crate::support::{PATIENCE, alias, breaks, check, drain, engine, parked, refusals, service, states};

/// O is stopped at `point` of its write, which is before the commit takes effect.
fn old_writer_comes_late(point: &'static str) {
    let engine = engine();
    let target = service(&engine, "web");
    let u = engine.acquire(&check(&engine, "web:alive", Some(&target)), "U").unwrap();
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let seen_from_outside = alias(&engine, "sidecar", None, "api");
    let o = Arc::new(engine.acquire(&check, "O").unwrap());

    let old = o.clone();
    let late = parked::at(point, move || old.write(Status::Critical, "target down"));
    let n = engine.take_over(&check, o.generation(), "N").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).unwrap();
    n.write(Status::Passing, "target up").unwrap();
    u.write(Status::Passing, "").unwrap();
    drain(&subscription);
    let refused = late.finish();

    let refused = refused.expect_err("O is FENCED");
    assert_eq!(refused.kind(), ErrorKind::Fenced);
    assert_eq!(refused.caller().map(|record| &*record.label), Some("O"));
    assert_eq!(refused.holder().map(|record| &*record.label), Some("N"), "O is told about N");
    assert_eq!(refused.generation(), Some(n.generation()));
    let text = refused.to_string();
    assert!(["api:web", "\"O\"", "\"N\""].iter().all(|part| text.contains(part)), "{text}");

    let state = engine.snapshot(&check).unwrap();
    assert_eq!((state.status(), state.output()), (Status::Passing, "target up"));
    assert_eq!(check.status(), Some(Status::Passing));
    assert_eq!(seen_from_outside.status(), Some(Status::Passing));
    assert!(drain(&subscription).is_empty(), "a refused write is no event");
    assert_eq!(refusals(&engine, &check), [(o.record().id, 1)], "one refusal is counted, against O");
    assert_eq!(engine.stats().unwrap().refused_fenced, 1);

    // N is not disturbed by O's end either, and hears of what it does itself.
    drop(o);
    n.write(Status::Warning, "target slow").unwrap();
    subscription.wait(Some(PATIENCE)).expect("N's own subscription stands");
    assert_eq!(states(&drain(&subscription))[0].1.output(), "target slow");
    assert_eq!(engine.audit().unwrap(), 0);
}

#[test]
fn a_write_that_was_decided_before_the_take_over_is_fenced() {
    breaks::notices("fence-tested-once", "O is FENCED", || old_writer_comes_late("commit:drawn"));
}

#[test]
fn a_write_that_was_begun_before_the_take_over_is_fenced() {
    let _whole = breaks::none();
    old_writer_comes_late("commit:loaded");
}

/// O's commit took effect before the take-over; all that O still has to do comes after N's `passing`.
fn old_publication_comes_late() {
    let engine = engine();
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let o = Arc::new(engine.acquire(&check, "O").unwrap());
    let old = o.clone();
    let late = parked::at("commit:done", move || old.write(Status::Critical, "target down"));
    let n = engine.take_over(&check, o.generation(), "N").unwrap();
    n.write(Status::Passing, "target up").unwrap();
    assert_eq!((check.status(), mirror.status()), (Some(Status::Passing), Some(Status::Passing)));
    late.finish().expect("it was committed before the take-over");
    assert_eq!(check.status(), Some(Status::Passing), "a late publication puts nothing back");
    assert_eq!(mirror.status(), Some(Status::Passing));
    assert_eq!(engine.snapshot(&check).unwrap().output(), "target up");
    assert_eq!(engine.audit().unwrap(), 0);
}

#[test]
fn a_publication_that_comes_after_the_take_over_puts_nothing_back() {
    breaks::notices("publish-store", "a late publication puts nothing back", old_publication_comes_late);
}
