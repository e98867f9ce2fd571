//! Re-creation: a check is deregistered and registered again under its id while writers and subscribers of the old life are under way.

use std::sync::Arc;

use lifesign::{CheckSpec, ErrorKind, Event, Status, SubscriptionFilter};

use crate::support::{alias, breaks, check, drain, engine, kind, parked, refusals, service, slot};

#[test]
fn nothing_of_the_old_life_touches_the_new_one() {
    let _whole = breaks::none();
    let engine = engine();
    let old = check(&engine, "api:web", None);
    let o = engine.acquire(&old, "O").unwrap();
    o.write(Status::Critical, "O's").unwrap();
    let before = engine.snapshot(&old).unwrap();
    engine.deregister_check_by_force(&old, "operator").unwrap();
    let new = check(&engine, "api:web", None);
    assert_eq!(slot(&old), slot(&new), "the new life is in the same cell");
    assert_eq!(old.status(), None);
    assert_eq!(new.status(), Some(Status::Passing));

    for _ in 0..2 {
        assert_eq!(kind(o.write(Status::Critical, "late")), ErrorKind::Gone);
    }
    assert_eq!(kind(o.deregister_check()), ErrorKind::Gone);
    assert_eq!(kind(engine.take_over(&old, o.generation(), "O")), ErrorKind::Gone);
    assert_eq!(kind(engine.acquire(&old, "O")), ErrorKind::Gone);
    assert_eq!(kind(engine.snapshot(&old)), ErrorKind::Gone);
    assert_eq!(kind(engine.who(&old)), ErrorKind::Gone);
    drop(o);

    let state = engine.snapshot(&new).unwrap();
    assert_eq!((state.version(), state.transitions(), state.output()), (1, 0, ""));
    assert!(state.incarnation() > before.revision(), "incarnations are never used twice");
    assert!(state.is_initial());
    assert!(refusals(&engine, &new).is_empty(), "what O did is not held against the new life");
    let n = engine.acquire(&new, "N").unwrap();
    assert!(n.generation() > before.generation(), "generations never start again");
}

/// O's write is stopped at `point` while its check is deregistered and registered again.
fn old_write_across_the_lives(point: &'static str, outcome: Result<(), ErrorKind>) {
    let engine = engine();
    let service = service(&engine, "api");
    let old = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let o = Arc::new(engine.acquire(&old, "O").unwrap());
    let token = o.clone();
    let late = parked::at(point, move || token.write(Status::Critical, "O's"));
    engine.deregister_check_by_force(&old, "operator").unwrap();
    let new = check(&engine, "api:web", Some(&service));
    assert_eq!(slot(&old), slot(&new), "the new life is in the same cell");
    let subscription = engine.subscribe(&SubscriptionFilter::check(&new)).unwrap();
    drain(&subscription);
    assert_eq!(late.finish().map_err(|error| error.kind()), outcome);
    assert_eq!(new.status(), Some(Status::Passing), "the new life stands");
    let state = engine.snapshot(&new).unwrap();
    assert_eq!((state.status(), state.version(), state.output()), (Status::Passing, 1, ""));
    assert_eq!(mirror.status(), Some(Status::Passing), "the alias shows the new life alone");
    assert!(drain(&subscription).is_empty());
    assert_eq!(engine.audit().unwrap(), 0);
}

#[test]
fn a_write_that_was_begun_in_the_old_life_is_gone() {
    let _whole = breaks::none();
    old_write_across_the_lives("commit:loaded", Err(ErrorKind::Gone));
}

#[test]
fn a_write_that_was_decided_in_the_old_life_is_gone() {
    let _whole = breaks::none();
    old_write_across_the_lives("commit:drawn", Err(ErrorKind::Gone));
}

#[test]
fn a_write_that_was_committed_in_the_old_life_is_published_nowhere() {
    breaks::notices("publish-store", "the new life stands", || {
        old_write_across_the_lives("commit:done", Ok(()))
    });
}

#[test]
fn a_write_that_was_published_in_the_old_life_climbs_without_harm() {
    let _whole = breaks::none();
    for point in
        ["commit:published", "refresh:evaluated", "walk:refreshed", "walk:marked", "commit:propagated"]
    {
        old_write_across_the_lives(point, Ok(()));
    }
}

#[test]
fn a_lagging_subscriber_sees_the_end_of_one_life_and_then_the_next() {
    let _whole = breaks::none();
    let engine = engine();
    let old = check(&engine, "api:web", None);
    let o = engine.acquire(&old, "O").unwrap();
    let all = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let prefix = engine.subscribe(&SubscriptionFilter::prefix("api")).unwrap();
    let one_life = engine.subscribe(&SubscriptionFilter::check(&old)).unwrap();
    for subscription in [&all, &prefix, &one_life] {
        drain(subscription);
    }
    o.write(Status::Critical, "last words").unwrap();
    o.deregister_check().unwrap();
    let new = check(&engine, "api:web", None);
    assert_eq!(slot(&old), slot(&new), "both lives are in the same cell");
    engine.acquire(&new, "N").unwrap().write(Status::Warning, "first words").unwrap();

    for subscription in [&all, &prefix] {
        let events = drain(subscription);
        let [Event::Tombstone { snapshot: end, .. }, Event::State { snapshot: begin, .. }] = &events[..]
        else {
            panic!("the end of one life and the state of the next: {events:?}")
        };
        assert_eq!((end.status(), end.output(), end.is_gone()), (Status::Critical, "last words", true));
        assert_eq!(
            (begin.status(), begin.output(), begin.is_gone()),
            (Status::Warning, "first words", false)
        );
        assert!(end.incarnation() < begin.incarnation() && end.revision() < begin.revision());
    }
    let events = drain(&one_life);
    assert!(matches!(&events[..], [Event::Tombstone { .. }]), "of its own life alone: {events:?}");
}

#[test]
fn a_cell_that_goes_to_another_id_takes_nothing_along() {
    let _whole = breaks::none();
    let engine = engine();
    let old = check(&engine, "first", None);
    let o = engine.acquire(&old, "O").unwrap();
    let all = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&all);
    o.write(Status::Critical, "of the first").unwrap();
    engine.deregister_check_by_force(&old, "operator").unwrap();
    let new = engine.register_check(&CheckSpec::new("second").initial(Status::Warning), None).unwrap();
    assert_eq!(slot(&old), slot(&new), "another id lives in the same cell");
    assert_eq!(kind(o.write(Status::Critical, "late")), ErrorKind::Gone);
    let events = drain(&all);
    let seen: Vec<_> =
        events.iter().map(|event| (event.id(), matches!(event, Event::Tombstone { .. }))).collect();
    assert_eq!(seen, [("first", true), ("second", false)]);
    assert_eq!(new.status(), Some(Status::Warning));
}

/// A deregistration is stopped after its check was seen to end; who then looks the id up must not be given what has ended.
fn id_is_looked_up_after_the_end() {
    let engine = Arc::new(engine());
    let ending = check(&engine, "web:http", Some(&service(&engine, "web")));
    let other = engine.clone();
    let stopped = parked::at("refresh:loaded", move || other.deregister_check(&ending));
    assert_eq!(ending.status(), None);
    let found = engine.check("web:http").map_err(|error| error.kind());
    assert_eq!(found.err(), Some(ErrorKind::NotFound), "an id is not found once its check was seen to end");
    stopped.finish().unwrap();
}

#[test]
fn an_id_does_not_outlive_its_check() {
    breaks::notices(
        "id-outlives-its-check",
        "an id is not found once its check was seen to end",
        id_is_looked_up_after_the_end,
    );
}
