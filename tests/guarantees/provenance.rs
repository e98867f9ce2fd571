//! P1 and P5: who did it, and how often.

use lifesign::{Config, Embedder, Engine, ErrorKind, Event, Limits, Status, SubscriptionFilter};

use crate::support::{alias, breaks, check, drain, engine, kind, limited, service};

#[test]
fn p1_a_record_names_process_machine_and_program() {
    let _whole = breaks::none();
    let embedder = Embedder { name: "agent".into(), version: "1.2.3".into(), build: "abc".into() };
    let engine = Engine::open(Config { embedder: embedder.clone(), ..Config::default() }).unwrap();
    let token = engine.acquire(&check(&engine, "a", None), "probe of a").unwrap();
    let record = token.record();
    assert_eq!((&*record.label, &*record.embedder), ("probe of a", &embedder));
    let process = &record.process;
    assert_eq!(process.pid, u64::from(std::process::id()));
    assert_eq!(process.executable, std::env::current_exe().unwrap().display().to_string());
    assert_eq!(process.machine, rustix::system::uname().nodename().to_string_lossy());
    assert!(process.start > 0 && process.pid_namespace > 0);
    assert_ne!((process.uuid, process.boot_id), ([0; 16], [0; 16]));
    let text = record.to_string();
    for part in ["probe of a", "agent", "1.2.3", "abc", &process.pid.to_string(), &process.machine] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn p1_every_commit_carries_its_writer() {
    let _whole = breaks::none();
    let engine = engine();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let check = check(&engine, "a", None);
    let writer = || {
        let events = drain(&subscription);
        let (Some(Event::State { snapshot, .. } | Event::Tombstone { snapshot, .. }), 1) =
            (events.last(), events.len())
        else {
            panic!("one event: {events:?}")
        };
        engine.record(snapshot.writer()).unwrap().label.to_string()
    };
    assert_eq!(writer(), "engine", "registered");
    let one = engine.acquire(&check, "one").unwrap();
    assert_eq!(writer(), "one", "acquired");
    one.write(Status::Warning, "").unwrap();
    assert_eq!(writer(), "one", "written");
    let two = engine.take_over(&check, one.generation(), "two").unwrap();
    assert_eq!(writer(), "two", "taken over");
    assert_eq!(engine.snapshot(&check).unwrap().holder(), two.record().id);
    two.close().unwrap();
    assert_eq!(writer(), "two", "given back");
    assert_eq!(engine.snapshot(&check).unwrap().holder(), 0);
    engine.deregister_check_by_force(&check, "operator").unwrap();
    assert_eq!(writer(), "operator", "deregistered");
}

#[test]
fn p1_records_are_interned_and_bounded() {
    let _whole = breaks::none();
    let engine = limited(Limits { max_records: 3, ..Limits::default() });
    let check = check(&engine, "a", None);
    let ids: Vec<_> = (0..100).map(|_| engine.acquire(&check, "same").unwrap().record().id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "one integer, however often");
    drop(engine.acquire(&check, "other").unwrap());
    let refused = engine.acquire(&check, "one too many").expect_err("the records are bounded");
    assert_eq!(refused.kind(), ErrorKind::Limit);
    assert!(
        refused.to_string().contains("one too many") && refused.to_string().contains("max_records"),
        "{refused}"
    );
    assert_eq!(kind(engine.deregister_check_by_force(&check, "and another")), ErrorKind::Limit);
    assert_eq!(check.status(), Some(Status::Passing));
    engine.acquire(&check, "same").expect("known labels go on");
    assert!(engine.record(0).is_none() && engine.record(99).is_none());
    assert_eq!(&*engine.record(1).unwrap().label, "engine");
}

#[test]
fn p5_the_numbers_are_exact() {
    let _whole = breaks::none();
    let engine = engine();
    assert_eq!(engine.stats().unwrap().commits, 0);
    let web = service(&engine, "web");
    let a = check(&engine, "a", Some(&web));
    check(&engine, "b", None);
    let mirror = alias(&engine, "sidecar", None, "web");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let one = engine.acquire(&a, "one").unwrap();
    one.write(Status::Critical, "down").unwrap();
    one.write(Status::Critical, "still down").unwrap();
    one.write(Status::Critical, "still down").unwrap();
    let two = engine.take_over(&a, one.generation(), "two").unwrap();
    assert_eq!(kind(one.write(Status::Passing, "")), ErrorKind::Fenced);
    assert_eq!(kind(engine.acquire(&a, "three")), ErrorKind::Held);
    assert_eq!(kind(engine.acquire(&mirror, "three")), ErrorKind::Derived);
    let stats = engine.stats().unwrap();
    assert_eq!((stats.commits, stats.transitions, stats.heartbeats), (4, 1, 1));
    assert_eq!((stats.refused_fenced, stats.refused_held, stats.refused_derived), (1, 1, 1));
    assert_eq!((stats.services, stats.checks, stats.aliases), (1, 3, 1));
    assert_eq!((stats.tokens, stats.subscriptions), (2, 1));
    assert_eq!((stats.repairs, stats.internal_errors, stats.resyncs), (0, 0, 0));
    assert!(stats.bytes > 0);
    two.deregister_check().unwrap();
    assert_eq!(kind(two.write(Status::Passing, "")), ErrorKind::Gone);
    drop((one, two, subscription));
    let stats = engine.stats().unwrap();
    assert_eq!((stats.commits, stats.refused_gone), (5, 1));
    assert_eq!((stats.checks, stats.tokens, stats.subscriptions), (2, 0, 0));
}
