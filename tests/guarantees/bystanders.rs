//! Aliases bound to the node count toward nothing (A3): what their coming and going owes all the same, and what it does not cost.

use std::sync::Arc;

use lifesign::{Check, CheckSpec, Engine, Event, Service, Status, SubscriptionFilter};

use crate::support::{alias, breaks, check, drain, engine, ids, parked, service};

/// What the alias that comes and goes may mirror: a service, one that nobody has mentioned, the node.
fn kinds() -> [CheckSpec; 3] {
    [
        CheckSpec::alias("bystander", "web 0"),
        CheckSpec::alias("bystander", "nobody"),
        CheckSpec::node_alias("bystander"),
    ]
}

/// Services above the node, each with an alias on the node and one in the service `top`.
fn mirrored(engine: &Engine) -> Vec<Service> {
    let top = service(engine, "top");
    let mut services: Vec<_> = (0..20).map(|at| service(engine, &format!("web {at}"))).collect();
    for at in 0..services.len() {
        alias(engine, &format!("mirror {at}"), None, &format!("web {at}"));
        alias(engine, &format!("top:{at}"), Some(&top), &format!("web {at}"));
    }
    services.push(top);
    services
}

/// How often the summary of each service was brought up to date.
fn versions(engine: &Engine, services: &[Service]) -> Vec<u64> {
    services.iter().map(|service| engine.service_snapshot(service).unwrap().summary.version).collect()
}

fn register(engine: &Engine, spec: &CheckSpec) -> Check {
    engine.register_check(spec, None).unwrap()
}

fn ends(events: &[Event]) -> Vec<&str> {
    let ended = events.iter().filter(|event| matches!(event, Event::Tombstone { .. }));
    ended.map(Event::id).collect()
}

#[test]
fn s6_no_service_is_touched_for_an_alias_that_counts_nowhere() {
    breaks::notices("bystander-climbs", "a service was brought up to date", || {
        let engine = engine();
        let services = mirrored(&engine);
        let follow = |filter| {
            let subscription = engine.subscribe(&filter).unwrap();
            drain(&subscription);
            subscription
        };
        let interested = [SubscriptionFilter::all(), SubscriptionFilter::prefix("by")].map(follow);
        let others = [
            SubscriptionFilter::prefix("mirror"),
            SubscriptionFilter::prefix("top"),
            SubscriptionFilter::service(&services[0], true),
        ];
        let others = others.map(follow);
        let before = versions(&engine, &services);
        for spec in kinds() {
            let bystander = register(&engine, &spec);
            assert_eq!(versions(&engine, &services), before, "a service was brought up to date for {spec:?}");
            let told = interested.each_ref().map(|subscription| ids(&drain(subscription)));
            assert_eq!(told, [["bystander"], ["bystander"]], "who wants it is told that it has come");
            engine.deregister_check(&bystander).unwrap();
            assert_eq!(versions(&engine, &services), before, "a service was brought up to date for {spec:?}");
            for subscription in &interested {
                assert_eq!(ends(&drain(subscription)), ["bystander"], "and that it has gone");
            }
        }
        assert!(others.iter().all(|subscription| drain(subscription).is_empty()), "and nobody else");
        assert_eq!(engine.audit().unwrap(), 0);
    });
}

#[test]
fn r5_the_node_has_another_version_with_and_without_it() {
    breaks::notices("bystander-under-one-version", "two contents of the node under one version", || {
        let engine = engine();
        mirrored(&engine);
        let look = || {
            let node = engine.node_snapshot().unwrap();
            let names: Vec<_> = node.checks.iter().map(|(_, check)| check.id().to_owned()).collect();
            ((node.summary.version, node.summary.epoch), names.contains(&"bystander".to_owned()))
        };
        for spec in kinds() {
            let (before, _) = look();
            let bystander = register(&engine, &spec);
            let (with, there) = look();
            assert!(there && with > before, "two contents of the node under one version: {with:?}");
            engine.deregister_check(&bystander).unwrap();
            let (without, there) = look();
            assert!(!there && without > with, "two contents of the node under one version: {without:?}");
        }
    });
}

#[test]
fn s8_who_resumes_is_told_of_it_alone() {
    breaks::notices("bystander-stamps", "what has not changed comes again", || {
        let engine = engine();
        let services = mirrored(&engine);
        for spec in kinds() {
            let filters =
                [SubscriptionFilter::all(), SubscriptionFilter::service(services.last().unwrap(), true)];
            let take = |filter: &SubscriptionFilter<'_>| {
                let subscription = engine.subscribe(filter).unwrap();
                let events = drain(&subscription);
                (events, subscription.poll(usize::MAX).unwrap().cursor)
            };
            let since = filters.each_ref().map(|filter| take(filter).1);
            let bystander = register(&engine, &spec);
            let resume = |at: usize, cursor| take(&filters[at].clone().since(cursor));
            let (events, with) = resume(0, since[0]);
            assert_eq!(ids(&events), ["bystander"], "what has not changed comes again");
            let (events, also) = resume(1, since[1]);
            assert!(events.is_empty(), "what has not changed comes again: {events:?}");
            engine.deregister_check(&bystander).unwrap();
            let (events, _) = resume(0, with);
            assert_eq!(
                (events.len(), ends(&events)),
                (1, vec!["bystander"]),
                "it has gone, and nothing else"
            );
            let (events, _) = resume(1, also);
            assert!(events.is_empty(), "what has not changed comes again: {events:?}");
        }
    });
}

/// A redefinition is stopped before it has published its word: whoever looks at the alias pays for it, and that is counted.
#[test]
fn a3_the_text_of_an_alias_looks_at_what_counts_alone() {
    breaks::notices("text-of-bystanders", "a text looks at what counts toward nothing", || {
        let engine = Arc::new(engine());
        let web = service(&engine, "web");
        let [mirror, node] =
            [alias(&engine, "mirror", None, "web"), register(&engine, &CheckSpec::node_alias("node"))];
        check(&engine, "disk", None);
        let spec = CheckSpec::alias("bystander", "web");
        let bystander = register(&engine, &spec);
        let redefined = CheckSpec { name: "another".into(), ..spec };
        let inner = engine.clone();
        let stopped = parked::at("commit:done", move || inner.redefine_check(&bystander, &redefined, None));
        for alias in [&mirror, &node] {
            assert_eq!(engine.snapshot(alias).unwrap().output(), "All checks passing.");
        }
        assert_eq!(engine.service_snapshot(&web).unwrap().summary.status, Status::Passing);
        stopped.finish().unwrap();
        assert_eq!(engine.stats().unwrap().helps, 0, "a text looks at what counts toward nothing");
        let whole = engine.node_snapshot().unwrap();
        let names: Vec<_> = whole.checks.iter().map(|(_, check)| check.name().to_owned()).collect();
        assert_eq!(names, ["another", "disk", "mirror", "node"], "the node's snapshot has them all");
    });
}
