//! Re-creation: a check is deregistered and registered again under its id while O writes, O's lease lapses and a lagging subscriber spans both lives (W3, S7).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use std::time::Duration;

use lifesign::{
    Acquire, Check, ClockSource, Config, Engine, ErrorKind, Event, OnLapse, Status, SubscriptionFilter,
};
use shuttle::thread::scope;

use super::support::{alias, check, drain, kind, service, slot};
use super::{Script, lock, reached, schedules};

const OLD_LIFE: &str = "re_creation: something of the old life shows after its end, or touches the new one";
const LIVES: &str = "re_creation: a subscriber does not see the end of one life and then the next";
const AGAINST: &str = "re_creation: what O did is held against the new life";

const LIVES_OF_A_CHECK: Script = Script {
    name: "re_creation",
    run: lives,
    overlaps: &[
        "O committed and returned in the old life",
        "O published across the lives",
        "O was GONE",
        "O's lease had lapsed",
        "the subscriber saw the old life and its end",
        "the subscriber saw the end and the new life at once",
    ],
};

fn lives() {
    let engine = Engine::open(Config { clock: ClockSource::Manual, ..Config::default() }).unwrap();
    let service = service(&engine, "api");
    let old = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let lease = Duration::from_secs(1);
    let o = engine.acquire(&old, Acquire::new("O").lease(lease, OnLapse::Critical)).unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::prefix("api")).unwrap();
    drain(&subscription);
    let state_of = |check: &Check| engine.snapshot(check).expect(OLD_LIFE);
    let begun = AtomicBool::new(false);
    let seen = Mutex::new(Vec::new());
    let take = || {
        let events = drain(&subscription);
        if let [Event::Tombstone { .. }, Event::State { .. }] = &events[..] {
            reached("the subscriber saw the end and the new life at once");
        }
        lock(&seen).extend(events);
    };
    let (written, new, n) = scope(|scope| {
        let old_writer = scope.spawn(|| {
            let written = o.write(Status::Critical, "O's");
            if written.is_ok() {
                reached(if begun.load(Relaxed) {
                    "O published across the lives"
                } else {
                    "O committed and returned in the old life"
                });
            }
            written
        });
        scope.spawn(|| {
            take();
            take();
        });
        scope.spawn(|| {
            // In steps of which none is a jump of the clock.
            (1..=3).for_each(|step| engine.tick(0, step * 2 * lease.as_nanos() as u64 / 5).unwrap());
        });
        engine.deregister_check_by_force(&old, "operator").unwrap();
        assert_eq!(old.status(), None, "{OLD_LIFE}");
        let new = check(&engine, "api:web", Some(&service));
        assert_eq!(slot(&old), slot(&new), "both lives are in the same cell");
        let (word, state) = (new.status(), state_of(&new));
        assert_eq!(
            (word, state.status(), state.version()),
            (Some(Status::Passing), Status::Passing, 1),
            "{OLD_LIFE}"
        );
        begun.store(true, Relaxed);
        let n = engine.acquire(&new, "N").expect(OLD_LIFE);
        n.write(Status::Warning, "N's").expect(OLD_LIFE);
        assert_eq!(
            (new.status(), mirror.status()),
            (Some(Status::Warning), Some(Status::Warning)),
            "{OLD_LIFE}"
        );
        (old_writer.join().unwrap(), new, n)
    });
    let written = written.map_err(|refused| refused.kind());
    match written {
        Ok(()) => {}
        Err(ErrorKind::Gone) => reached("O was GONE"),
        Err(ErrorKind::Expired) => reached("O's lease had lapsed"),
        refused => panic!("{OLD_LIFE}: {refused:?}"),
    }
    assert!(!state_of(&new).is_orphaned(), "{OLD_LIFE}");
    assert_eq!(old.status(), None, "{OLD_LIFE}");
    let (word, above) = (new.status(), mirror.status());
    let state = state_of(&new);
    assert_eq!((state.status(), state.output()), (Status::Warning, "N's"), "{OLD_LIFE}");
    assert_eq!((word, above), (Some(Status::Warning), Some(Status::Warning)), "{OLD_LIFE}");
    assert_eq!(kind(o.write(Status::Critical, "late")), ErrorKind::Gone, "{OLD_LIFE}");
    assert_eq!(kind(o.deregister_check()), ErrorKind::Gone, "{OLD_LIFE}");
    assert!(engine.writers(&new).unwrap().iter().all(|one| one.refused == 0), "{AGAINST}");
    n.write(Status::Passing, "N's again").expect(OLD_LIFE);

    take();
    let events = lock(&seen);
    let mut last = (0, 0);
    for event in events.iter() {
        let (Event::State { snapshot, .. } | Event::Tombstone { snapshot, .. }) = event else {
            panic!("{LIVES}")
        };
        assert!((snapshot.incarnation(), snapshot.version()) > last, "{OLD_LIFE}: {events:?}");
        last = (snapshot.incarnation(), snapshot.version());
        let is_old = snapshot.incarnation() < state.incarnation();
        assert_eq!(snapshot.output().starts_with('N'), !is_old && snapshot.version() > 2, "{LIVES}");
        if is_old && !snapshot.is_gone() {
            reached("the subscriber saw the old life and its end");
        }
    }
    let ends: Vec<_> = events.iter().filter(|event| matches!(event, Event::Tombstone { .. })).collect();
    assert_eq!(ends.len(), 1, "{LIVES}");
    assert_eq!(last, (state.incarnation(), engine.snapshot(&new).unwrap().version()), "{LIVES}");
    assert_eq!(engine.audit().unwrap(), 0);
}

schedules! {
    a_writer_across_lives: LIVES_OF_A_CHECK,
        publish_store "publish-store" OLD_LIFE;
}
