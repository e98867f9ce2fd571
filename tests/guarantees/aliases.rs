//! A1–A7: never stale, one authority, what is shown, missing targets, output, loops, the audit.

use lifesign::{CheckSpec, Engine, ErrorKind, Service, Status, SubscriptionFilter, Token};

use crate::support::random::Random;
use crate::support::{alias, breaks, check, drain, engine, ids, kind, refusals, service, states};

/// The text of an alias.
fn text(engine: &Engine, alias: &lifesign::Check) -> String {
    engine.snapshot(alias).unwrap().output().to_owned()
}

fn token(engine: &Engine, id: &str, service: Option<&Service>) -> Token {
    engine.acquire(&check(engine, id, service), "U").unwrap()
}

#[test]
fn a1_every_write_is_shown_when_it_returns() {
    let _whole = breaks::none();
    let engine = engine();
    let services: Vec<_> = (0..6).map(|at| service(&engine, &format!("s{at}"))).collect();
    // Two ladders of different length that meet, aliases of the node, and an alias beside direct checks.
    let aliases = [(1, 0), (2, 1), (3, 2), (3, 0), (4, 3), (5, 4), (5, 1)];
    let aliases: Vec<_> = aliases
        .iter()
        .map(|&(home, target)| {
            let mirror =
                alias(&engine, &format!("s{home}:s{target}"), Some(&services[home]), &format!("s{target}"));
            (target, mirror)
        })
        .collect();
    let tokens: Vec<_> =
        (0..24).map(|at| (at % 7, token(&engine, &format!("check {at}"), services.get(at % 7)))).collect();
    let mut statuses = vec![Status::Passing; tokens.len()];
    let mut random = Random::new(7);
    for _ in 0..5_000 {
        let at = random.below(tokens.len() as u64) as usize;
        statuses[at] = [Status::Passing, Status::Warning, Status::Critical][random.below(3) as usize];
        tokens[at].1.write(statuses[at], "text").unwrap();
        // Service 6 does not exist: those are the node's own checks.
        let own = |home: usize| {
            tokens.iter().zip(&statuses).filter(move |((of, _), _)| *of == home).map(|(_, status)| *status)
        };
        let node = own(6).max().unwrap();
        let mut shown: Vec<Status> = Vec::new();
        for home in 0..6 {
            let below = aliases
                .iter()
                .zip([1, 2, 3, 3, 4, 5, 5])
                .filter(|(_, of)| *of == home)
                .map(|((target, _), _)| shown[*target]);
            shown.push(own(home).chain(below.collect::<Vec<_>>()).max().unwrap_or(Status::Passing).max(node));
        }
        for (target, mirror) in &aliases {
            assert_eq!(mirror.status(), Some(shown[*target]), "an alias of s{target}");
        }
    }
    assert_eq!(engine.audit().unwrap(), 0, "the audit finds nothing");
}

#[test]
fn a1_large_services_are_shown_whole() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let mirror = alias(&engine, "sidecar", None, "web");
    let tokens: Vec<_> = (0..300).map(|at| token(&engine, &format!("{at:03}"), Some(&web))).collect();
    for (at, token) in tokens.iter().enumerate() {
        token.write(Status::Critical, "down").unwrap();
        assert_eq!(mirror.status(), Some(Status::Critical));
        assert_eq!(text(&engine, &mirror), format!("Check \"{at:03}\" is critical: down"));
        token.write(Status::Passing, "up").unwrap();
        assert_eq!(mirror.status(), Some(Status::Passing), "check {at} of 300");
    }
    for token in tokens.into_iter().rev() {
        token.write(Status::Warning, "leaving").unwrap();
        assert_eq!(mirror.status(), Some(Status::Warning));
        token.deregister_check().unwrap();
        assert_eq!(mirror.status(), Some(Status::Passing), "what has left counts no more");
    }
    assert_eq!(text(&engine, &mirror), "No checks found.");
    assert_eq!(engine.audit().unwrap(), 0);
}

/// Somebody acquires an alias, and takes it over from the engine.
fn an_alias_is_wanted() {
    let engine = engine();
    let mirror = alias(&engine, "sidecar", None, "web");
    let who = engine.who(&mirror).unwrap();
    let generation = who.generation;
    assert_eq!(&*who.holder.unwrap().label, "engine");
    for refused in [engine.acquire(&mirror, "rival"), engine.take_over(&mirror, generation, "rival")] {
        let kind = refused.as_ref().map_err(|refused| refused.kind()).err();
        assert_eq!(kind, Some(ErrorKind::Derived), "nobody but the engine writes an alias");
        let refused = refused.expect_err("it is derived");
        assert_eq!(refused.caller().map(|record| &*record.label), Some("rival"));
        assert!(refused.to_string().contains("sidecar"), "{refused}");
    }
    assert_eq!(engine.stats().unwrap().refused_derived, 2);
    assert_eq!(refusals(&engine, &mirror)[0].1, 2);
    let state = engine.snapshot(&mirror).unwrap();
    assert!(state.is_derived() && !state.is_initial());
    engine.deregister_check(&mirror).expect("an alias is held by the engine and deregistered by handle");
    assert_eq!(mirror.status(), None);
}

#[test]
fn a2_an_alias_is_written_by_the_engine_alone() {
    breaks::notices("alias-may-be-acquired", "nobody but the engine writes an alias", an_alias_is_wanted);
}

#[test]
fn a3_the_worst_decides_then_the_smallest_id() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let mirror = alias(&engine, "sidecar", None, "web");
    assert_eq!(text(&engine, &mirror), "No checks found.");
    let [b, c, a] = ["b", "c", "a"].map(|id| token(&engine, id, Some(&web)));
    assert_eq!(text(&engine, &mirror), "All checks passing.");
    b.write(Status::Warning, "b is slow").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"b\" is warning: b is slow");
    c.write(Status::Warning, "c is slow").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"b\" is warning: b is slow");
    a.write(Status::Warning, "a is slow").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"a\" is warning: a is slow");
    c.write(Status::Critical, "c is down").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"c\" is critical: c is down", "the worst comes first");
    // Through an alias in between the root check is named, and its id is what counts.
    alias(&engine, "0 first in line", Some(&web), "api");
    let d = token(&engine, "d", Some(&api));
    d.write(Status::Critical, "d is down").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"c\" is critical: c is down");
    c.write(Status::Passing, "").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"d\" is critical: d is down");
    // A check of the node is an input like any other.
    let node = token(&engine, "disk", None);
    node.write(Status::Critical, "full").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"d\" is critical: d is down");
    d.write(Status::Passing, "").unwrap();
    assert_eq!(text(&engine, &mirror), "Check \"disk\" is critical: full");
}

#[test]
fn a3_the_same_input_gives_the_same_text() {
    let _whole = breaks::none();
    let mut random = Random::new(3);
    let mut texts = Vec::new();
    for _ in 0..20 {
        let engine = engine();
        let web = service(&engine, "web");
        let mirror = alias(&engine, "sidecar", None, "web");
        let mut order: Vec<_> = (0..12).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at as u64 + 1) as usize);
        }
        let tokens: Vec<_> =
            order.iter().map(|at| (*at, token(&engine, &format!("check {at:02}"), Some(&web)))).collect();
        for (at, token) in &tokens {
            token
                .write(if at % 5 == 3 { Status::Critical } else { Status::Warning }, &format!("output {at}"))
                .unwrap();
        }
        texts.push(text(&engine, &mirror));
    }
    assert!(texts.iter().all(|text| text == "Check \"check 03\" is critical: output 3"), "{texts:?}");
}

#[test]
fn a3_a_long_output_is_cut_at_a_characters_edge() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let mirror = alias(&engine, "sidecar", None, "web");
    token(&engine, "check", Some(&web)).write(Status::Critical, &"é".repeat(2048)).unwrap();
    let text = text(&engine, &mirror);
    assert!(text.starts_with("Check \"check\" is critical: éé") && text.ends_with('é'));
    assert!((4095..=4096).contains(&text.len()), "{} bytes", text.len());
}

#[test]
fn a4_a_missing_target_is_critical_in_any_order() {
    let _whole = breaks::none();
    let engine = engine();
    let mirror = alias(&engine, "sidecar", None, "web");
    let missing = (Some(Status::Critical), "Service \"web\" is not registered.".to_owned());
    assert_eq!((mirror.status(), text(&engine, &mirror)), missing);
    let web = service(&engine, "web");
    assert_eq!(
        (mirror.status(), text(&engine, &mirror)),
        (Some(Status::Passing), "No checks found.".to_owned())
    );
    let token = token(&engine, "web:alive", Some(&web));
    assert_eq!(mirror.status(), Some(Status::Passing));
    token.deregister_check().unwrap();
    engine.deregister_service(&web).unwrap();
    assert_eq!((mirror.status(), text(&engine, &mirror)), missing);
    let again = service(&engine, "web");
    assert_ne!(again, web);
    assert_eq!(
        (mirror.status(), web.status(), again.status()),
        (Some(Status::Passing), None, Some(Status::Passing))
    );
    // A check's own service must exist.
    assert_eq!(kind(engine.register_check(&CheckSpec::new("web:late"), Some(&web))), ErrorKind::Gone);
    assert_eq!(kind(engine.check("web:late")), ErrorKind::NotFound);
}

#[test]
fn a4_the_version_of_a_summary_goes_on_across_its_lives() {
    let _whole = breaks::none();
    let engine = engine();
    let mirror = alias(&engine, "sidecar", None, "web");
    let subscription = engine.subscribe(&SubscriptionFilter::check(&mirror)).unwrap();
    let mut last = engine.snapshot(&mirror).unwrap();
    drain(&subscription);
    for _ in 0..10 {
        let web = service(&engine, "web");
        let token = token(&engine, "web:alive", Some(&web));
        token.write(Status::Warning, "slow").unwrap();
        token.deregister_check().unwrap();
        engine.deregister_service(&web).unwrap();
        let state = engine.snapshot(&mirror).unwrap();
        assert!(state.version() > last.version() && state.epoch() >= last.epoch());
        let events = states(&drain(&subscription));
        assert!(events.iter().all(|(_, event)| event.version() > last.version()));
        last = state;
    }
}

/// The deciding check and another one change their outputs below two aliases.
fn outputs_below_aliases() {
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let below = alias(&engine, "api:web", Some(&api), "web");
    let above = alias(&engine, "sidecar", None, "api");
    let [a, b] = ["a", "b"].map(|id| token(&engine, id, Some(&web)));
    a.write(Status::Critical, "first").unwrap();
    let subscriptions = [
        SubscriptionFilter::check(&below),
        SubscriptionFilter::check(&above),
        SubscriptionFilter::service(&api, true),
    ];
    let subscriptions = subscriptions.map(|filter| engine.subscribe(&filter).unwrap());
    for subscription in &subscriptions {
        drain(subscription);
    }
    a.write(Status::Critical, "second").unwrap();
    for mirror in [&below, &above] {
        assert_eq!(text(&engine, mirror), "Check \"a\" is critical: second");
    }
    for (subscription, count) in subscriptions.iter().zip([1, 1, 2]) {
        assert_eq!(drain(subscription).len(), count, "the alias's text has changed");
    }
    for status in [Status::Warning, Status::Critical, Status::Passing] {
        b.write(status, "not deciding").unwrap();
        for subscription in &subscriptions {
            assert!(drain(subscription).is_empty(), "what leaves the alias's text as it was is no event");
        }
    }
    a.write(Status::Passing, "up").unwrap();
    for subscription in &subscriptions {
        drain(subscription);
    }
    a.write(Status::Passing, "still up").unwrap();
    for subscription in &subscriptions {
        assert!(drain(subscription).is_empty(), "the text of a passing check is not shown by an alias");
    }
}

#[test]
fn a5_a_change_of_output_alone_is_shown_and_told() {
    breaks::notices("text-change-not-marked", "the alias's text has changed", outputs_below_aliases);
}

#[test]
fn a6_chains_are_bounded() {
    let _whole = breaks::none();
    let engine = engine();
    let services: Vec<_> = (0..70).map(|at| service(&engine, &format!("s{at}"))).collect();
    let mut linked = 0;
    let refused = loop {
        let spec = CheckSpec::alias(format!("alias {linked}"), format!("s{linked}"));
        match engine.register_check(&spec, Some(&services[linked + 1])) {
            Ok(_) => linked += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert!(refused.to_string().contains("64"), "{refused}");
    let u = token(&engine, "root", Some(&services[0]));
    for status in [Status::Critical, Status::Passing] {
        u.write(status, "text").unwrap();
        assert!(
            services[..=linked].iter().all(|service| service.status() == Some(status)),
            "all {linked} links follow"
        );
    }
    assert_eq!(linked, 63, "64 services one above the other");
}

/// The second half of a loop is registered, again and again.
fn a_loop_is_wanted() {
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    alias(&engine, "api:web", Some(&api), "web");
    let u = token(&engine, "web:alive", Some(&web));
    for _ in 0..3 {
        let registered = engine.register_check(&CheckSpec::alias("web:api", "api"), Some(&web));
        let refused = registered.expect_err("who would depend on itself is refused");
        assert_eq!(refused.kind(), ErrorKind::Loop);
        assert!(refused.to_string().contains("\"web\" -> \"api\" -> \"web\""), "{refused}");
    }
    assert_eq!(kind(engine.check("web:api")), ErrorKind::NotFound);
    u.write(Status::Critical, "down").unwrap();
    assert_eq!(api.status(), Some(Status::Critical));
    u.write(Status::Passing, "up").unwrap();
    assert_eq!(api.status(), Some(Status::Passing), "nobody holds itself critical");
    // Turned round the same two are no loop.
    engine.deregister_check(&engine.check("api:web").unwrap()).unwrap();
    alias(&engine, "web:api", Some(&web), "api");
}

#[test]
fn a6_a_refused_loop_leaves_everything_as_it_was() {
    breaks::notices("loop-check-skipped", "who would depend on itself is refused", a_loop_is_wanted);
}

#[test]
fn a7_the_audit_repairs_what_a_bug_has_done_and_counts_it() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api, db) = (service(&engine, "web"), service(&engine, "api"), service(&engine, "db"));
    let below = alias(&engine, "api:web", Some(&api), "web");
    let above = alias(&engine, "sidecar", None, "api");
    token(&engine, "db:alive", Some(&db)).write(Status::Warning, "").unwrap();
    token(&engine, "web:alive", Some(&web)).write(Status::Passing, "").unwrap();
    assert_eq!(engine.audit().unwrap(), 0);
    engine.corrupt_summary(&web);
    assert_ne!(below.status(), Some(Status::Passing), "the fault is planted");
    assert_eq!(engine.audit().unwrap(), 1, "exactly the one that is wrong");
    assert_eq!((below.status(), above.status()), (Some(Status::Passing), Some(Status::Passing)));
    assert_eq!(engine.audit().unwrap(), 0, "and it is repaired");
    assert_eq!(engine.stats().unwrap().repairs, 1);
    assert_eq!((web.status(), db.status()), (Some(Status::Passing), Some(Status::Warning)));
}

#[test]
fn a7_the_audit_finds_nothing_beside_busy_writers() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    alias(&engine, "api:web", Some(&api), "web");
    let mirror = alias(&engine, "sidecar", None, "api");
    let tokens: Vec<_> = (0..3).map(|at| token(&engine, &format!("web:{at}"), Some(&web))).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut moved = 0;
    std::thread::scope(|scope| {
        let done = &done;
        for token in &tokens {
            scope.spawn(move || {
                let mut random = Random::new(token.generation());
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let status = [Status::Passing, Status::Critical][random.below(2) as usize];
                    token.write(status, "").unwrap();
                }
            });
        }
        let mut version = 0;
        let mut audits = 0;
        while audits < 5_000 || (moved <= 100 && audits < 10_000_000) {
            audits += 1;
            assert_eq!(engine.audit().unwrap(), 0, "any count but zero is a bug");
            let now = engine.snapshot(&mirror).unwrap().version();
            moved += u64::from(now != version);
            version = now;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(moved > 100, "only {moved} audits met a change");
    assert_eq!(engine.stats().unwrap().repairs, 0);
}

#[test]
fn aliases_of_a_service_are_delivered_to_who_asked_for_them() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let early = engine.subscribe(&SubscriptionFilter::prefix("side")).unwrap();
    let all = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    alias(&engine, "sidecar", None, "web");
    assert_eq!(ids(&drain(&early)), ["sidecar"], "an alias that comes later is taken in");
    let u = token(&engine, "web:alive", Some(&web));
    drain(&all);
    u.write(Status::Critical, "down").unwrap();
    assert_eq!(ids(&drain(&early)), ["sidecar"]);
    assert_eq!(ids(&drain(&all)), ["sidecar", "web:alive"]);
}
