//! S8: a subscription continues where a cursor stood, and nothing is left out.

use std::time::Duration;

use lifesign::{
    CheckSpec, Cursor, Engine, ErrorKind, Event, Limits, Status, Subscription, SubscriptionFilter,
};

use crate::support::{
    PATIENCE, alias, breaks, check, drain, engine, ids, kind, limited, parked, service, token,
};

/// Between the commit of a write and its return.
const POINTS: [&str; 6] = [
    "commit:done",
    "commit:published",
    "commit:propagated",
    "commit:marked",
    "commit:stamped",
    "commit:settled",
];

/// Everything that is pending, and the cursor after it.
fn drain_to(subscription: &Subscription) -> (Vec<Event>, Cursor) {
    let events = drain(subscription);
    let rest = subscription.poll(usize::MAX).unwrap();
    assert!(rest.events.is_empty(), "nothing comes while nobody writes: {:?}", rest.events);
    (events, rest.cursor)
}

/// Subscribes, takes the state and ends it.
fn cursor(engine: &Engine, filter: &SubscriptionFilter<'_>) -> Cursor {
    drain_to(&engine.subscribe(filter).unwrap()).1
}

fn gone(events: &[Event]) -> Vec<String> {
    let ended = events.iter().filter(|event| matches!(event, Event::Tombstone { .. }));
    ended.map(|event| event.id().to_owned()).collect()
}

#[test]
fn s8_only_what_changed_since_the_cursor_comes() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let web_token = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    let api_token = engine.acquire(&check(&engine, "api:alive", Some(&api)), "U").unwrap();
    alias(&engine, "web:mirror", None, "web");
    alias(&engine, "api:web", Some(&api), "web");
    alias(&engine, "api:mirror", None, "api");
    token(&engine, "other");
    let filter = SubscriptionFilter::all();
    let mut at = cursor(&engine, &filter);
    for (token, changed) in [
        (None, vec![]),
        (Some(&api_token), vec!["api:alive", "api:mirror"]),
        (Some(&web_token), vec!["api:mirror", "api:web", "web:alive", "web:mirror"]),
        (None, vec![]),
    ] {
        if let Some(token) = token {
            token.write(Status::Critical, "down").unwrap();
        }
        let resumed = engine.subscribe(&filter.clone().since(at)).unwrap();
        let pending = resumed.wait(Some(Duration::ZERO)).is_ok();
        assert_eq!(pending, token.is_some(), "what changed is pending at once");
        let batch = resumed.poll(usize::MAX).unwrap();
        assert!(!batch.resync && !batch.reset && !batch.more);
        assert_eq!(ids(&batch.events), changed);
        at = batch.cursor;
        web_token.write(Status::Critical, &format!("{at:?}")).unwrap();
        let events = ids(&drain(&resumed));
        assert!(events.contains(&"web:alive".to_owned()), "and from there it goes on: {events:?}");
        at = resumed.poll(usize::MAX).unwrap().cursor;
    }
}

#[test]
fn s8_every_filter_is_resumed() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let alive = check(&engine, "web:alive", Some(&web));
    let mirror = alias(&engine, "mirror", None, "web");
    let token = engine.acquire(&alive, "U").unwrap();
    token.write(Status::Passing, "up").unwrap();
    let filters = [
        SubscriptionFilter::check(&alive),
        SubscriptionFilter::check(&mirror),
        SubscriptionFilter::prefix("web:"),
        SubscriptionFilter::prefix("mirr"),
        SubscriptionFilter::service(&web, false),
        SubscriptionFilter::service(&web, true),
    ];
    let cursors = filters.each_ref().map(|filter| cursor(&engine, filter));
    for (filter, at) in filters.iter().zip(cursors) {
        assert!(drain(&engine.subscribe(&filter.clone().since(at)).unwrap()).is_empty(), "{filter:?}");
    }
    token.write(Status::Warning, "slow").unwrap();
    token.write(Status::Passing, "up").unwrap();
    // How severe an alias or a summary was in between is not known.
    for ((filter, at), (all, severe)) in
        filters.iter().zip(cursors).zip([(1, 0), (1, 1), (1, 0), (1, 1), (1, 0), (2, 1)])
    {
        for (filter, expected) in [
            (filter.clone().since(at), all),
            (filter.clone().at_least(Status::Critical).since(at), severe),
            (filter.clone().transitions_only().since(at), all),
        ] {
            let events = drain(&engine.subscribe(&filter).unwrap());
            assert_eq!(events.len(), expected, "{filter:?}: {events:?}");
        }
    }
}

fn registrations_below_aliases() {
    let engine = engine();
    let web = service(&engine, "web");
    alias(&engine, "mirror", None, "web");
    let top = service(&engine, "top");
    alias(&engine, "top:web", Some(&top), "web");
    alias(&engine, "top:mirror", None, "top");
    let filters = [
        SubscriptionFilter::prefix("mirror"),
        SubscriptionFilter::prefix("top:m"),
        SubscriptionFilter::service(&top, true),
    ];
    let mut cursors = filters.each_ref().map(|filter| cursor(&engine, filter));
    let mut changed = |step: &str, outputs: bool| {
        for (filter, at) in filters.iter().zip(&mut cursors) {
            let resumed = engine.subscribe(&filter.clone().since(*at)).unwrap();
            let (events, next) = drain_to(&resumed);
            assert_eq!(!events.is_empty(), outputs, "what is below an alias changes it: {step}, {filter:?}");
            *at = next;
        }
    };
    changed("nothing", false);
    let alive = engine.register_check(&CheckSpec::new("web:alive"), Some(&web)).unwrap();
    changed("a check comes", true);
    engine.deregister_check(&alive).unwrap();
    changed("a check goes", true);
    engine.deregister_service(&web).unwrap();
    changed("the service goes", true);
    changed("nothing", false);
    service(&engine, "web");
    changed("the service comes", true);
    let disk = token(&engine, "disk");
    changed("a check of the node comes", true);
    disk.write(Status::Warning, "full").unwrap();
    changed("a check of the node reports", true);
    disk.deregister_check().unwrap();
    changed("a check of the node goes", true);
    changed("nothing", false);
}

#[test]
fn s8_registrations_below_an_alias_are_changes_of_it() {
    breaks::notices(
        "registration-without-stamp",
        "what is below an alias changes it",
        registrations_below_aliases,
    );
}

/// U stands between its commit and its return while a subscriber reads, leaves and resumes.
fn resumed_beside_a_parked_writer(point: &'static str, for_ever: bool) {
    let engine = engine();
    let web = service(&engine, "web");
    let token = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    let other = crate::support::token(&engine, "other");
    alias(&engine, "web:mirror", None, "web");
    let filter = SubscriptionFilter::all();
    let first = engine.subscribe(&filter).unwrap();
    drain(&first);
    let writer = parked::at(point, move || token.write(Status::Critical, "down").map(|()| token));
    other.write(Status::Warning, "slow").unwrap();
    let (mut seen, at) = drain_to(&first);
    assert!(ids(&seen).contains(&"other".to_owned()), "{point}: nobody is held back");
    drop(first);
    if !for_ever {
        // It comes between the end of the one and the beginning of the other, and has read the lists before.
        writer.release();
        writer.finish().unwrap();
        let resumed = drain(&engine.subscribe(&filter.clone().since(at)).unwrap());
        assert!(!ids(&resumed).contains(&"other".to_owned()), "{point}: {resumed:?}");
        seen.extend(resumed);
    } else {
        let resumed = engine.subscribe(&filter.clone().since(at)).unwrap();
        let late = drain(&resumed);
        assert!(!ids(&late).contains(&"other".to_owned()), "{point}: {late:?}");
        seen.extend(late);
        writer.finish().unwrap();
        seen.extend(drain(&resumed));
    }
    for id in ["web:alive", "web:mirror"] {
        let critical = |event: &Event| matches!(event, Event::State { snapshot, .. } if snapshot.id() == id && snapshot.status() == Status::Critical);
        assert!(
            seen.iter().any(critical),
            "what a parked writer committed is delivered: {point}, {id}: {seen:?}"
        );
    }
}

#[test]
fn s8_a_parked_writer_is_neither_waited_for_nor_missed() {
    let _whole = breaks::none();
    for point in POINTS {
        resumed_beside_a_parked_writer(point, false);
        resumed_beside_a_parked_writer(point, true);
    }
}

#[test]
fn s8_a_mark_under_way_is_found_by_who_resumes() {
    // It stands before its marks, and has looked up whom to mark before the subscriber came back.
    let script = || resumed_while_a_mark_is_under_way();
    breaks::notices("resume-ignores-unsettled", "a mark under way is not the only way", script);
}

fn resumed_while_a_mark_is_under_way() {
    let engine = engine();
    let token = token(&engine, "a");
    let filter = SubscriptionFilter::all();
    let first = engine.subscribe(&filter).unwrap();
    drain(&first);
    let writer = parked::at("mark:leaf", move || token.write(Status::Critical, "down"));
    // The leaf is marked, the path to it is not: the first subscription cannot find it.
    let (seen, at) = drain_to(&first);
    assert!(seen.is_empty());
    drop(first);
    let resumed = engine.subscribe(&filter.since(at)).unwrap();
    assert_eq!(ids(&drain(&resumed)), ["a"], "a mark under way is not the only way");
    writer.finish().unwrap();
}

#[test]
fn s8_deregistrations_since_the_cursor_are_told() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let register = |id: &str| engine.acquire(&check(&engine, id, Some(&web)), "U").unwrap();
    let tokens = ["web:ends", "web:again", "web:was critical", "web:stays"].map(register);
    tokens[2].write(Status::Critical, "down").unwrap();
    let old_mirror = alias(&engine, "mirror", Some(&web), "elsewhere");
    let filters = [
        SubscriptionFilter::all(),
        SubscriptionFilter::prefix("web:"),
        SubscriptionFilter::service(&web, false),
        SubscriptionFilter::all().at_least(Status::Critical),
    ];
    let cursors = filters.each_ref().map(|filter| cursor(&engine, filter));
    tokens[2].write(Status::Passing, "up").unwrap();
    tokens.iter().take(3).for_each(|token| token.deregister_check().unwrap());
    engine.deregister_check(&old_mirror).unwrap();
    let again = register("web:again");
    again.write(Status::Warning, "again").unwrap();
    register("web:came and went").deregister_check().unwrap();
    for ((at, filter), which) in cursors.iter().zip(&filters).zip(0..) {
        let resumed = engine.subscribe(&filter.clone().since(*at)).unwrap();
        let batch = resumed.poll(usize::MAX).unwrap();
        assert!(!batch.resync);
        let mut ended = gone(&batch.events);
        ended.sort();
        let mut expected = vec!["web:again", "web:came and went", "web:ends", "web:was critical"];
        if which == 0 || which == 2 || which == 3 {
            expected.insert(0, "mirror");
        }
        if which == 3 {
            // It began after the cursor and never was critical, like the new life of the other.
            expected.retain(|id| *id != "web:came and went");
        }
        assert_eq!(ended, expected, "{filter:?}");
        let order: Vec<_> = batch.events.iter().filter(|event| event.id() == "web:again").collect();
        match order[..] {
            [Event::Tombstone { .. }] if which == 3 => {}
            [Event::Tombstone { snapshot: end, .. }, Event::State { snapshot: begin, .. }] if which != 3 => {
                assert!(
                    begin.incarnation() > end.revision(),
                    "a new incarnation after its predecessor's end"
                );
            }
            _ => panic!("its end, then its new life: {order:?}"),
        }
        drop(resumed);
        let next = engine.subscribe(&filter.clone().since(batch.cursor)).unwrap();
        assert!(drain(&next).is_empty(), "what was delivered is behind the next cursor: {filter:?}");
    }
}

#[test]
fn s8_a_service_that_came_back_while_one_was_away() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let alive = engine.acquire(&check(&engine, "web:alive", Some(&web)), "U").unwrap();
    let at = cursor(&engine, &SubscriptionFilter::service(&web, true));
    alive.deregister_check().unwrap();
    engine.deregister_service(&web).unwrap();
    // Its first summary was let go of meanwhile.
    service(&engine, "between");
    let again = service(&engine, "web");
    check(&engine, "web:other", Some(&again));
    let events = drain(&engine.subscribe(&SubscriptionFilter::service(&again, true).since(at)).unwrap());
    assert_eq!((gone(&events), ids(&events)), (vec!["web:alive".to_owned()], vec!["web:other".to_owned()]));
    assert!(events.iter().any(|event| matches!(event, Event::Summary { .. })), "{events:?}");
}

#[test]
fn s8_more_deregistrations_than_are_kept_are_a_resync() {
    let _whole = breaks::none();
    let engine = limited(Limits { max_pending: 4, ..Limits::default() });
    token(&engine, "stays");
    let doomed: Vec<_> = (0..5).map(|at| token(&engine, &format!("doomed {at}"))).collect();
    let filter = SubscriptionFilter::all();
    let early = cursor(&engine, &filter);
    doomed[0].deregister_check().unwrap();
    let late = cursor(&engine, &filter);
    doomed[1..].iter().for_each(|token| token.deregister_check().unwrap());
    let batch = engine.subscribe(&filter.clone().since(late)).unwrap().poll(usize::MAX).unwrap();
    assert!(!batch.resync, "all of them are kept");
    assert_eq!((gone(&batch.events).len(), ids(&batch.events).len()), (4, 0));
    let batch = engine.subscribe(&filter.clone().since(early)).unwrap().poll(usize::MAX).unwrap();
    assert!(batch.resync && !batch.reset && !batch.more, "never a silent gap");
    assert_eq!((ids(&batch.events), gone(&batch.events)), (vec!["stays".to_owned()], vec![]));
    assert_eq!(engine.stats().unwrap().resyncs, 1);
}

#[test]
fn s8_a_resync_that_was_left_half_way_begins_again() {
    let _whole = breaks::none();
    let engine = limited(Limits { max_pending: 1, ..Limits::default() });
    (0..700).for_each(|at| drop(token(&engine, &format!("kept {at:03}"))));
    let filter = SubscriptionFilter::all();
    let subscription = engine.subscribe(&filter).unwrap();
    let (_, before) = drain_to(&subscription);
    for at in 0..2 {
        token(&engine, &format!("doomed {at}")).deregister_check().unwrap();
    }
    let batch = subscription.poll(100).unwrap();
    assert!(batch.resync && batch.more && batch.events.len() == 100);
    assert!(batch.cursor.position < before.position, "what was known before does not count any more");
    drop(subscription);
    let events = drain(&engine.subscribe(&filter.since(batch.cursor)).unwrap());
    assert_eq!(ids(&events).len(), 700, "the whole state");
}

#[test]
fn s8_the_cursor_of_a_partial_batch_stays_behind() {
    let _whole = breaks::none();
    let engine = engine();
    let tokens: Vec<_> = (0..600).map(|at| token(&engine, &format!("check {at:03}"))).collect();
    let filter = SubscriptionFilter::all();
    let mut at = cursor(&engine, &filter);
    for round in 0..5 {
        let text = format!("round {round}");
        tokens.iter().for_each(|token| token.write(Status::Warning, &text).unwrap());
        let subscription = engine.subscribe(&filter.clone().since(at)).unwrap();
        let mut seen = 0;
        loop {
            let batch = subscription.poll(90).unwrap();
            seen += batch.events.len();
            if !batch.more {
                assert!(batch.cursor.position > at.position);
                at = batch.cursor;
                break;
            }
            assert_eq!(batch.cursor, at, "something before it is still to come");
            let resumed = engine.subscribe(&filter.clone().since(batch.cursor)).unwrap();
            assert_eq!(ids(&drain(&resumed)).len(), 600);
        }
        assert_eq!(seen, 600);
    }
}

#[test]
fn s8_the_cursor_advances_under_load() {
    let _whole = breaks::none();
    let engine = engine();
    let tokens: Vec<_> = (0..600).map(|at| token(&engine, &format!("check {at:03}"))).collect();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let mut positions = Vec::new();
    for round in 0..20 {
        // More cells change between two polls than one poll reads: those in front must not hide those behind.
        tokens.iter().for_each(|token| token.write(Status::Warning, &format!("{round}")).unwrap());
        positions.push(subscription.poll(usize::MAX).unwrap().cursor.position);
    }
    positions.dedup();
    assert!(positions.len() >= 5, "{positions:?}");
}

#[test]
fn s8_another_engines_cursor_is_answered_with_reset() {
    let _whole = breaks::none();
    let (engine, other) = (engine(), self::engine());
    let filter = SubscriptionFilter::all();
    let foreign = cursor(&other, &filter);
    let subscription = engine.subscribe(&filter.clone().since(foreign)).unwrap();
    subscription.wait(Some(PATIENCE)).expect("it is told also where there is nothing");
    let batch = subscription.poll(usize::MAX).unwrap();
    assert!(batch.reset && batch.resync && batch.events.is_empty() && !batch.more);
    assert_eq!(batch.cursor.engine_id, engine.id());
    token(&engine, "a");
    let subscription = engine.subscribe(&filter.clone().since(foreign)).unwrap();
    let refused = subscription.poll(0).unwrap();
    assert!(!refused.reset && !refused.resync && refused.more, "it goes out with the first event");
    let batch = subscription.poll(1).unwrap();
    assert!(batch.reset && batch.resync && ids(&batch.events) == ["a"]);
    let next = subscription.poll(1).unwrap();
    assert!(!next.reset && !next.resync, "once");
    drop(subscription);
    assert!(drain(&engine.subscribe(&filter.since(next.cursor)).unwrap()).is_empty());
    assert_eq!(engine.stats().unwrap().resyncs, 2);
}

#[test]
fn s8_a_cursor_from_the_future_is_refused() {
    let _whole = breaks::none();
    let engine = engine();
    token(&engine, "a");
    let filter = SubscriptionFilter::all();
    let at = cursor(&engine, &filter);
    for ahead in [1, 1_000, u64::MAX - at.position] {
        let future = Cursor { position: at.position + ahead, ..at };
        let refused = engine.subscribe(&filter.clone().since(future)).expect_err("it was never given out");
        assert_eq!(refused.kind(), ErrorKind::FutureCursor);
        assert!(refused.to_string().contains(&future.position.to_string()), "{refused}");
    }
    assert_eq!(engine.stats().unwrap().subscriptions, 0, "nothing was changed");
    engine.subscribe(&filter.since(at)).unwrap();
}

/// A writer comes between the look of a wait whose time is up and its return.
fn bookmark_beside_a_writer() {
    let engine = engine();
    let token = token(&engine, "a");
    let filter = SubscriptionFilter::all();
    let subscription = engine.subscribe(&filter).unwrap();
    drain(&subscription);
    let waiting = parked::at("wait:looked", move || {
        let refused = subscription.wait(Some(Duration::ZERO)).expect_err("nothing was pending");
        (refused.kind(), refused.bookmark())
    });
    token.write(Status::Critical, "down").unwrap();
    let (kind, bookmark) = waiting.finish();
    assert_eq!(kind, ErrorKind::Timeout);
    let resumed = engine.subscribe(&filter.since(bookmark.expect("a time-out has one"))).unwrap();
    assert_eq!(ids(&drain(&resumed)), ["a"], "a bookmark promises only what was delivered");
}

#[test]
fn s8_a_time_out_returns_a_bookmark() {
    breaks::notices(
        "bookmark-after-look",
        "a bookmark promises only what was delivered",
        bookmark_beside_a_writer,
    );
    let _whole = breaks::none();
    let engine = engine();
    let filter = SubscriptionFilter::prefix("quiet");
    let quiet = token(&engine, "quiet");
    let noisy = token(&engine, "noisy");
    let subscription = engine.subscribe(&filter).unwrap();
    let (_, before) = drain_to(&subscription);
    (0..10).for_each(|at| noisy.write(Status::Warning, &at.to_string()).unwrap());
    let bookmark = subscription.wait(Some(Duration::ZERO)).expect_err("nothing matches").bookmark().unwrap();
    assert!(bookmark.position > before.position, "it moves on with what does not match");
    assert_eq!(subscription.poll(1).unwrap().cursor.position, bookmark.position);
    assert!(drain(&engine.subscribe(&filter.clone().since(bookmark)).unwrap()).is_empty());
    quiet.write(Status::Warning, "").unwrap();
    assert_eq!(ids(&drain(&engine.subscribe(&filter.since(bookmark)).unwrap())), ["quiet"]);
    let closed = Engine::subscribe(&engine, &SubscriptionFilter::all()).unwrap();
    closed.close();
    let refused = closed.wait(None).expect_err("it is closed");
    assert_eq!((refused.kind(), refused.bookmark()), (ErrorKind::Closed, None));
    assert_eq!(kind(closed.poll(1)), ErrorKind::Closed);
}
