//! Overlapping lifetimes: O wakes with `critical` in hand; N takes over, subscribes and commits `passing`; U commits `passing` (W2, W4).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lifesign::{ErrorKind, Status, SubscriptionFilter, WriterRecord};
use shuttle::thread::scope;

use super::support::{alias, check, drain, engine, service, states};
use super::{Script, reached, schedules};

const FENCED: &str = "overlapping_lifetimes: a write of O's took effect after the take-over";
const BACK: &str = "overlapping_lifetimes: a late publication put an older state back, in the word or above";
const NAMED: &str = "overlapping_lifetimes: a refusal does not name both sides";
const COUNTED: &str = "overlapping_lifetimes: refusals are not counted, or not against O";
const EVENTS: &str = "overlapping_lifetimes: N's subscription does not end with N's write";

const OLD_AND_NEW: Script = Script {
    name: "overlapping_lifetimes",
    run: old_and_new,
    overlaps: &["O was FENCED", "O committed before", "O published after N's commit"],
};

fn old_and_new() {
    let engine = engine();
    let target = service(&engine, "web");
    let u = engine.acquire(&check(&engine, "web:alive", Some(&target)), "U").unwrap();
    let service = service(&engine, "api");
    let check = check(&engine, "api:web", Some(&service));
    let mirror = alias(&engine, "sidecar", None, "api");
    let o = engine.acquire(&check, "O").unwrap();
    let stands = || {
        // The word first: whoever reads the snapshot raises it.
        let word = check.status();
        let state = engine.snapshot(&check).unwrap();
        assert_eq!((state.status(), state.output()), (Status::Passing, "target up"), "{FENCED}");
        assert_eq!(word, Some(Status::Passing), "{BACK}");
        assert_eq!(mirror.status(), Some(Status::Passing), "{BACK}");
    };
    let committed = AtomicBool::new(false);
    let (written, subscription) = scope(|scope| {
        let old = scope.spawn(|| {
            let written = o.write(Status::Critical, "target down");
            if written.is_ok() && committed.load(Relaxed) {
                reached("O published after N's commit");
            }
            written
        });
        let new = scope.spawn(|| {
            let n = engine.take_over(&check, o.generation(), "N").expect("nobody else takes over");
            let subscription = n.subscribe(&SubscriptionFilter::check(&check)).expect(FENCED);
            n.write(Status::Passing, "target up").expect(FENCED);
            stands();
            committed.store(true, Relaxed);
            let events = drain(&subscription);
            let last = states(&events).pop().expect("a write that has returned is delivered").1;
            assert_eq!((last.status(), last.output()), (Status::Passing, "target up"), "{FENCED}");
            (n, subscription)
        });
        u.write(Status::Passing, "").unwrap();
        (old.join().unwrap(), new.join().unwrap())
    });
    stands();
    let (n, subscription) = subscription;
    assert!(drain(&subscription).is_empty(), "{EVENTS}");
    let refused = engine.writers(&check).unwrap().into_iter().filter(|one| one.refused > 0);
    let counted: Vec<_> = refused.map(|one| (one.record.map(|record| record.id), one.refused)).collect();
    match written {
        Ok(()) => {
            reached("O committed before");
            assert!(counted.is_empty() && engine.stats().unwrap().refused_fenced == 0, "{COUNTED}");
        }
        Err(refused) => {
            reached("O was FENCED");
            assert_eq!(refused.kind(), ErrorKind::Fenced, "{FENCED}");
            let label = |record: Option<&WriterRecord>| record.map(|record| record.label.to_string());
            assert_eq!(
                (label(refused.caller()), label(refused.holder()), refused.generation()),
                (Some("O".into()), Some("N".into()), Some(n.generation())),
                "{NAMED}"
            );
            assert_eq!(counted, [(Some(o.record().id), 1)], "{COUNTED}");
            assert_eq!(engine.stats().unwrap().refused_fenced, 1, "{COUNTED}");
        }
    }
    assert_eq!(engine.audit().unwrap(), 0);
}

schedules! {
    an_old_writer_and_its_successor: OLD_AND_NEW,
        fence_tested_once "fence-tested-once" FENCED,
        publish_store "publish-store" BACK,
        settle_by_store "settle-by-store" BACK;
}
