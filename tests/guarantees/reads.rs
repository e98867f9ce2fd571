//! R1–R5: whole, wait-free, never back, read your writes, whole services.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lifesign::{Check, CheckSpec, ServiceSpec, Snapshot, Status, SubscriptionFilter};

use crate::support::{alias, breaks, check, drain, engine, parked, service, states};

/// How often a reader looks for its writer before it gives up.
const MOST_READS: u64 = 20_000_000;
const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];

#[test]
fn r1_an_alias_shows_one_version_and_epoch_of_its_target() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let mirror = alias(&engine, "sidecar", None, "web");
    let tokens = ["a", "b"].map(|id| engine.acquire(&check(&engine, id, Some(&web)), "U").unwrap());
    let done = AtomicBool::new(false);
    let mut seen: HashMap<(u64, u64), (Status, String, u64)> = HashMap::new();
    thread::scope(|scope| {
        let done = &done;
        for token in &tokens {
            scope.spawn(move || {
                for number in 0u64.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let status = STATUSES[(number / 3 % 3) as usize];
                    token.write(status, &format!("{} {number} {status}", token.check_id())).unwrap();
                }
            });
        }
        let mut last = (0, 0);
        let mut reads = 0;
        while reads < 20_000 || (seen.len() <= 100 && reads < MOST_READS) {
            reads += 1;
            let state = engine.snapshot(&mirror).unwrap();
            let key = (state.version(), state.epoch());
            let content = (state.status(), state.output().to_owned(), state.revision());
            assert!(key >= last, "{key:?} after {last:?}");
            last = key;
            match content.0 {
                Status::Passing => assert_eq!(content.1, "All checks passing."),
                status => assert!(
                    content.1.ends_with(status.as_str()),
                    "text and status belong together: {content:?}"
                ),
            }
            let known = seen.entry(key).or_insert_with(|| content.clone());
            assert_eq!(*known, content, "two states at one (version, epoch)");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(seen.len() > 100, "only {} states were met: reader and writers did not overlap", seen.len());
}

#[test]
fn r2_no_registration_and_no_writer_delays_a_read() {
    let _whole = breaks::none();
    for point in ["commit:drawn", "commit:done"] {
        let engine = Arc::new(engine());
        let web = service(&engine, "web");
        let (one, other) = (check(&engine, "one", Some(&web)), check(&engine, "other", Some(&web)));
        let mirror = alias(&engine, "sidecar", None, "web");
        let token = engine.acquire(&one, "U").unwrap();
        token.write(Status::Warning, "slow").unwrap();
        // A deregistration holds the lock of all registrations while it is parked.
        let inner = engine.clone();
        let registration = parked::at(point, move || inner.deregister_check(&other));
        assert_eq!(one.status(), Some(Status::Warning));
        assert_eq!((mirror.status(), web.status()), (Some(Status::Warning), Some(Status::Warning)));
        assert_eq!(engine.snapshot(&one).unwrap().output(), "slow");
        assert_eq!(engine.node_status(), Some(Status::Passing));
        assert_eq!(engine.check("one").unwrap(), one);
        token.write(Status::Critical, "down").unwrap();
        assert_eq!(mirror.status(), Some(Status::Critical));
        registration.finish().unwrap();
    }
}

fn snapshot_then_word() {
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = Arc::new(engine.acquire(&check, "U").unwrap());
    let writer = token.clone();
    let stopped = parked::at("commit:done", move || writer.write(Status::Critical, "down"));
    let state = engine.snapshot(&check).unwrap();
    assert_eq!(state.status(), Status::Critical, "the commit has taken effect");
    assert_eq!(check.status(), Some(Status::Critical), "the word is not behind a snapshot that was read");
    stopped.finish().unwrap();
}

#[test]
fn r3_a_word_is_never_behind_a_snapshot_that_was_read() {
    breaks::notices("read-without-raise", "the word is not behind", snapshot_then_word);
}

/// What tells of a commit otherwise than by a snapshot is not ahead of the word either.
fn told_then_word() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("export");
    let engine = Arc::new(engine());
    type Look<'a> = (&'a str, Box<dyn Fn(&Check) -> bool + 'a>);
    let looks: [Look<'_>; 4] = [
        ("who", Box::new(|check| engine.who(check).is_ok())),
        ("writers", Box::new(|check| engine.writers(check).is_ok())),
        ("history", Box::new(|check| engine.history(check).unwrap().len() == 1)),
        ("export", Box::new(|_| engine.export(&path).is_ok())),
    ];
    for (name, look) in looks {
        let check = check(&engine, name, None);
        let token = Arc::new(engine.acquire(&check, "U").unwrap());
        // Past the commit, its entry in the history and its place in an export, and before the word.
        let stopped = parked::at("commit:done", move || token.write(Status::Critical, "down"));
        assert!(look(&check), "{name} shows it");
        assert_eq!(check.status(), Some(Status::Critical), "the word is behind what {name} has told");
        stopped.finish().unwrap();
    }
}

#[test]
fn r3_a_word_is_never_behind_what_was_told() {
    breaks::notices("told-without-raise", "the word is behind what who has told", told_then_word);
}

#[test]
fn r3_nobody_sees_a_check_go_back() {
    const CHECKS: usize = 3_000;
    let _whole = breaks::none();
    let engine = engine();
    let checks: Vec<_> = (0..CHECKS).map(|at| check(&engine, &format!("check {at}"), None)).collect();
    let tokens: Vec<_> = checks.iter().map(|check| engine.acquire(check, "U").unwrap()).collect();
    let turn = AtomicUsize::new(0);
    let mut met = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            // Each check only ever becomes worse, so that its status tells which of two versions is older.
            for (at, token) in tokens.iter().enumerate() {
                while turn.load(Ordering::Acquire) < at {
                    std::hint::spin_loop();
                }
                token.write(Status::Warning, "w").unwrap();
                token.write(Status::Critical, "c").unwrap();
            }
        });
        for (at, check) in checks.iter().enumerate() {
            turn.store(at, Ordering::Release);
            let mut worst = Status::Passing;
            let mut steps = 0;
            while worst < Status::Critical {
                let word = check.status().unwrap();
                let snapshot = engine.snapshot(check).unwrap().status();
                for (view, status) in [("word", word), ("snapshot", snapshot)] {
                    assert!(status >= worst, "check {at}: the {view} says {status} after {worst} was seen");
                    steps += u64::from(status > worst);
                    worst = status;
                }
            }
            met += u64::from(steps > 1);
        }
    });
    assert!(met > 10, "only {met} checks were read between their commits");
}

#[test]
fn r4_when_a_write_returns_every_view_shows_it() {
    let _whole = breaks::none();
    let engine = engine();
    let (web, api) = (service(&engine, "web"), service(&engine, "api"));
    let check = check(&engine, "web:alive", Some(&web));
    let below = alias(&engine, "api:web", Some(&api), "web");
    let above = alias(&engine, "sidecar", None, "api");
    let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    let of_service = engine.subscribe(&SubscriptionFilter::service(&api, true)).unwrap();
    drain(&subscription);
    drain(&of_service);
    let token = engine.acquire(&check, "U").unwrap();
    drain(&subscription);
    for number in 1..200 {
        let status = STATUSES[number % 3];
        let output = format!("text {number}");
        let shown = match status {
            Status::Passing => "All checks passing.".to_owned(),
            status => format!("Check \"web:alive\" is {status}: {output}"),
        };
        token.write(status, &output).unwrap();
        assert_eq!(
            (check.status(), below.status(), above.status()),
            (Some(status), Some(status), Some(status))
        );
        assert_eq!((web.status(), api.status()), (Some(status), Some(status)));
        let state = engine.snapshot(&check).unwrap();
        assert_eq!((state.status(), state.output()), (status, &*output));
        for alias in [&below, &above] {
            let state = engine.snapshot(alias).unwrap();
            assert_eq!((state.status(), state.output()), (status, &*shown));
        }
        let view = engine.service_snapshot(&api).unwrap();
        assert_eq!((view.summary.status, &*view.summary.output), (status, &*shown));
        let events = states(&drain(&subscription));
        let ids: Vec<_> = events.iter().map(|(id, _)| &**id).collect();
        assert_eq!(ids, ["api:web", "sidecar", "web:alive"], "sorted by revision, then id");
        assert!(
            events.iter().all(|(_, event)| event.status() == status && event.revision() == state.revision())
        );
        let events = drain(&of_service);
        assert_eq!(events.len(), 2, "the alias and the summary: {events:?}");
    }
    assert_eq!(engine.audit().unwrap(), 0);
}

/// The number in the text of a check.
fn number(state: &Snapshot) -> u64 {
    state.output().parse().expect("a number")
}

#[test]
fn r5_a_service_is_read_whole_beside_its_writers() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let tokens = ["a", "b", "c"].map(|id| engine.acquire(&check(&engine, id, Some(&web)), "U").unwrap());
    let disk = engine.acquire(&check(&engine, "disk", None), "U").unwrap();
    for token in &tokens {
        token.write(Status::Passing, "0").unwrap();
    }
    let done = AtomicBool::new(false);
    let mut met = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            // One writer goes through the checks in turn: no two of them are ever more than one apart.
            for number in 1u64.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                for token in &tokens {
                    token.write(STATUSES[(number % 3) as usize], &number.to_string()).unwrap();
                }
                if number % 7 == 0 {
                    disk.write(STATUSES[(number % 2) as usize], "").unwrap();
                }
            }
        });
        let mut last = (0, 0, 0);
        let mut reads = 0;
        while reads < 20_000 || (met <= 100 && reads < MOST_READS) {
            reads += 1;
            let view = engine.service_snapshot(&web).unwrap();
            let states: Vec<_> = view.checks.iter().map(|(_, state)| state.clone()).collect();
            let ids: Vec<_> = states.iter().map(|state| state.id()).collect();
            assert_eq!(ids, ["a", "b", "c"]);
            let (a, b, c) = (number(&states[0]), number(&states[1]), number(&states[2]));
            assert!(a >= b && b >= c && a - c <= 1, "not of one moment: {a}, {b}, {c}");
            let worst = states.iter().map(|state| state.status()).max().unwrap();
            assert_eq!(view.summary.own, worst);
            assert!(view.summary.status >= view.summary.own);
            let newest = states.iter().map(|state| state.revision()).max().unwrap();
            assert!(view.summary.revision >= newest);
            let now = (view.summary.version, view.summary.epoch, a);
            assert!(now.0 >= last.0 && now.1 >= last.1 && now.2 >= last.2, "{now:?} after {last:?}");
            met += u64::from(now != last);
            last = now;
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(met > 100, "only {met} states were met: reader and writer did not overlap");
}

#[test]
fn r5_one_version_and_epoch_is_one_content() {
    let scenario = |what: &'static str| {
        move || {
            let engine = engine();
            let (web, _) = (service(&engine, "web"), service(&engine, "db"));
            let mirror = alias(&engine, "mirror", Some(&web), "db");
            let key = || {
                let view = engine.service_snapshot(&web).unwrap().summary;
                (view.version, view.epoch)
            };
            let before = key();
            match what {
                "alias" => engine.redefine_check(
                    &mirror,
                    &CheckSpec { name: "new".into(), ..CheckSpec::alias("mirror", "db") },
                    Some(&web),
                ),
                _ => engine
                    .redefine_service(&web, &ServiceSpec { name: "new".into(), ..ServiceSpec::new("web") }),
            }
            .unwrap();
            assert!(key() > before, "another content of the {what} under the same numbers");
        }
    };
    for what in ["alias", "service"] {
        let assertion = format!("another content of the {what}");
        breaks::notices("redefined-under-one-version", &assertion, scenario(what));
    }
}

#[test]
fn r5_the_epoch_of_a_service_goes_on_when_an_alias_leaves() {
    breaks::notices("alias-leaves-no-epoch", "the epoch has fallen", || {
        let engine = engine();
        let (web, db) = (service(&engine, "web"), service(&engine, "db"));
        let mirror = alias(&engine, "mirror", Some(&web), "db");
        let token = engine.acquire(&check(&engine, "alive", Some(&db)), "U").unwrap();
        for number in 0..10 {
            token.write(Status::Passing, &number.to_string()).unwrap();
        }
        let epoch = || engine.service_snapshot(&web).unwrap().summary.epoch;
        let before = epoch();
        engine.deregister_check(&mirror).unwrap();
        assert!(epoch() >= before, "the epoch has fallen from {before} to {}", epoch());
    });
}

#[test]
fn r5_the_node_is_read_like_a_service() {
    let _whole = breaks::none();
    let engine = engine();
    let view = engine.node_snapshot().unwrap();
    assert_eq!(
        (&*view.id, view.summary.status, &*view.summary.output),
        ("", Status::Passing, "No checks found.")
    );
    let disk = engine.register_check(&CheckSpec::new("disk"), None).unwrap();
    alias(&engine, "sidecar", None, "nothing");
    let view = engine.node_snapshot().unwrap();
    let ids: Vec<_> = view.checks.iter().map(|(_, state)| state.id()).collect();
    assert_eq!(ids, ["disk", "sidecar"], "aliases bound to the node are its checks too");
    assert_eq!(view.summary.status, Status::Critical, "and do not count");
    engine.acquire(&disk, "U").unwrap().write(Status::Passing, "").unwrap();
    assert_eq!(engine.node_snapshot().unwrap().summary.status, Status::Passing);
}

#[test]
fn a_check_that_never_reported_says_so() {
    let _whole = breaks::none();
    let engine = engine();
    for initial in STATUSES {
        let check = engine.register_check(&CheckSpec::new(initial.as_str()).initial(initial), None).unwrap();
        let state = engine.snapshot(&check).unwrap();
        assert_eq!((check.status(), state.status(), state.is_initial()), (Some(initial), initial, true));
        let token = engine.acquire(&check, "U").unwrap();
        assert!(engine.snapshot(&check).unwrap().is_initial(), "acquiring is no report");
        let before = engine.snapshot(&check).unwrap();
        token.write(initial, "").unwrap();
        let state = engine.snapshot(&check).unwrap();
        assert!(!state.is_initial(), "the same status, but reported");
        assert_eq!((state.version(), state.transitions()), (before.version() + 1, before.transitions()));
    }
    let check = engine.register_check(&CheckSpec::new("default"), None).unwrap();
    assert_eq!(check.status(), Some(Status::Critical));
}
