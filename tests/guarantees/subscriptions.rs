//! S1–S3, S5–S7: no lost edge, atomic start, order, bounds, filters, tombstones.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lifesign::{CheckSpec, ErrorKind, Event, Limits, Status, SubscriptionFilter};

use crate::support::random::Random;
use crate::support::{
    PATIENCE, alias, breaks, check, drain, engine, ids, kind, limited, parked, service, states, token,
};

const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];

#[test]
fn s1_a_wait_returns_at_once_if_something_newer_exists() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    subscription.wait(Some(PATIENCE)).expect("the matching state is something newer");
    drain(&subscription);
    assert_eq!(kind(subscription.wait(Some(Duration::ZERO))), ErrorKind::Timeout);
    token.write(Status::Critical, "").unwrap();
    for _ in 0..3 {
        subscription.wait(Some(Duration::ZERO)).expect("it stays until it is taken");
    }
    assert_eq!(ids(&drain(&subscription)), ["a"]);
    assert_eq!(kind(subscription.wait(Some(Duration::ZERO))), ErrorKind::Timeout);
    token.write(Status::Critical, "").unwrap();
    assert_eq!(
        kind(subscription.wait(Some(Duration::ZERO))),
        ErrorKind::Timeout,
        "a heartbeat is nothing newer"
    );
}

#[test]
fn s2_subscribing_gives_the_state_and_everything_after_it() {
    const SUBSCRIBERS: usize = 300;
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let check = check(&engine, "web:alive", Some(&web));
    alias(&engine, "web:mirror", None, "web");
    let token = engine.acquire(&check, "U").unwrap();
    let done = AtomicBool::new(false);
    let mut later = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0usize.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                token.write(STATUSES[number % 3], &number.to_string()).unwrap();
            }
        });
        for round in 0..SUBSCRIBERS {
            let filter = match round % 4 {
                0 => SubscriptionFilter::all(),
                1 => SubscriptionFilter::prefix("web:"),
                2 => SubscriptionFilter::service(&web, true),
                _ => SubscriptionFilter::check(&check),
            };
            let before = engine.snapshot(&check).unwrap().version();
            let subscription = engine.subscribe(&filter).unwrap();
            let first = states(&drain(&subscription));
            let versions: Vec<_> =
                first.iter().filter(|(id, _)| id == "web:alive").map(|(_, state)| state.version()).collect();
            assert!(
                versions.first().is_some_and(|version| *version >= before),
                "the state is current: {versions:?}"
            );
            let mut last = versions[versions.len() - 1];
            while last < before + 50 {
                subscription.wait(Some(PATIENCE)).expect("the writer goes on");
                for (_, state) in states(&drain(&subscription)).iter().filter(|(id, _)| id == "web:alive") {
                    assert!(state.version() > last);
                    last = state.version();
                    later += 1;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(later > SUBSCRIBERS, "only {later} changes came after the start");
}

#[test]
fn s3_a_batch_is_sorted_and_nothing_comes_twice() {
    let _whole = breaks::none();
    let engine = engine();
    let tokens: Vec<_> = (0..100).map(|at| token(&engine, &format!("check {at:02}"))).collect();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let mut random = Random::new(11);
    let mut seen: HashMap<String, u64> = HashMap::new();
    for _ in 0..200 {
        for _ in 0..random.below(100) {
            let at = random.below(100) as usize;
            let text = random.next().to_string();
            tokens[at].write(STATUSES[random.below(3) as usize], &text).unwrap();
        }
        let batch = subscription.poll(usize::MAX).unwrap();
        let order: Vec<_> =
            batch.events.iter().map(|event| (event.revision(), event.id().to_owned())).collect();
        assert!(order.is_sorted(), "{order:?}");
        for (id, state) in states(&batch.events) {
            let last = seen.insert(id.clone(), state.version());
            assert!(
                last.is_none_or(|last| state.version() > last),
                "{id}: {} after {last:?}",
                state.version()
            );
        }
    }
    for token in &tokens {
        let state = engine.snapshot(&token.check()).unwrap();
        assert!(
            seen[state.id()] == state.version()
                || drain(&subscription).iter().any(|event| event.id() == state.id())
        );
    }
}

/// One subscriber reads and another does not, while more checks end than are kept for one.
fn more_ends_than_are_kept() {
    let engine = limited(Limits { max_pending: 4, ..Limits::default() });
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let prompt = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let kept = token(&engine, "kept");
    let doomed: Vec<_> = (0..5).map(|at| token(&engine, &format!("doomed {at}"))).collect();
    assert_eq!((drain(&subscription).len(), drain(&prompt).len()), (6, 6));
    let mut told = 0;
    for token in &doomed {
        token.deregister_check().unwrap();
        let batch = prompt.poll(usize::MAX).unwrap();
        assert!(!batch.resync, "who reads is not disturbed by who does not");
        told += batch.events.iter().filter(|event| matches!(event, Event::Tombstone { .. })).count();
    }
    assert_eq!(told, 5);
    let late = token(&engine, "late");
    kept.write(Status::Warning, "slow").unwrap();
    let batch = subscription.poll(usize::MAX).unwrap();
    assert!(batch.resync && !batch.more, "past its bound it says that it starts anew: never a silent gap");
    assert_eq!(ids(&batch.events), ["kept", "late"], "the whole state: absence means deregistered");
    assert_eq!(batch.events.len(), 2);
    assert_eq!((engine.stats().unwrap().resyncs, drain(&subscription).len()), (1, 0));
    drop(late);
    let batch = subscription.poll(usize::MAX).unwrap();
    assert!(!batch.resync, "and from there it goes on");
    assert_eq!(ids(&batch.events), ["late"]);
}

#[test]
fn s5_past_its_bound_a_subscription_starts_anew() {
    breaks::notices("inbox-unbounded", "past its bound it says that it starts anew", more_ends_than_are_kept);
}

#[test]
fn s5_up_to_its_bound_every_tombstone_is_kept() {
    let _whole = breaks::none();
    let engine = limited(Limits { max_pending: 4, ..Limits::default() });
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let doomed: Vec<_> = (0..4).map(|at| token(&engine, &format!("doomed {at}"))).collect();
    drain(&subscription);
    for token in &doomed {
        token.deregister_check().unwrap();
    }
    let batch = subscription.poll(usize::MAX).unwrap();
    assert!(!batch.resync);
    assert_eq!(batch.events.iter().filter(|event| matches!(event, Event::Tombstone { .. })).count(), 4);
}

#[test]
fn s5_a_resync_is_whole_in_portions_too() {
    let _whole = breaks::none();
    let engine = limited(Limits { max_pending: 1, ..Limits::default() });
    let kept: Vec<_> = (0..700).map(|at| token(&engine, &format!("kept {at:03}"))).collect();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    drain(&subscription);
    for at in 0..2 {
        token(&engine, &format!("doomed {at}")).deregister_check().unwrap();
    }
    let (mut seen, mut marks) = (Vec::new(), 0);
    loop {
        let batch = subscription.poll(100).unwrap();
        marks += u64::from(batch.resync);
        assert_eq!(batch.resync, seen.is_empty(), "the first portion says that all is new");
        seen.extend(ids(&batch.events));
        if !batch.more {
            break;
        }
    }
    seen.sort();
    assert_eq!((seen.len(), marks), (kept.len(), 1));
    seen.dedup();
    assert_eq!(seen.len(), kept.len());
}

#[test]
fn s5_who_never_reads_delays_nobody_and_gets_one_state() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let lazy = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let prompt = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    for number in 0..20_000usize {
        token.write(STATUSES[number % 3], "").unwrap();
        assert_eq!(drain(&prompt).len(), 1);
    }
    let events = states(&drain(&lazy));
    assert_eq!(events.len(), 1, "what is pending does not grow with the rate of change");
    assert_eq!(events[0].1.version(), engine.snapshot(&token.check()).unwrap().version());
}

#[test]
fn s6_each_filter_lets_through_what_it_names() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let web_check = check(&engine, "web:alive", Some(&web));
    let api_check = check(&engine, "api:alive", Some(&api));
    let node_check = check(&engine, "disk", None);
    alias(&engine, "api:web", Some(&api), "web");
    let filters = [
        (SubscriptionFilter::all(), vec!["api:alive", "api:web", "disk", "web:alive"]),
        (SubscriptionFilter::service(&web, false), vec!["web:alive"]),
        (SubscriptionFilter::service(&api, false), vec!["api:alive", "api:web"]),
        (SubscriptionFilter::check(&node_check), vec!["disk"]),
        (SubscriptionFilter::prefix("api:"), vec!["api:alive", "api:web"]),
        (SubscriptionFilter::prefix("web:alive"), vec!["web:alive"]),
        (SubscriptionFilter::prefix("web:alive!"), vec![]),
        (SubscriptionFilter::prefix(""), vec!["api:alive", "api:web", "disk", "web:alive"]),
    ];
    let subscriptions: Vec<_> = filters.iter().map(|(filter, _)| engine.subscribe(filter).unwrap()).collect();
    for (subscription, (_, expected)) in subscriptions.iter().zip(&filters) {
        assert_eq!(ids(&drain(subscription)), *expected, "the matching state");
    }
    for (check, mirrored) in
        [(web_check, vec!["api:web"]), (api_check, vec![]), (node_check, vec!["api:web"])]
    {
        let id = engine.snapshot(&check).unwrap().id().to_owned();
        engine.acquire(&check, "U").unwrap().write(Status::Critical, "down").unwrap();
        for (subscription, (filter, of)) in subscriptions.iter().zip(&filters) {
            let changed: Vec<_> = of.iter().filter(|one| **one == id || mirrored.contains(one)).collect();
            let got = ids(&drain(subscription));
            assert!(
                got.iter().eq(changed.iter().copied()),
                "{filter:?} after {id}: {got:?}, not {changed:?}"
            );
        }
        engine.acquire(&check, "U").unwrap().write(Status::Passing, "").unwrap();
        subscriptions.iter().for_each(|subscription| drop(drain(subscription)));
    }
}

#[test]
fn s6_a_service_is_followed_with_its_summary() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let subscription = engine.subscribe(&SubscriptionFilter::service(&web, true)).unwrap();
    let summary = |events: &[Event]| match events {
        [Event::Summary { state: summary, .. }] => {
            Some((summary.id.to_string(), summary.status, summary.registered))
        }
        _ => None,
    };
    let first = drain(&subscription);
    assert_eq!(summary(&first), Some(("web".to_owned(), Status::Passing, true)));
    let disk = token(&engine, "disk");
    disk.write(Status::Critical, "full").unwrap();
    assert_eq!(
        summary(&drain(&subscription)),
        Some(("web".to_owned(), Status::Critical, true)),
        "the node counts"
    );
    disk.write(Status::Passing, "").unwrap();
    drain(&subscription);
    let alive = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    drain(&subscription);
    alive.write(Status::Warning, "slow").unwrap();
    let events = drain(&subscription);
    assert_eq!((ids(&events), events.len()), (vec!["web:alive".to_owned()], 2));
    alive.deregister_check().unwrap();
    engine.deregister_service(&web).unwrap();
    let events = drain(&subscription);
    assert!(events.iter().any(|event| matches!(event, Event::Tombstone { .. })));
    let Some(Event::Summary { state: last, .. }) =
        events.iter().rfind(|event| matches!(event, Event::Summary { .. }))
    else {
        panic!("the summary follows: {events:?}")
    };
    assert_eq!((last.status, last.registered), (Status::Critical, false));
    assert_eq!(&*last.output, "Service \"web\" is not registered.");
    // It goes on when the service comes back.
    let again = service(&engine, "web");
    assert_eq!(summary(&drain(&subscription)), Some(("web".to_owned(), Status::Passing, true)));
    check(&engine, "web:alive", Some(&again));
    assert_eq!(ids(&drain(&subscription)), ["web:alive"]);
}

#[test]
fn s6_the_least_severity_is_kept_exactly() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    token.write(Status::Passing, "").unwrap();
    let subscribe = |least| engine.subscribe(&SubscriptionFilter::all().at_least(least)).unwrap();
    let subscriptions = STATUSES.map(subscribe);
    assert_eq!(
        subscriptions.each_ref().map(|subscription| drain(subscription).len()),
        [1, 0, 0],
        "the state is filtered too"
    );
    use Status::{Critical, Passing, Warning};
    for (walk, expected) in [
        (&[Warning, Passing][..], [true, true, false]),
        (&[Passing], [true, false, false]),
        (&[Warning, Warning], [true, true, false]),
        (&[Passing], [true, true, false]),
        (&[Critical], [true, true, true]),
        (&[Passing], [true, true, true]),
        (&[Warning, Critical, Passing], [true, true, true]),
        (&[Critical, Warning], [true, true, true]),
        (&[Passing, Warning, Passing], [true, true, false]),
    ] {
        for (step, status) in walk.iter().enumerate() {
            token.write(*status, &format!("{walk:?} {step}")).unwrap();
        }
        let got = subscriptions.each_ref().map(|subscription| !drain(subscription).is_empty());
        assert_eq!(got, expected, "{walk:?}, read once at the end");
    }
}

#[test]
fn s6_the_least_severity_holds_for_aliases_and_summaries() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let mirror = alias(&engine, "api:web", Some(&api), "web");
    let token = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    token.write(Status::Passing, "").unwrap();
    let filters = [
        SubscriptionFilter::check(&mirror),
        SubscriptionFilter::service(&api, true),
        SubscriptionFilter::prefix("api:"),
    ];
    let subscriptions = filters.map(|filter| engine.subscribe(&filter.at_least(Status::Critical)).unwrap());
    for walk in
        [&[Status::Warning, Status::Passing][..], &[Status::Critical, Status::Passing], &[Status::Warning]]
    {
        for status in walk {
            token.write(*status, "text").unwrap();
        }
        for subscription in &subscriptions {
            let heard = drain(subscription);
            assert_eq!(!heard.is_empty(), walk.contains(&Status::Critical), "{walk:?}: {heard:?}");
        }
    }
    token.write(Status::Critical, "down").unwrap();
    assert!(subscriptions.iter().all(|subscription| !drain(subscription).is_empty()), "critical is told");
    token.write(Status::Warning, "slow").unwrap();
    assert!(subscriptions.iter().all(|subscription| !drain(subscription).is_empty()), "and its end");
    token.write(Status::Passing, "up").unwrap();
    assert!(subscriptions.iter().all(|subscription| drain(subscription).is_empty()), "and nothing else");
}

#[test]
fn s7_deregistration_is_an_event_with_the_last_state() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let alive = check(&engine, "web:alive", Some(&web));
    let mirror = alias(&engine, "web:mirror", None, "web");
    let filters = [
        SubscriptionFilter::all(),
        SubscriptionFilter::prefix("web:"),
        SubscriptionFilter::service(&web, false),
        SubscriptionFilter::check(&alive),
    ];
    let subscriptions = filters.map(|filter| engine.subscribe(&filter).unwrap());
    for subscription in &subscriptions {
        drain(subscription);
    }
    let token = engine.acquire(&alive, "U").unwrap();
    token.write(Status::Critical, "last words").unwrap();
    token.deregister_check().unwrap();
    for subscription in &subscriptions {
        let events = drain(subscription);
        let Some(Event::Tombstone { snapshot, .. }) = events.iter().find(|event| event.id() == "web:alive")
        else {
            panic!("a tombstone: {events:?}")
        };
        assert_eq!(
            (snapshot.status(), snapshot.output(), snapshot.is_gone()),
            (Status::Critical, "last words", true)
        );
    }
    engine.deregister_check(&mirror).unwrap();
    for subscription in &subscriptions[..2] {
        let events = drain(subscription);
        assert!(
            matches!(&events[..], [Event::Tombstone { snapshot, .. }] if snapshot.id() == "web:mirror"),
            "{events:?}"
        );
    }
}

#[test]
fn s7_a_check_that_came_and_went_between_two_polls_leaves_a_tombstone() {
    let _whole = breaks::none();
    let engine = engine();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    for _ in 0..3 {
        token(&engine, "a").deregister_check().unwrap();
    }
    let events = drain(&subscription);
    assert!(matches!(&events[..], [Event::Tombstone { .. }]), "merged into the last: {events:?}");
}

#[test]
fn s1_an_edge_before_the_end_of_a_check_is_in_its_tombstone() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "a");
    let subscription = engine.subscribe(&SubscriptionFilter::all().at_least(Status::Critical)).unwrap();
    token.write(Status::Critical, "down").unwrap();
    token.write(Status::Passing, "up").unwrap();
    token.deregister_check().unwrap();
    let events = drain(&subscription);
    let [Event::Tombstone { snapshot, .. }] = &events[..] else {
        panic!("the critical edge is merged: {events:?}")
    };
    assert_eq!((snapshot.status(), snapshot.transitions()), (Status::Passing, 2));
}

#[test]
fn s1_an_edge_whose_mark_was_not_read_yet_is_in_the_tombstone() {
    let _whole = breaks::none();
    let engine = engine();
    let front: Vec<_> = (0..300).map(|at| token(&engine, &format!("front {at}"))).collect();
    let victim = token(&engine, "victim");
    let subscription = engine.subscribe(&SubscriptionFilter::all().at_least(Status::Critical)).unwrap();
    for token in front.iter().chain([&victim]) {
        token.write(Status::Critical, "down").unwrap();
        token.write(Status::Passing, "up").unwrap();
    }
    victim.deregister_check().unwrap();
    check(&engine, "new owner of the cell", None);
    // One poll reads some cells and then the inbox: the victim's mark is not among them, and its cell says nothing any more.
    let events = drain(&subscription);
    let ended = events.iter().filter(|event| matches!(event, Event::Tombstone { .. }));
    assert_eq!(ended.map(Event::id).collect::<Vec<_>>(), ["victim"], "it was critical in between");
    assert_eq!(ids(&events).iter().filter(|id| id.starts_with("front")).count(), front.len());
}

#[test]
fn s3_an_end_that_comes_while_a_poll_runs_is_told_once() {
    let _whole = breaks::none();
    for reused in [false, true] {
        let engine = engine();
        let token = token(&engine, "a");
        let filter = SubscriptionFilter::all().at_least(Status::Critical);
        let subscription = Arc::new(engine.subscribe(&filter).unwrap());
        drain(&subscription);
        let consumer = subscription.clone();
        // It has taken the marks; the edge and the end come before it looks into the inbox.
        let polling = parked::at("poll:read", move || consumer.poll(usize::MAX).unwrap().events);
        token.write(Status::Critical, "down").unwrap();
        token.write(Status::Passing, "up").unwrap();
        token.deregister_check().unwrap();
        if reused {
            check(&engine, "b", None);
        }
        let mut events = polling.finish();
        events.extend(drain(&subscription));
        let ended = events.iter().filter(|event| matches!(event, Event::Tombstone { .. })).count();
        assert_eq!((ended, events.len()), (1, 1), "reused {reused}: {events:?}");
    }
}

#[test]
fn s6_a_cell_with_a_new_owner_is_not_taken_for_the_old_one() {
    let _whole = breaks::none();
    let engine = engine();
    let token = token(&engine, "old");
    let subscription = engine.subscribe(&SubscriptionFilter::all().at_least(Status::Critical)).unwrap();
    token.write(Status::Critical, "down").unwrap();
    token.deregister_check().unwrap();
    check(&engine, "new", None);
    let events = drain(&subscription);
    assert!(
        matches!(&events[..], [Event::Tombstone { snapshot, .. }] if snapshot.id() == "old"),
        "{events:?}"
    );
}

#[test]
fn the_state_of_a_mass_registration_is_delivered_whole() {
    let _whole = breaks::none();
    let engine = engine();
    let subscription = engine.subscribe(&SubscriptionFilter::prefix("many")).unwrap();
    for at in 0..5_000 {
        engine.register_check(&CheckSpec::new(format!("many {at}")), None).unwrap();
    }
    let late = engine.subscribe(&SubscriptionFilter::prefix("many")).unwrap();
    assert_eq!((ids(&drain(&subscription)).len(), ids(&drain(&late)).len()), (5_000, 5_000));
}
