//! Provenance: who did it, how often, and what happened to a check lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lifesign::{
    Acquire, Config, DeclaredWriter, Embedder, Engine, ErrorKind, Event, HistoryKind, Limits, Process,
    Status, SubscriptionFilter, WriterActivity,
};

use crate::support::{alias, breaks, check, drain, engine, kind, limited, parked, service};

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
    let other = Engine::open(Config::default()).unwrap();
    assert_eq!(other.record(1).unwrap().process, *process, "two engines of one process");
    let text = record.to_string();
    for part in ["probe of a", "agent", "1.2.3", "abc", &process.pid.to_string(), &process.machine] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

/// Every way to commit, and whom it names.
fn the_writers_of_commits() {
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
    assert_eq!(writer(), "one", "every commit carries its writer: written");
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
fn p1_every_commit_carries_its_writer() {
    breaks::notices("commit-unnamed", "every commit carries its writer: written", the_writers_of_commits);
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

#[test]
fn p5_help_is_counted() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let token = Arc::new(engine.acquire(&check(&engine, "a", Some(&web)), "U").unwrap());
    let mirror = alias(&engine, "mirror", None, "web");
    let helps = || engine.stats().unwrap().helps;
    token.write(Status::Warning, "slow").unwrap();
    engine.snapshot(&mirror).unwrap();
    token.write(Status::Warning, "slow").unwrap();
    assert_eq!(helps(), 0, "where all is told nobody helps");
    let writer = token.clone();
    let parked = parked::at("commit:done", move || writer.write(Status::Critical, "down"));
    assert_eq!(engine.snapshot(&mirror).unwrap().output(), "Check \"a\" is critical: down");
    assert_eq!(helps(), 1, "who reads an alias helps the writer below it");
    engine.audit().unwrap();
    assert_eq!(helps(), 1, "the audit does so uncounted");
    token.write(Status::Critical, "down").unwrap();
    assert_eq!(helps(), 2, "who reports the same pays for the other");
    engine.service_snapshot(&web).unwrap();
    assert_eq!(helps(), 2);
    parked.finish().unwrap();
}

#[test]
fn p2_history_tells_transitions_take_overs_and_lapses() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let one = engine.acquire(&check, "one").unwrap();
    one.write(Status::Warning, "slow").unwrap();
    one.write(Status::Warning, "slower").unwrap();
    let two = engine.take_over(&check, one.generation(), "two").unwrap();
    two.write(Status::Critical, "down").unwrap();
    let history = engine.history(&check).unwrap();
    let told: Vec<_> = history.iter().map(|entry| (entry.kind, entry.writer, entry.from, entry.to)).collect();
    let (first, second) = (one.record().id, two.record().id);
    assert_eq!(
        told,
        [
            (HistoryKind::Transition, first, Status::Passing, Status::Warning),
            (HistoryKind::TakeOver, second, Status::Warning, Status::Warning),
            (HistoryKind::Transition, second, Status::Warning, Status::Critical),
        ],
        "neither an output nor a plain acquisition is an entry"
    );
    assert!(history.is_sorted_by_key(|entry| entry.revision));
    assert_eq!(history[1].generation, two.generation());
    assert!(history.iter().all(|entry| entry.time_ns > 0));
    assert_eq!(engine.snapshot(&check).unwrap().revision(), history[2].revision);
}

#[test]
fn p2_history_is_bounded_and_can_be_off() {
    let _whole = breaks::none();
    for depth in [0, 1, 4] {
        let engine = Engine::open(Config { history: depth, ..Config::default() }).unwrap();
        let check = check(&engine, "web:alive", None);
        let token = engine.acquire(&check, "probe").unwrap();
        for flip in 0..10 {
            token.write(if flip % 2 == 0 { Status::Critical } else { Status::Passing }, "").unwrap();
        }
        let history = engine.history(&check).unwrap();
        assert_eq!(history.len(), depth);
        if let Some(last) = history.last() {
            assert_eq!(last.revision, engine.snapshot(&check).unwrap().revision(), "the newest stay");
        }
        let again = engine.writers(&check).unwrap();
        assert_eq!(again[0].accepted, if depth == 0 { 0 } else { 11 });
    }
}

#[test]
fn p2_history_goes_with_its_incarnation() {
    let _whole = breaks::none();
    let engine = engine();
    let old = check(&engine, "web:alive", None);
    let token = engine.acquire(&old, "probe").unwrap();
    token.write(Status::Critical, "").unwrap();
    token.deregister_check().unwrap();
    let new = check(&engine, "web:alive", None);
    assert!(engine.history(&new).unwrap().is_empty() && engine.writers(&new).unwrap().is_empty());
}

#[test]
fn p2_an_entry_is_whole_however_many_write() {
    let _whole = breaks::none();
    let engine = Engine::open(Config { history: 2, ..Config::default() }).unwrap();
    let check = check(&engine, "web:alive", None);
    let token = engine.acquire(&check, "probe").unwrap();
    let (stop, seen) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for flip in 0..20_000 {
                        token
                            .write(if flip % 2 == 0 { Status::Critical } else { Status::Passing }, "")
                            .unwrap();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for entry in engine.history(&check).unwrap() {
                    assert_ne!(entry.from, entry.to, "an entry mixes two commits");
                    assert_eq!(entry.writer, token.record().id);
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        stop.store(true, Ordering::Relaxed);
    });
    assert!(seen.into_inner() > 1_000, "it was read while it was written");
}

#[test]
fn p3_who_says_since_when_and_from_where() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let who = engine.who(&check).unwrap();
    assert!(who.holder.is_none() && who.since_ns == 0 && who.silent_for.is_none());
    let token = engine.acquire(&check, "probe").unwrap();
    let acquired = engine.snapshot(&check).unwrap().time_ns();
    token.write(Status::Critical, "down").unwrap();
    let who = engine.who(&check).unwrap();
    let holder = who.holder.unwrap();
    assert_eq!((&*holder.label, holder.process.pid), ("probe", u64::from(std::process::id())));
    assert_eq!((who.since_ns, who.generation), (acquired, token.generation()), "of the acquisition");
    assert!(who.silent_for.is_some() && who.lease.is_none() && !who.orphaned);
    drop(token);
    let who = engine.who(&check).unwrap();
    assert!(who.holder.is_none() && who.since_ns == 0);
}

/// A peer that runs another build on another machine, as an embedder that fronts it declares it.
fn peer() -> DeclaredWriter {
    DeclaredWriter {
        process: Process { machine: "elsewhere".into(), pid: 7, ..Process::default() },
        embedder: Embedder { build: "b41".into(), ..Embedder::default() },
        label: "peer".into(),
    }
}

/// The peer writes, is taken over from here and writes on; a third wants the check too.
fn writers_of_two_machines() {
    let embedder = Embedder { build: "b42".into(), ..Embedder::default() };
    let engine = Engine::open(Config { embedder, ..Config::default() }).unwrap();
    let check = check(&engine, "web:alive", None);
    let declared = engine.declare_writer(&peer()).unwrap();
    let old = engine.acquire(&check, Acquire::default().declared(declared)).unwrap();
    old.write(Status::Critical, "down").unwrap();
    let new = engine.take_over(&check, old.generation(), "probe").unwrap();
    for _ in 0..3 {
        assert_eq!(kind(old.write(Status::Passing, "late")), ErrorKind::Fenced);
    }
    assert_eq!(kind(engine.acquire(&check, "third")), ErrorKind::Held);
    let writers = engine.writers(&check).unwrap();
    let told: Vec<_> = writers
        .iter()
        .map(|writer| {
            let record = writer.record.as_ref().unwrap();
            (&*record.label, writer.accepted, writer.refused, writer.holds)
        })
        .collect();
    assert_eq!(
        told,
        [("probe", 1, 0, true), ("peer", 2, 3, false), ("third", 0, 1, false)],
        "the holder first, then the busiest, with what was accepted and what was refused"
    );
    let here = &*new.record().process.machine;
    let from = |writer: &WriterActivity| {
        let record = writer.record.clone().unwrap();
        (record.process.machine.clone(), record.embedder.build.clone())
    };
    let from: Vec<_> = writers.iter().map(from).collect();
    let pairs = [(here, "b42"), ("elsewhere", "b41"), (here, "b42")];
    assert_eq!(
        from,
        pairs.map(|(machine, build)| (machine.to_owned(), build.to_owned())),
        "each comes with its machine and its build, by which those that differ are told apart"
    );
    assert!(writers.iter().all(|writer| 0 < writer.first_ns && writer.first_ns <= writer.last_ns));
}

#[test]
fn p3_writers_tells_everybody_who_wrote_or_tried_to() {
    breaks::notices(
        "refused-not-told",
        "with what was accepted and what was refused",
        writers_of_two_machines,
    );
}

/// One writer is declared, the other is this process.
fn declared_and_observed() {
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let declared = engine.declare_writer(&peer()).unwrap();
    assert_eq!(engine.declare_writer(&peer()).unwrap(), declared, "the same again is the same");
    assert!(engine.record(declared).unwrap().declared, "who was declared is marked so");
    let old = engine.acquire(&check, Acquire::default().declared(declared)).unwrap();
    let new = engine.take_over(&check, old.generation(), "probe").unwrap();
    let refused = old.write(Status::Passing, "late").expect_err("fenced");
    assert!(refused.to_string().contains("on elsewhere, as declared"), "{refused}");
    assert!(refused.caller().unwrap().declared && !refused.holder().unwrap().declared);
    let writers = engine.writers(&check).unwrap();
    let marks: Vec<_> = writers.iter().map(|writer| writer.record.as_ref().unwrap().declared).collect();
    assert_eq!((marks, new.record().declared), (vec![false, true], false), "and nobody else is");
}

#[test]
fn x2_a_declared_writer_is_marked_wherever_it_is_shown() {
    breaks::notices("declared-not-marked", "who was declared is marked so", declared_and_observed);
}

#[test]
fn x2_a_writer_must_have_been_declared() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let observed = engine.acquire(&check, "probe").unwrap().record().id;
    for id in [0, 1, observed, 4_711] {
        let refused = engine.acquire(&check, Acquire::default().declared(id));
        assert_eq!(kind(refused), ErrorKind::NotFound);
    }
    let long = DeclaredWriter { label: "l".repeat(128), ..DeclaredWriter::default() };
    assert_eq!(kind(engine.declare_writer(&long)), ErrorKind::TooLarge);
    let embedder = Embedder { name: "n".repeat(64), ..Embedder::default() };
    let long = DeclaredWriter { embedder, ..DeclaredWriter::default() };
    assert_eq!(kind(engine.declare_writer(&long)), ErrorKind::Invalid);
}

#[test]
fn p2_a_writer_that_was_overtaken_leaves_the_newer_entry() {
    let script = || {
        let engine = Engine::open(Config { history: 1, ..Config::default() }).unwrap();
        let check = check(&engine, "web:alive", None);
        let token = Arc::new(engine.acquire(&check, "probe").unwrap());
        let slow = parked::at("history:drawn", {
            let token = token.clone();
            move || token.write(Status::Warning, "slow").unwrap()
        });
        token.write(Status::Critical, "down").unwrap();
        slow.finish();
        let history = engine.history(&check).unwrap();
        assert_eq!(history[0].to, Status::Critical, "the newer entry stays");
    };
    breaks::notices("history-overtaken", "the newer entry stays", script);
}
