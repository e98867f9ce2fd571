//! S4: what is merged is counted, and who wants transitions alone is left alone by the rest.

use std::sync::Arc;

use lifesign::{CheckSpec, Event, Snapshot, Status, SubscriptionFilter, SummaryState};

use crate::support::{alias, breaks, check, drain, engine, ids, is_readable, parked, service, states};

fn summary(events: &[Event]) -> Option<Arc<SummaryState>> {
    events.iter().find_map(|event| match event {
        Event::Summary { state, .. } => Some(state.clone()),
        _ => None,
    })
}

fn state(events: &[Event], id: &str) -> Option<Arc<Snapshot>> {
    states(events).into_iter().find(|(found, _)| found == id).map(|(_, state)| state)
}

#[test]
fn s4_differences_of_version_and_transitions_are_what_was_merged() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let token = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    alias(&engine, "mirror", None, "web");
    alias(&engine, "api:web", Some(&api), "web");
    token.write(Status::Passing, "up").unwrap();
    let all = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let of_web = engine.subscribe(&SubscriptionFilter::service(&web, true)).unwrap();
    let of_api = engine.subscribe(&SubscriptionFilter::service(&api, true)).unwrap();
    let first = drain(&all);
    let summaries = [&of_web, &of_api].map(|subscription| summary(&drain(subscription)).unwrap());
    use Status::{Critical, Passing, Warning};
    let mut written = 0;
    let mut transitions = 0;
    for walk in [
        &[Critical][..],
        &[Passing],
        &[Critical, Passing],
        &[Warning, Critical, Warning, Passing],
        &[Passing, Passing, Passing],
        &[Warning, Warning, Passing],
    ] {
        let mut changed = 0;
        for status in walk {
            changed += u64::from(token.check().status() != Some(*status));
            written += 1;
            // Text and status end as they began: what remains to be told is that they changed.
            let text = if *status == Passing { "up".to_owned() } else { format!("down {written}") };
            token.write(*status, &text).unwrap();
        }
        transitions += changed;
        let events = drain(&all);
        if changed == 0 {
            assert!(events.is_empty(), "nothing has changed: {events:?}");
            continue;
        }
        for id in ["web:alive", "mirror", "api:web"] {
            let (before, after) = (state(&first, id).unwrap(), state(&events, id));
            let after = after
                .unwrap_or_else(|| panic!("equal statuses with more transitions are told: {id}, {walk:?}"));
            assert_eq!(after.transitions() - before.transitions(), transitions, "{id}, {walk:?}");
            assert!(after.version() > before.version(), "{id}");
        }
        for (subscription, before) in [&of_web, &of_api].into_iter().zip(&summaries) {
            let after = summary(&drain(subscription)).expect("the summary is told too");
            assert_eq!(after.transitions - before.transitions, transitions, "{walk:?}");
            assert!(after.version > before.version);
        }
    }
    let (before, after) = (state(&first, "web:alive").unwrap(), engine.snapshot(&token.check()).unwrap());
    // A heartbeat is no commit.
    let heartbeats = engine.stats().unwrap().heartbeats;
    assert_eq!(after.version() - before.version(), written - heartbeats, "each commit counts");
}

#[test]
fn s4_who_wants_transitions_alone_is_not_woken_for_the_rest() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let alive = check(&engine, "web:alive", Some(&web));
    let mirror = alias(&engine, "web:mirror", None, "web");
    let filters = [
        (SubscriptionFilter::all(), vec!["web:alive", "web:mirror"]),
        (SubscriptionFilter::check(&alive), vec!["web:alive"]),
        (SubscriptionFilter::check(&mirror), vec!["web:mirror"]),
        (SubscriptionFilter::prefix("web:"), vec!["web:alive", "web:mirror"]),
        (SubscriptionFilter::service(&web, false), vec!["web:alive"]),
        (SubscriptionFilter::service(&web, true), vec!["web:alive"]),
    ];
    let subscribe =
        |filter: &SubscriptionFilter<'_>| engine.subscribe(&filter.clone().transitions_only()).unwrap();
    let subscriptions: Vec<_> = filters.iter().map(|(filter, _)| subscribe(filter)).collect();
    let mut begun = 0;
    for (subscription, (_, of)) in subscriptions.iter().zip(&filters) {
        let events = drain(subscription);
        begun = state(&events, "web:mirror").map_or(begun, |mirror| mirror.transitions());
        assert_eq!(ids(&events), *of, "the state itself is not filtered");
        subscription.descriptor().unwrap();
    }
    let silent = |step: &str| {
        for (subscription, (filter, _)) in subscriptions.iter().zip(&filters) {
            assert!(!is_readable(subscription.descriptor().unwrap()), "{step} wakes {filter:?}");
            let events = drain(subscription);
            assert!(events.is_empty(), "{step}: {filter:?}: {events:?}");
        }
    };
    let one = engine.acquire(&alive, "one").unwrap();
    silent("an acquisition");
    one.write(Status::Passing, "first report").unwrap();
    silent("an output");
    one.write(Status::Passing, "first report").unwrap();
    silent("a heartbeat");
    let two = engine.take_over(&alive, one.generation(), "two").unwrap();
    silent("a take-over");
    let spec = CheckSpec::new("web:alive").initial(Status::Passing);
    engine.redefine_check(&alive, &CheckSpec { name: "another".into(), ..spec }, Some(&web)).unwrap();
    silent("a redefinition");
    two.write(Status::Critical, "down").unwrap();
    for (subscription, (filter, of)) in subscriptions.iter().zip(&filters) {
        assert!(is_readable(subscription.descriptor().unwrap()), "{filter:?}");
        let events = drain(subscription);
        assert_eq!(ids(&events), *of, "{filter:?}");
        assert_eq!(summary(&events).is_some(), events.len() > of.len(), "{filter:?}");
    }
    two.write(Status::Critical, "still down").unwrap();
    silent("an output while critical");
    // There and back between two polls, with the text in between gone.
    two.write(Status::Passing, "up").unwrap();
    two.write(Status::Critical, "still down").unwrap();
    two.write(Status::Critical, "and so on").unwrap();
    for (subscription, (filter, of)) in subscriptions.iter().zip(&filters) {
        let events = drain(subscription);
        assert_eq!(ids(&events), *of, "equal statuses with more transitions: {filter:?}");
        let counted = |id: &str| if id == "web:mirror" { begun + 3 } else { 3 };
        let exact = |(id, state): &(String, Arc<Snapshot>)| state.transitions() == counted(id);
        assert!(states(&events).iter().all(exact), "{filter:?}: {events:?}");
        assert!(states(&events).iter().all(|(_, state)| state.output().ends_with("and so on")), "{filter:?}");
    }
    two.close().unwrap();
    silent("a release");
    engine.deregister_check(&mirror).unwrap();
    engine.deregister_check(&alive).unwrap();
    for (subscription, (filter, _)) in subscriptions.iter().zip(&filters) {
        let events = drain(subscription);
        assert!(
            events.iter().any(|event| matches!(event, Event::Tombstone { .. })),
            "{filter:?}: {events:?}"
        );
    }
    assert_eq!(engine.stats().unwrap().spurious_wakes, 0);
}

/// U has committed a transition and stands before its marks; another call with the same token changes the text and returns.
fn text_after_an_untold_transition() {
    let engine = engine();
    let token = Arc::new(engine.acquire(&check(&engine, "a", None), "U").unwrap());
    let subscription = engine.subscribe(&SubscriptionFilter::all().transitions_only()).unwrap();
    drain(&subscription);
    let writer = token.clone();
    let parked = parked::at("commit:propagated", move || writer.write(Status::Critical, "down"));
    token.write(Status::Critical, "still down").unwrap();
    let told = ids(&drain(&subscription));
    parked.finish().unwrap();
    assert_eq!(told, ["a"], "a state that a transition led to is told before a write of it returns");
}

/// U and another call have committed critical and passing and stand before their marks; a third changes the text and returns.
fn text_after_an_untold_severity() {
    let engine = engine();
    let token = Arc::new(engine.acquire(&check(&engine, "a", None), "U").unwrap());
    let subscription = engine.subscribe(&SubscriptionFilter::all().at_least(Status::Critical)).unwrap();
    let (up, down) = (token.clone(), token.clone());
    let down = parked::at("commit:done", move || down.write(Status::Critical, "down"));
    let up = parked::at("commit:done", move || up.write(Status::Passing, "up"));
    token.write(Status::Passing, "still up").unwrap();
    let told = states(&drain(&subscription));
    down.finish().unwrap();
    up.finish().unwrap();
    let told: Vec<_> = told.iter().map(|(_, state)| (state.output(), state.transitions())).collect();
    assert_eq!(
        told,
        [("still up", 2)],
        "a write of the state after a critical one returns when that is told"
    );
}

#[test]
fn s4_who_pays_for_others_tells_what_they_did() {
    breaks::notices(
        "mark-trusts-unsettled",
        "a state that a transition led to is told before a write of it returns",
        text_after_an_untold_transition,
    );
    breaks::notices(
        "mark-trusts-unsettled",
        "a write of the state after a critical one returns when that is told",
        text_after_an_untold_severity,
    );
}

#[test]
fn s4_a_reader_beside_a_writer_makes_nothing_of_the_rest_a_change() {
    let _whole = breaks::none();
    let engine = engine();
    let a = check(&engine, "a", None);
    let token = Arc::new(engine.acquire(&a, "U").unwrap());
    let filters =
        [SubscriptionFilter::all().transitions_only(), SubscriptionFilter::all().at_least(Status::Critical)];
    let subscriptions = filters.each_ref().map(|filter| engine.subscribe(filter).unwrap());
    token.write(Status::Critical, "down").unwrap();
    token.write(Status::Passing, "up").unwrap();
    for subscription in &subscriptions {
        subscription.descriptor().unwrap();
        drain(subscription);
    }
    let writer = token.clone();
    let parked = parked::at("commit:done", move || writer.write(Status::Passing, "still up"));
    // Reading it raises the word, which does not tell any more that the commit before was told.
    assert_eq!(engine.snapshot(&a).unwrap().output(), "still up");
    parked.finish().unwrap();
    for (subscription, filter) in subscriptions.iter().zip(&filters) {
        assert!(!is_readable(subscription.descriptor().unwrap()), "{filter:?}");
        assert!(drain(subscription).is_empty(), "{filter:?}");
    }
}

/// U and another call have committed critical and passing and stand before their marks when the check is deregistered.
#[test]
fn s4_an_untold_severity_is_in_the_tombstone() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "a", None);
    let token = Arc::new(engine.acquire(&check, "U").unwrap());
    let subscription = engine.subscribe(&SubscriptionFilter::all().at_least(Status::Critical)).unwrap();
    let (up, down) = (token.clone(), token.clone());
    let down = parked::at("commit:done", move || down.write(Status::Critical, "down"));
    let up = parked::at("commit:done", move || up.write(Status::Passing, "up"));
    engine.deregister_check_by_force(&check, "operator").unwrap();
    let events = drain(&subscription);
    let [Event::Tombstone { snapshot, .. }] = &events[..] else { panic!("the edge is merged: {events:?}") };
    assert_eq!((snapshot.status(), snapshot.transitions()), (Status::Passing, 2));
    down.finish().unwrap();
    up.finish().unwrap();
    assert!(drain(&subscription).is_empty(), "the end is told once");
}
