//! P4: trouble is pushed to those who subscribe to it, limited for each offender and counted exactly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lifesign::{
    Acquire, Cursor, Engine, ErrorKind, Event, OnLapse, Status, Subscription, SubscriptionFilter, Trouble,
    TroubleKind,
};

use crate::support::clock::{SECOND, pass, timed};
use crate::support::{alias, breaks, check, drain, is_readable, kind, service};

fn troubles(subscription: &Subscription) -> Vec<Arc<Trouble>> {
    let trouble = |event| match event {
        Event::Trouble(trouble) => trouble,
        other => panic!("trouble alone was asked for: {other:?}"),
    };
    drain(subscription).into_iter().map(trouble).collect()
}

/// Kind, reason, check id, offender and holder by their labels, generation, count.
type Told = (TroubleKind, Option<ErrorKind>, String, Option<String>, Option<String>, u64, u64);

fn told(trouble: &Trouble) -> Told {
    let Trouble { kind, reason, id, offender, holder, generation, count, .. } = trouble;
    let label = |record: &Option<Arc<lifesign::WriterRecord>>| Some(record.as_ref()?.label.to_string());
    (*kind, *reason, id.to_string(), label(offender), label(holder), *generation, *count)
}

#[test]
fn p4_refusals_and_take_overs_are_events() {
    let _whole = breaks::none();
    let engine = timed();
    engine.tick(5, 0).unwrap();
    let web = service(&engine, "web");
    let a = check(&engine, "a", Some(&web));
    let mirror = alias(&engine, "mirror", None, "web");
    let one = engine.acquire(&a, "one").unwrap();
    kind(engine.acquire(&a, "too early"));
    let subscription = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
    let descriptor = subscription.descriptor().unwrap();
    assert_eq!(kind(subscription.wait(Some(Duration::ZERO))), ErrorKind::Timeout, "from this call on");
    one.write(Status::Critical, "down").unwrap();
    assert!(!is_readable(descriptor) && troubles(&subscription).is_empty(), "a state is no trouble");
    let expect =
        |step: &str, expected: (TroubleKind, Option<ErrorKind>, &str, Option<&str>, Option<&str>, u64)| {
            assert!(is_readable(descriptor), "{step}");
            subscription.wait(Some(Duration::ZERO)).expect("trouble is pending");
            let events = troubles(&subscription);
            let (kind, reason, id, offender, holder, generation) = expected;
            let (offender, holder) = (offender.map(str::to_owned), holder.map(str::to_owned));
            let expected = (kind, reason, id.to_owned(), offender, holder, generation, 1);
            assert_eq!(events.iter().map(|event| told(event)).collect::<Vec<_>>(), [expected], "{step}");
            assert_eq!((events[0].first_ns, events[0].last_ns), (5, 5), "{step}");
            events[0].check
        };
    use TroubleKind::{Refusal, TakeOver};
    let held = engine.acquire(&a, "two").expect_err("it is held");
    let first = one.generation();
    let handle = expect("acquired", (Refusal, Some(ErrorKind::Held), "a", Some("two"), Some("one"), first));
    assert_ne!(handle, 0);
    assert_eq!(held.generation(), Some(first));
    kind(engine.deregister_check(&a));
    expect("deregistered", (Refusal, Some(ErrorKind::Held), "a", None, Some("one"), first));
    kind(engine.acquire(&mirror, "two"));
    let generation = engine.snapshot(&mirror).unwrap().generation();
    let derived = Some(ErrorKind::Derived);
    expect("an alias", (Refusal, derived, "mirror", Some("two"), Some("engine"), generation));
    let two = engine.take_over(&a, first, "two").unwrap();
    let second = two.generation();
    assert_eq!(expect("taken over", (TakeOver, None, "a", Some("two"), Some("one"), second)), handle);
    kind(one.write(Status::Passing, "late"));
    expect("fenced", (Refusal, Some(ErrorKind::Fenced), "a", Some("one"), Some("two"), second));
    two.deregister_check().unwrap();
    engine.tick(5, SECOND).unwrap();
    kind(two.write(Status::Passing, "later"));
    expect("gone", (Refusal, Some(ErrorKind::Gone), "a", Some("two"), None, second + 1));
    assert!(troubles(&subscription).is_empty(), "each once");
    let free = check(&engine, "free", None);
    let generation = engine.snapshot(&free).unwrap().generation();
    engine.take_over(&free, generation, "three").unwrap();
    assert!(troubles(&subscription).is_empty(), "what nobody holds is not taken from anybody");
}

#[test]
fn p4_a_lapse_is_an_event() {
    breaks::notices("lapse-untold", "a lapse is told", || {
        let engine = timed();
        let a = check(&engine, "a", None);
        let how = Acquire::new("one").lease(Duration::from_secs(1), OnLapse::Keep);
        let one = engine.acquire(&a, how).unwrap();
        let subscription = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
        let descriptor = subscription.descriptor().unwrap();
        pass(&engine, 0, SECOND);
        assert!(!is_readable(descriptor) && troubles(&subscription).is_empty(), "it is in time");
        pass(&engine, SECOND, SECOND * 5 / 4);
        assert!(is_readable(descriptor), "a lapse is told");
        let events = troubles(&subscription);
        let lapse = (TroubleKind::Lapse, None, "a".into(), Some("one".into()), None, one.generation(), 1);
        assert_eq!(events.iter().map(|event| told(event)).collect::<Vec<_>>(), [lapse]);
        let now = (SECOND * 5 / 4) as i64;
        assert_eq!((events[0].first_ns, events[0].last_ns), (now, now));
        kind(one.write(Status::Passing, "late"));
        let late = troubles(&subscription);
        let (_, reason, ..) = told(&late[0]);
        assert_eq!((late.len(), late[0].kind, reason), (1, TroubleKind::Refusal, Some(ErrorKind::Expired)));
    });
}

#[test]
fn p4_every_subscription_to_trouble_is_told() {
    let _whole = breaks::none();
    let engine = timed();
    let a = check(&engine, "a", None);
    let _one = engine.acquire(&a, "one").unwrap();
    let subscriptions: Vec<_> =
        (0..3).map(|_| engine.subscribe(&SubscriptionFilter::trouble()).unwrap()).collect();
    let states = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&states);
    kind(engine.acquire(&a, "two"));
    for subscription in &subscriptions[1..] {
        assert_eq!(troubles(subscription).len(), 1, "one's reading takes nothing from another");
    }
    kind(engine.acquire(&a, "two"));
    assert_eq!(troubles(&subscriptions[0])[0].count, 2, "who reads late gets one event");
    assert!(drain(&states).is_empty(), "who wants states is not told");
    drop(subscriptions);
    kind(engine.acquire(&a, "two"));
    let late = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
    assert!(troubles(&late).is_empty(), "nothing is kept for those who come later");
    kind(engine.acquire(&a, "two"));
    assert_eq!(troubles(&late).len(), 1);
    let at = Cursor { engine_id: engine.id(), position: 0 };
    let refused = engine.subscribe(&SubscriptionFilter::trouble().since(at));
    assert_eq!(kind(refused), ErrorKind::Invalid);
    engine.close();
    assert_eq!(kind(late.wait(None)), ErrorKind::Closed);
}

/// Rivals are refused as fast as they can be while somebody reads and time passes.
fn storm() {
    const RIVALS: usize = 4;
    const REFUSALS: u64 = 5_000;
    const SECONDS: u64 = 5;
    let engine = timed();
    let a = check(&engine, "a", None);
    let one = engine.acquire(&a, "one").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
    let descriptor = subscription.descriptor().unwrap();
    let refused = |engine: &Engine, rival: usize| {
        assert_eq!(kind(engine.acquire(&a, &format!("rival {rival}"))), ErrorKind::Held);
    };
    let mut events: Vec<Arc<Trouble>> = Vec::new();
    let mut refusals = [0; RIVALS];
    for second in 0..SECONDS {
        let (left, polls) = (AtomicUsize::new(RIVALS), AtomicUsize::new(0));
        thread::scope(|scope| {
            for (rival, refusals) in refusals.iter_mut().enumerate() {
                let (engine, left, polls) = (&engine, &left, &polls);
                scope.spawn(move || {
                    let enough = *refusals + REFUSALS;
                    // Until somebody has read beside it.
                    while *refusals < enough || polls.load(Ordering::Relaxed) < 3 {
                        refused(engine, rival);
                        *refusals += 1;
                    }
                    left.fetch_sub(1, Ordering::Relaxed);
                });
            }
            while left.load(Ordering::Relaxed) > 0 {
                events.extend(troubles(&subscription));
                polls.fetch_add(1, Ordering::Relaxed);
            }
        });
        one.write(Status::Critical, &second.to_string()).unwrap();
        events.extend(troubles(&subscription));
        // Of each something was told since the last tick: this is held back in any case.
        for (rival, refusals) in refusals.iter_mut().enumerate() {
            refused(&engine, rival);
            *refusals += 1;
        }
        let most = RIVALS * (second as usize + 1);
        assert!(events.len() <= most, "one event a second for each offender: {} events", events.len());
        assert!(
            !is_readable(descriptor),
            "one event a second for each offender: what is held back wakes nobody"
        );
        engine.tick(0, (second + 1) * SECOND - 1).unwrap();
        assert!(!is_readable(descriptor) && troubles(&subscription).is_empty(), "a second is not over");
        engine.tick(0, (second + 1) * SECOND).unwrap();
        assert!(is_readable(descriptor), "a tick lets go of what was held back");
    }
    events.extend(troubles(&subscription));
    engine.tick(0, 100 * SECOND).unwrap();
    assert!(troubles(&subscription).is_empty(), "all is told");
    for (rival, refusals) in refusals.iter().enumerate() {
        let label = format!("rival {rival}");
        let own = events.iter().filter(|event| &*event.offender.as_ref().unwrap().label == label.as_str());
        let counted: u64 = own.map(|event| event.count).sum();
        assert_eq!(counted, *refusals, "none is lost: {label}");
    }
    assert_eq!(engine.stats().unwrap().refused_held, refusals.iter().sum::<u64>());
}

#[test]
fn p4_a_storm_is_few_events_with_exact_counts() {
    breaks::notices("trouble-unlimited", "one event a second for each offender", storm);
    breaks::notices("trouble-drops-held", "a tick lets go of what was held back", storm);
}

#[test]
fn p4_past_its_bound_the_rest_is_counted_together() {
    const CHECKS: usize = 1_500;
    const KEPT: usize = 1_024;
    let _whole = breaks::none();
    let engine = timed();
    let held: Vec<_> = (0..CHECKS)
        .map(|at| engine.acquire(&check(&engine, &format!("check {at}"), None), "holder").unwrap())
        .collect();
    let subscription = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
    for round in 0..2u64 {
        for token in &held {
            kind(engine.acquire(&token.check(), "rival"));
        }
        let events = troubles(&subscription);
        assert_eq!(events.len(), KEPT + 1, "round {round}");
        let rest: Vec<_> = events.iter().filter(|event| event.offender.is_none()).collect();
        assert_eq!((rest.len(), rest[0].count, &*rest[0].id), (1, (CHECKS - KEPT) as u64, ""));
        assert_eq!(events.iter().map(|event| event.count).sum::<u64>(), CHECKS as u64);
        engine.tick(0, (round + 1) * SECOND).unwrap();
    }
}
