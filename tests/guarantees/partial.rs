//! R4 and S3 where a subscriber takes less than there is: the rest stays, and is no older than a write that has returned.

use std::collections::HashMap;
use std::sync::Arc;

use lifesign::{Event, Status, SubscriptionFilter};

use crate::support::{alias, breaks, check, drain, engine, ids, parked, service, token};

#[test]
fn s3_a_partial_take_leaves_the_rest() {
    let _whole = breaks::none();
    let engine = engine();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let tokens: Vec<_> = (0..1_000).map(|at| token(&engine, &format!("check {at:03}"))).collect();
    let mut seen = Vec::new();
    loop {
        let batch = subscription.poll(7).unwrap();
        assert!(batch.events.len() <= 7);
        seen.extend(ids(&batch.events));
        assert!(!batch.resync);
        if !batch.more {
            break;
        }
        assert!(!batch.events.is_empty());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), tokens.len(), "each once");
    assert!(subscription.poll(0).unwrap().events.is_empty());
}

#[test]
fn r4_the_rest_of_a_partial_take_is_no_older_than_a_write_that_has_returned() {
    let scenario = || {
        let engine = engine();
        let web = service(&engine, "web");
        let (first, second) = (check(&engine, "a", Some(&web)), check(&engine, "b", Some(&web)));
        let mirror = alias(&engine, "mirror", None, "web");
        let [first, second] = [first, second].map(|check| engine.acquire(&check, "U").unwrap());
        for filter in [SubscriptionFilter::all(), SubscriptionFilter::service(&web, true)] {
            first.write(Status::Passing, "").unwrap();
            second.write(Status::Passing, "").unwrap();
            let subscription = engine.subscribe(&filter).unwrap();
            let whole = subscription.poll(1).unwrap();
            assert!(whole.more && whole.events.len() == 1);
            first.write(Status::Critical, "down").unwrap();
            second.write(Status::Warning, "slow").unwrap();
            let rest = drain(&subscription);
            let mut told = HashMap::new();
            for event in &rest {
                match event {
                    Event::State { snapshot, .. } => {
                        let present = match snapshot.id() {
                            "a" => first.check(),
                            "b" => second.check(),
                            _ => mirror,
                        };
                        assert_eq!(
                            Some(snapshot.status()),
                            present.status(),
                            "the rest is as old as its first part: {rest:?}"
                        );
                        *told.entry(snapshot.id().to_owned()).or_insert(0) += 1;
                    }
                    Event::Summary { state, .. } => {
                        assert_eq!(
                            state.status,
                            Status::Critical,
                            "the rest is as old as its first part: {rest:?}"
                        );
                    }
                    _ => panic!("nothing has ended: {rest:?}"),
                }
            }
            assert!(told.contains_key("a") && told.contains_key("b"), "nothing is lost: {rest:?}");
        }
    };
    breaks::notices("rest-as-collected", "the rest is as old as its first part", scenario);
}

#[test]
fn r4_an_end_on_its_way_to_the_inbox_takes_the_place_of_the_rest() {
    breaks::notices("rest-ends-in-inbox", "nothing tells what was written before", || {
        let engine = Arc::new(engine());
        let [_, b] = ["a", "b"].map(|id| token(&engine, id));
        let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        drain(&subscription);
        token(&engine, "c");
        b.write(Status::Critical, "down").unwrap();
        let first = subscription.poll(1).unwrap();
        assert_eq!((first.events[0].id(), first.more), ("c", true));
        let ending = parked::at("commit:done", move || b.deregister_check());
        let rest = drain(&subscription);
        let told = rest.iter().any(|event| match event {
            Event::State { snapshot, .. } | Event::Tombstone { snapshot, .. } => {
                snapshot.id() == "b" && snapshot.status() == Status::Critical
            }
            _ => false,
        });
        ending.finish().unwrap();
        assert!(told, "nothing tells what was written before: {rest:?}");
        assert!(drain(&subscription).is_empty(), "and its end is told once");
    });
}

#[test]
fn r4_what_ends_after_a_partial_take_is_told_as_ended() {
    let _whole = breaks::none();
    let engine = engine();
    let tokens = ["a", "b", "c"].map(|id| token(&engine, id));
    alias(&engine, "mirror", None, "web");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    assert_eq!(subscription.poll(1).unwrap().events.len(), 1);
    tokens[2].deregister_check().unwrap();
    engine.deregister_check(&engine.check("mirror").unwrap()).unwrap();
    let again = token(&engine, "c");
    let rest = drain(&subscription);
    let of = |id: &str| -> Vec<_> {
        let of = rest.iter().filter(|event| event.id() == id);
        of.map(|event| matches!(event, Event::Tombstone { .. })).collect()
    };
    assert_eq!((of("c"), of("mirror")), (vec![true, false], vec![true]), "{rest:?}");
    assert_eq!(of("b"), [false], "{rest:?}");
    drop(again);
}
