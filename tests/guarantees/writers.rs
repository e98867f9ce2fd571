//! W1–W5, W8: one writer, fenced, incarnations, named refusals, and registering the same again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use lifesign::{
    CheckKind, CheckSpec, Engine, ErrorKind, ServiceSpec, Status, SubscriptionFilter, Token, Who, Write,
};

use crate::support::overlap::{Clock, Span};
use crate::support::{alias, breaks, check, drain, engine, kind, parked, refusals, service, states};

#[test]
fn w1_a_held_check_is_refused_with_its_holder() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    assert!(engine.who(&check).unwrap().holder.is_none());
    let one = engine.acquire(&check, "one").unwrap();
    for _ in 0..2 {
        let refused = engine.acquire(&check, "two").expect_err("it is held");
        assert_eq!(refused.kind(), ErrorKind::Held);
        assert_eq!(refused.holder().map(|record| &*record.label), Some("one"));
        assert_eq!(refused.caller().map(|record| &*record.label), Some("two"));
        assert_eq!(refused.generation(), Some(one.generation()));
    }
    assert_eq!(kind(engine.acquire(&check, "one")), ErrorKind::Held, "the same label is no second key");
    let Who { holder, generation, .. } = engine.who(&check).unwrap();
    assert_eq!((holder.unwrap().id, generation), (one.record().id, one.generation()));
    drop(one);
    let Who { holder, generation: last, .. } = engine.who(&check).unwrap();
    assert!(holder.is_none() && last == generation, "who gives it back leaves the last generation");
    let two = engine.acquire(&check, "two").unwrap();
    assert!(two.generation() > generation);
}

/// Four threads call it at the same time.
fn all_at_once<R: Send>(call: impl Fn() -> R + Sync) -> Vec<(Span, R)> {
    const THREADS: usize = 4;
    let (clock, start) = (Clock::default(), Barrier::new(THREADS));
    thread::scope(|scope| {
        let rival = || {
            start.wait();
            clock.time(&call)
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(rival)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Makes rounds until calls have met, five hundred of them at least: on a busy machine they hardly ever do, and nothing is shown before.
fn until_they_meet(missed: &str, mut round: impl FnMut() -> usize) {
    let mut met = 0;
    let enough = (1..100_000).find(|number| {
        met += round();
        *number >= 500 && met > 0
    });
    assert!(enough.is_some(), "{missed}");
}

#[test]
fn w1_of_many_that_acquire_exactly_one_succeeds() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    until_they_meet("nobody was refused while the winner was acquiring", || {
        let rivals = all_at_once(|| engine.acquire(&check, "rival"));
        let (held, refused): (Vec<_>, Vec<_>) = rivals.into_iter().partition(|(_, taken)| taken.is_ok());
        let [(won, Ok(token))] = &held[..] else { panic!("one writer: {held:?}") };
        let mut met = 0;
        for (lost, refused) in refused {
            let refused = refused.expect_err("it is held");
            assert_eq!((refused.kind(), refused.generation()), (ErrorKind::Held, Some(token.generation())));
            met += usize::from(lost.met(*won));
        }
        met
    });
}

#[test]
fn w1_one_token_is_used_from_many_threads() {
    const WRITES: u64 = 20_000;
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = engine.acquire(&check, "U").unwrap();
    let before = engine.snapshot(&check).unwrap();
    let met = AtomicU64::new(0);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (token, engine, check, met, start) = (&token, &engine, &check, &met, &start);
            scope.spawn(move || {
                let version = || engine.snapshot(check).unwrap().version();
                start.wait();
                for number in 0..WRITES {
                    let before = version();
                    token.write(Status::Passing, &format!("{thread}.{number}")).unwrap();
                    met.fetch_add(u64::from(version() > before + 1), Ordering::Relaxed);
                }
            });
        }
    });
    assert!(met.into_inner() > 0, "no write of another thread came while one wrote");
    let after = engine.snapshot(&check).unwrap();
    assert_eq!(after.version() - before.version(), 4 * WRITES, "each commit counts once");
    assert_eq!(engine.stats().unwrap().refused_fenced, 0);
}

/// Two threads use one token; the second one's commit falls between the first one's look and its commit.
fn revisions_along_a_check() {
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = Arc::new(engine.acquire(&check, "U").unwrap());
    let first = token.clone();
    let late = parked::at("commit:loaded", move || first.write(Status::Critical, "first"));
    token.write(Status::Warning, "second").unwrap();
    let before = engine.snapshot(&check).unwrap();
    late.finish().unwrap();
    let after = engine.snapshot(&check).unwrap();
    assert_eq!((after.output(), after.version()), ("first", before.version() + 1));
    assert!(after.revision() > before.revision(), "revision and version rise together");
}

#[test]
fn w1_revision_and_version_rise_together() {
    breaks::notices("revision-before-load", "revision and version rise together", revisions_along_a_check);
}

#[test]
fn w2_a_take_over_succeeds_only_against_the_holder_that_was_seen() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let one = engine.acquire(&check, "one").unwrap();
    let two = engine.take_over(&check, one.generation(), "two").unwrap();
    assert_eq!(two.generation(), one.generation() + 1);
    let refused =
        engine.take_over(&check, one.generation(), "three").expect_err("the holder is another by now");
    assert_eq!((refused.kind(), refused.generation()), (ErrorKind::Held, Some(two.generation())));
    assert_eq!(refused.holder().map(|record| &*record.label), Some("two"));
    assert_eq!(kind(engine.take_over(&check, two.generation() + 1, "three")), ErrorKind::Held);
    let three = engine.take_over(&check, two.generation(), "three").unwrap();
    for stale in [&one, &two] {
        assert_eq!(kind(stale.write(Status::Critical, "stale")), ErrorKind::Fenced);
        assert_eq!(kind(stale.deregister_check()), ErrorKind::Fenced);
    }
    drop((one, two));
    three.write(Status::Passing, "ok").expect("neither a late write nor a late drop disturbs the successor");
    assert_eq!(engine.who(&check).unwrap().generation, three.generation());
}

#[test]
fn w2_of_many_that_take_over_exactly_one_succeeds() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let mut holder = engine.acquire(&check, "first").unwrap();
    until_they_meet("nobody was refused while the winner took over", || {
        let seen = holder.generation();
        let rivals = all_at_once(|| engine.take_over(&check, seen, "rival"));
        let (mut held, refused): (Vec<_>, Vec<_>) = rivals.into_iter().partition(|(_, taken)| taken.is_ok());
        assert_eq!(held.len(), 1, "one step and one winner");
        assert_eq!(kind(holder.write(Status::Critical, "")), ErrorKind::Fenced);
        let (won, taken) = held.remove(0);
        holder = taken.unwrap();
        holder.write(Status::Passing, "").unwrap();
        refused.iter().filter(|(lost, _)| lost.met(won)).count()
    });
}

#[test]
fn w2_what_was_refused_was_never_seen() {
    const ROUNDS: u64 = 2_000;
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let next = AtomicU64::new(0);
    let write = |token: &Token| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        (number, token.write(Status::Passing, &number.to_string()))
    };
    let mut refused = HashSet::new();
    let mut seen = HashSet::new();
    for _ in 0..ROUNDS {
        let Who { holder, generation, .. } = engine.who(&check).unwrap();
        assert!(holder.is_none());
        let old = engine.acquire(&check, "O").unwrap();
        assert_eq!(old.generation(), generation + 1);
        let (late, states) = thread::scope(|scope| {
            let writes = scope.spawn(|| (0..20).map(|_| write(&old)).collect::<Vec<_>>());
            let new = engine.take_over(&check, old.generation(), "N").unwrap();
            let mut states = Vec::new();
            for _ in 0..5 {
                states.push(write(&new).0);
                states.push(engine.snapshot(&check).unwrap().output().parse().unwrap());
            }
            (writes.join().unwrap(), states)
        });
        // Once one write is fenced, so are all later ones.
        let first = late.iter().position(|(_, outcome)| outcome.is_err()).unwrap_or(late.len());
        assert!(
            late[first..]
                .iter()
                .all(|(_, outcome)| outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Fenced))
        );
        refused.extend(late[first..].iter().map(|(number, _)| *number));
        seen.extend(states);
    }
    assert!(!refused.is_empty(), "no write met a take-over");
    assert_eq!(refused.intersection(&seen).count(), 0, "a refused write was seen");
}

#[test]
fn w2_a_held_check_is_deregistered_by_its_holder_or_by_force() {
    let _whole = breaks::none();
    let engine = engine();
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let one = check(&engine, "one", None);
    let token = engine.acquire(&one, "holder").unwrap();
    let refused = engine.deregister_check(&one).expect_err("it is held");
    assert_eq!(
        (refused.kind(), refused.holder().map(|record| &*record.label)),
        (ErrorKind::Held, Some("holder"))
    );
    token.deregister_check().unwrap();
    let two = check(&engine, "two", None);
    let fenced = engine.acquire(&two, "holder").unwrap();
    engine.deregister_check_by_force(&two, "operator").unwrap();
    let three = check(&engine, "three", None);
    engine.deregister_check(&three).unwrap();
    let writers: Vec<_> = drain(&subscription)
        .iter()
        .map(|event| match event {
            lifesign::Event::Tombstone { snapshot, .. } => {
                (snapshot.id().to_owned(), engine.record(snapshot.writer()).unwrap().label.to_string())
            }
            other => panic!("a tombstone: {other:?}"),
        })
        .collect();
    let expected = [("one", "holder"), ("two", "operator"), ("three", "engine")];
    assert_eq!(writers, expected.map(|(id, label)| (id.to_owned(), label.to_owned())), "force is recorded");
    let refused = fenced.write(Status::Passing, "").expect_err("the check is gone");
    assert_eq!(refused.kind(), ErrorKind::Gone);
    assert!(refused.to_string().contains("\"two\""), "{refused}");
    for gone in [one, two, three] {
        assert_eq!(gone.status(), None);
        assert_eq!(kind(engine.deregister_check(&gone)), ErrorKind::Gone);
    }
    assert_eq!(engine.stats().unwrap().checks, 0);
}

#[test]
fn w3_incarnations_and_generations_never_start_again() {
    let _whole = breaks::none();
    let engine = engine();
    let (mut incarnation, mut generation) = (0, 0);
    for round in 0..1_000 {
        let check = check(&engine, "web:alive", None);
        let token = engine.acquire(&check, "U").unwrap();
        let state = engine.snapshot(&check).unwrap();
        assert!(state.incarnation() > incarnation && token.generation() > generation, "round {round}");
        assert_eq!(state.version(), 2, "versions begin with each life");
        (incarnation, generation) = (state.incarnation(), token.generation());
        token.deregister_check().unwrap();
    }
}

/// An old holder goes on writing, and a rival wants the check.
fn refused_writers() {
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let old = engine.acquire(&check, "old").unwrap();
    let new = engine.take_over(&check, old.generation(), "new").unwrap();
    for _ in 0..5 {
        let refused = old.write(Status::Critical, "late").expect_err("fenced");
        let sides = (refused.caller().unwrap().id, refused.holder().unwrap().id);
        assert_eq!(sides, (old.record().id, new.record().id));
        for part in ["FENCED", "web:alive", "\"old\"", "\"new\"", &std::process::id().to_string()] {
            assert!(refused.to_string().contains(part), "{part} is missing: {refused}");
        }
    }
    for _ in 0..3 {
        assert_eq!(kind(engine.acquire(&check, "rival")), ErrorKind::Held);
    }
    assert_eq!(kind(old.deregister_check()), ErrorKind::Fenced);
    let counts: Vec<_> = refusals(&engine, &check)
        .into_iter()
        .map(|(record, count)| (engine.record(record).unwrap().label.to_string(), count))
        .collect();
    let counted = engine.writers(&check).unwrap();
    assert_eq!(
        counts,
        [("old".to_owned(), 6), ("rival".to_owned(), 3)],
        "each refusal is counted, the heaviest first"
    );
    assert!(counted.iter().all(|one| 0 < one.first_ns && one.first_ns <= one.last_ns));
    let stats = engine.stats().unwrap();
    assert_eq!((stats.refused_fenced, stats.refused_held), (6, 3));
    assert_eq!(
        engine.record(old.record().id).unwrap().label,
        old.record().label,
        "its record lives on, fenced or not"
    );
}

#[test]
fn w4_refusals_are_counted_with_both_sides() {
    breaks::notices("refusal-uncounted", "each refusal is counted, the heaviest first", refused_writers);
}

#[test]
fn w4_beyond_the_heaviest_the_rest_is_counted_together() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let _holder = engine.acquire(&check, "holder").unwrap();
    for rival in 0..100u64 {
        for _ in 0..=(100 - rival) {
            assert_eq!(kind(engine.acquire(&check, &format!("rival {rival}"))), ErrorKind::Held);
        }
    }
    let counted = refusals(&engine, &check);
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), (2..=101).sum::<u64>(), "none is lost");
    assert_eq!((counted[0].1, counted[1].1), (101, 100));
    assert_eq!(counted.last().map(|(record, _)| *record), Some(0), "the rest together");
    assert!(counted.len() < 20);
}

#[test]
fn w4_a_closed_token_says_so() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = engine.acquire(&check, "U").unwrap();
    token.close().unwrap();
    assert_eq!(kind(token.write(Status::Passing, "")), ErrorKind::Revoked);
    assert_eq!(kind(token.deregister_check()), ErrorKind::Revoked);
    assert_eq!(kind(token.close()), ErrorKind::Revoked);
    let next = engine.acquire(&check, "next").expect("it was given back");
    drop(token);
    next.write(Status::Passing, "").unwrap();
}

#[test]
fn w8_the_same_service_again_is_no_change() {
    let _whole = breaks::none();
    let engine = engine();
    let spec = ServiceSpec { id: "web".into(), name: "Web".into(), data: b"tags".to_vec() };
    let web = engine.register_service(&spec).unwrap();
    let before = engine.service_snapshot(&web).unwrap();
    assert_eq!(engine.register_service(&spec).unwrap(), web);
    for (field, other) in [
        ("name", ServiceSpec { name: "Other".into(), ..spec.clone() }),
        ("data", ServiceSpec { data: b"other".to_vec(), ..spec.clone() }),
    ] {
        let refused = engine.register_service(&other).expect_err("it differs");
        assert_eq!(refused.kind(), ErrorKind::Exists);
        assert!(refused.to_string().contains(field) && refused.to_string().contains("web"), "{refused}");
    }
    let after = engine.service_snapshot(&web).unwrap();
    assert_eq!((after.summary, after.name, after.data), (before.summary, "Web".into(), b"tags".to_vec()));
}

#[test]
fn w8_the_same_check_again_is_no_change() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let spec = CheckSpec { name: "Alive".into(), data: b"opaque".to_vec(), ..CheckSpec::new("web:alive") };
    let check = engine.register_check(&spec, Some(&web)).unwrap();
    let token = engine.acquire(&check, "U").unwrap();
    token.write(Status::Passing, "up").unwrap();
    let before = engine.snapshot(&check).unwrap();
    let commits = engine.stats().unwrap().commits;
    assert_eq!(engine.register_check(&spec, Some(&web)).unwrap(), check);
    assert!(Arc::ptr_eq(&before, &engine.snapshot(&check).unwrap()), "nothing was committed");
    for (field, other, home) in [
        ("name", CheckSpec { name: "Other".into(), ..spec.clone() }, Some(&web)),
        ("data", CheckSpec { data: vec![], ..spec.clone() }, Some(&web)),
        ("initial", spec.clone().initial(Status::Warning), Some(&web)),
        ("kind", CheckSpec { kind: CheckKind::AliasNode, ..spec.clone() }, Some(&web)),
        ("kind", CheckSpec { kind: CheckKind::AliasService("api".into()), ..spec.clone() }, Some(&web)),
        ("service", spec.clone(), Some(&api)),
        ("service", spec.clone(), None),
    ] {
        let refused = engine.register_check(&other, home).expect_err("it differs");
        assert_eq!(refused.kind(), ErrorKind::Exists, "{field}");
        assert!(
            refused.to_string().contains(field) && refused.to_string().contains("web:alive"),
            "{refused}"
        );
    }
    assert_eq!(engine.stats().unwrap().commits, commits);
    let mirror = alias(&engine, "sidecar", None, "web");
    assert_eq!(engine.register_check(&CheckSpec::alias("sidecar", "web"), None).unwrap(), mirror);
    assert_eq!(kind(engine.register_check(&CheckSpec::alias("sidecar", "api"), None)), ErrorKind::Exists);
}

/// An engine with a held, reported check in a service, and the definition of it.
fn reported() -> (Engine, Token, CheckSpec) {
    let engine = engine();
    let web = service(&engine, "web");
    let spec = CheckSpec::new("web:alive");
    let check = engine.register_check(&spec, Some(&web)).unwrap();
    let token = engine.acquire(&check, "U").unwrap();
    token.write(Status::Warning, "slow").unwrap();
    (engine, token, spec)
}

#[test]
fn w8_redefining_keeps_incarnation_status_and_token() {
    let _whole = breaks::none();
    let (engine, token, spec) = reported();
    let (web, check) = (engine.service("web").unwrap(), token.check());
    let mirror = alias(&engine, "sidecar", None, "web");
    let before = engine.snapshot(&check).unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).unwrap();
    drain(&subscription);
    let redefined =
        CheckSpec { name: "Alive".into(), data: b"new".to_vec(), ..spec.clone() }.initial(Status::Passing);
    engine.redefine_check(&check, &redefined, Some(&web)).unwrap();
    let after = engine.snapshot(&check).unwrap();
    assert_eq!((after.name(), after.data()), ("Alive", &b"new"[..]));
    assert_eq!(
        (after.incarnation(), after.status(), after.output(), after.transitions(), after.generation()),
        (before.incarnation(), Status::Warning, "slow", before.transitions(), before.generation())
    );
    assert_eq!((check.status(), mirror.status()), (Some(Status::Warning), Some(Status::Warning)));
    assert_eq!(states(&drain(&subscription)).len(), 1, "a new definition is news");
    token.write(Status::Passing, "up").expect("the token is kept");
    engine.redefine_check(&check, &redefined, Some(&web)).expect("the same again");
    assert!(drain(&subscription).len() == 1, "and commits nothing");
    assert_eq!(engine.register_check(&redefined, Some(&web)).unwrap(), check);
}

#[test]
fn w8_what_a_check_is_cannot_be_redefined() {
    let _whole = breaks::none();
    let (engine, token, spec) = reported();
    let (web, check) = (engine.service("web").unwrap(), token.check());
    let before = format!("{:?}", engine.snapshot(&check).unwrap());
    for (other, home) in [
        (CheckSpec { id: "other".into(), ..spec.clone() }, Some(&web)),
        (CheckSpec { kind: CheckKind::AliasNode, ..spec.clone() }, Some(&web)),
        (spec.clone(), None),
    ] {
        assert_eq!(kind(engine.redefine_check(&check, &other, home)), ErrorKind::Invalid);
    }
    assert_eq!(kind(engine.redefine_service(&web, &ServiceSpec::new("other"))), ErrorKind::Invalid);
    assert_eq!(format!("{:?}", engine.snapshot(&check).unwrap()), before);
    engine.redefine_service(&web, &ServiceSpec { name: "Web".into(), ..ServiceSpec::new("web") }).unwrap();
    assert_eq!(engine.service_snapshot(&web).unwrap().name, "Web");
    token.write(Status::Passing, "").unwrap();
    token.deregister_check().unwrap();
    assert_eq!(kind(engine.redefine_check(&check, &spec, Some(&web))), ErrorKind::Gone);
    engine.deregister_service(&web).unwrap();
    assert_eq!(kind(engine.redefine_service(&web, &ServiceSpec::new("web"))), ErrorKind::Gone);
}

#[test]
fn the_same_report_again_is_a_heartbeat() {
    let _whole = breaks::none();
    let (engine, token, _) = reported();
    let before = engine.snapshot(&token.check()).unwrap();
    let commits = engine.stats().unwrap().commits;
    for _ in 0..10 {
        token.write(Status::Warning, "slow").unwrap();
    }
    assert!(Arc::ptr_eq(&before, &engine.snapshot(&token.check()).unwrap()), "it commits nothing");
    let stats = engine.stats().unwrap();
    assert_eq!((stats.heartbeats, stats.commits), (10, commits));
}

/// A batch in which writes succeed before, between and after those that are refused.
fn a_batch_with_refusals() {
    let engine = engine();
    let checks: Vec<_> = ["a", "b", "c", "d"].map(|id| check(&engine, id, None)).into();
    let tokens: Vec<_> = checks.iter().map(|check| engine.acquire(check, "probe").unwrap()).collect();
    let rival = engine.take_over(&checks[1], tokens[1].generation(), "rival").unwrap();
    tokens[3].write(Status::Passing, "same").unwrap();
    let standing = engine.snapshot(&checks[3]).unwrap().revision();
    let foreign = crate::support::engine();
    let elsewhere = check(&foreign, "a", None);
    let elsewhere = foreign.acquire(&elsewhere, "probe").unwrap();
    let write = |token, status, output| Write { token, status, output };
    let long = "x".repeat(5_000);
    let results = engine
        .write_batch(&[
            write(&tokens[0], Status::Warning, "one"),
            write(&tokens[1], Status::Critical, "late"),
            write(&tokens[2], Status::Critical, &long),
            write(&tokens[3], Status::Passing, "same"),
            write(&elsewhere, Status::Critical, ""),
            write(&tokens[0], Status::Critical, "two"),
        ])
        .unwrap();
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().err().map(|error| error.kind())).collect();
    assert_eq!(
        kinds,
        [
            None,
            Some(ErrorKind::Fenced),
            Some(ErrorKind::TooLarge),
            None,
            Some(ErrorKind::ForeignEngine),
            None
        ],
        "each write has its own result"
    );
    let revisions: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    let first = engine.snapshot(&checks[0]).unwrap();
    assert_eq!((first.status(), first.output(), first.version()), (Status::Critical, "two", 4));
    assert!(*revisions[0] < *revisions[2] && *revisions[2] == first.revision(), "each has one of its own");
    assert_eq!(*revisions[1], standing, "a heartbeat confirms what stands");
    assert_eq!(checks[1].status(), Some(Status::Passing));
    drop(rival);
    engine.close();
    assert_eq!(kind(engine.write_batch(&[])), ErrorKind::Closed);
}

#[test]
fn w7_each_write_of_a_batch_stands_by_itself() {
    breaks::notices("batch-stops-at-first-refusal", "each write has its own result", a_batch_with_refusals);
}
