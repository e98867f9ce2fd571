//! W9: what a check showed before a restart, it shows after it, marked; and never over what was reported.

use std::fs;
use std::path::PathBuf;

use lifesign::failpoint::trace;
use lifesign::{
    Acquire, Check, CheckSpec, Engine, ErrorKind, Event, Export, OnLapse, Restored, Status,
    SubscriptionFilter,
};
use tempfile::{TempDir, tempdir};

use crate::support::child::in_a_child;
use crate::support::clock::timed;
use crate::support::disk;
use crate::support::{alias, breaks, check, drain, engine, kind, parked, service, states};

/// The export in a folder.
fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("state.json")
}

fn critical() -> Restored {
    Restored { status: Status::Critical, output: "was down".into(), since_ns: 4_000 }
}

#[test]
fn w9_an_export_comes_back_as_it_was() {
    let _whole = breaks::none();
    let folder = tempdir().unwrap();
    let before = timed();
    before.tick(1_000_000_000, 10_000_000).unwrap();
    let web = service(&before, "web");
    for (id, status, text) in
        [("one", Status::Critical, "down\n\"quoted\" \u{1f525}"), ("two", Status::Passing, "")]
    {
        let check = check(&before, id, Some(&web));
        before.acquire(&check, "probe").unwrap().write(status, text).unwrap();
    }
    check(&before, "never", Some(&web));
    alias(&before, "mirror", None, "web");
    assert_eq!(
        before.export(&file(&folder)).unwrap(),
        2,
        "what has never reported and what is derived is left out"
    );
    before.close();

    let export = Export::read(&file(&folder)).unwrap();
    assert_eq!((export.checks().count(), export.time_ns), (2, 1_000_000_000));
    assert_eq!(export.check("one").unwrap().reported_ns, 1_000_000_000);
    let after = timed();
    after.tick(9_000_000_000, 0).unwrap();
    let web = service(&after, "web");
    let mirror = alias(&after, "mirror", None, "web");
    let one = export.check("one").unwrap();
    let spec = CheckSpec::new("one").initial(Status::Passing).restored(one.state.clone());
    let check = after.register_check(&spec, Some(&web)).unwrap();
    let state = after.snapshot(&check).unwrap();
    assert_eq!((state.status(), state.output()), (Status::Critical, "down\n\"quoted\" \u{1f525}"));
    assert!(state.is_restored() && !state.is_initial());
    assert_eq!((state.transitions(), state.since_ns()), (0, 1_000_000_000), "it is no transition");
    assert_eq!(mirror.status(), Some(Status::Critical), "and counts as any other state");
    assert_eq!(after.export(&file(&folder)).unwrap(), 1, "what was restored is exported again");
}

#[test]
fn w9_the_first_report_ends_it() {
    let _whole = breaks::none();
    let engine = engine();
    let check = engine.register_check(&CheckSpec::new("one").restored(critical()), None).unwrap();
    let token = engine.acquire(&check, "probe").unwrap();
    assert!(engine.snapshot(&check).unwrap().is_restored(), "to be held is not to be reported");
    let version = engine.snapshot(&check).unwrap().version();
    token.write(Status::Critical, "was down").unwrap();
    let state = engine.snapshot(&check).unwrap();
    assert!(!state.is_restored() && state.version() == version + 1, "the same again confirms it");
    assert_eq!((state.transitions(), state.since_ns()), (0, 4_000));
}

#[test]
fn w9_a_restored_state_never_replaces_a_reported_one() {
    // A restart, in every order of: registration, a registration again that carries a restored state, the first report.
    let script = || {
        let engine = engine();
        let spec = CheckSpec::new("one").initial(Status::Passing);
        let restored = spec.clone().restored(critical());
        let check = engine.register_check(&spec, None).unwrap();
        let token = engine.acquire(&check, "probe").unwrap();
        token.write(Status::Warning, "slow").unwrap();
        assert_eq!(engine.register_check(&restored, None).unwrap(), check, "the same again");
        let state = engine.snapshot(&check).unwrap();
        assert_eq!((state.status(), state.output()), (Status::Warning, "slow"), "what was reported stays");
    };
    breaks::notices("restore-over-report", "what was reported stays", script);

    let _whole = breaks::none();
    let engine = engine();
    let spec = CheckSpec::new("one").initial(Status::Passing);
    let check = engine.register_check(&spec, None).unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::all().at_least(Status::Critical)).unwrap();
    drain(&subscription);
    engine.register_check(&spec.clone().restored(critical()), None).unwrap();
    let state = engine.snapshot(&check).unwrap();
    assert_eq!((state.status(), state.transitions(), state.since_ns()), (Status::Critical, 0, 4_000));
    assert_eq!(
        states(&drain(&subscription)).len(),
        1,
        "the check shows something else now, and who waits is told"
    );
    let token = engine.acquire(&check, "probe").unwrap();
    token.write(Status::Passing, "ok").unwrap();
    engine.register_check(&spec.restored(critical()), None).unwrap();
    assert_eq!(check.status(), Some(Status::Passing));
    assert_eq!(engine.stats().unwrap().transitions, 1, "the report alone is one");
}

/// A check that was critical for a moment, without a transition: it was registered so and restored, and shows no trace of it in the end.
fn critical_before_it_was_restored() {
    let engine = engine();
    let severe = SubscriptionFilter::all().at_least(Status::Critical);
    let subscription = engine.subscribe(&severe).unwrap();
    let before = subscription.poll(usize::MAX).unwrap().cursor;
    let spec = CheckSpec::new("one");
    let check = engine.register_check(&spec, None).unwrap();
    let restored = Restored { status: Status::Passing, output: "was up".into(), since_ns: 4_000 };
    engine.register_check(&spec.restored(restored), None).unwrap();
    engine.redefine_check(&check, &CheckSpec::new("one").initial(Status::Passing), None).unwrap();
    assert_eq!(states(&drain(&subscription)).len(), 1, "what was critical is told with what came after it");
    engine.deregister_check(&check).unwrap();
    let events = drain(&engine.subscribe(&severe.since(before)).unwrap());
    assert!(matches!(events[..], [Event::Tombstone { .. }]), "and with its end: {events:?}");
}

#[test]
fn w9_what_was_critical_before_it_was_restored_is_told() {
    breaks::notices(
        "worst-status-forgotten",
        "what was critical is told with what came after it",
        critical_before_it_was_restored,
    );
}

/// A check of a service with an alias above it, its first report parked at one step after another, and the same registered again with a
/// restored state meanwhile. Returns the steps at which the report had taken effect by then.
fn registered_again_beside_the_first_report(first: &CheckSpec) -> Vec<&'static str> {
    let scene = || {
        let engine = engine();
        let web = service(&engine, "web");
        let mirror = alias(&engine, "mirror", None, "web");
        let check = engine.register_check(first, Some(&web)).unwrap();
        let token = engine.acquire(&check, "probe").unwrap();
        (engine, web, mirror, check, token)
    };
    let (_engine, .., token) = scene();
    let (_, steps) = trace(|| token.write(Status::Passing, "ok").unwrap());
    let mut committed = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        let (engine, web, mirror, check, token) = scene();
        let before = engine.snapshot(&check).unwrap().version();
        let report = parked::at_number(number, move || token.write(Status::Passing, "ok").map(|()| token));
        let reported = !has_restored_or_nothing(&engine, &check);
        let again = engine.register_check(&CheckSpec::new("one").restored(critical()), Some(&web)).unwrap();
        assert_eq!(again, check, "{step}: the same check");
        let state = engine.snapshot(&check).unwrap();
        if reported {
            committed.push(step);
            assert_eq!(
                (state.status(), state.output()),
                (Status::Passing, "ok"),
                "{step}: what was reported stays"
            );
        } else {
            let shown = (state.status(), state.output(), state.is_restored());
            assert_eq!(shown, (Status::Critical, "was down", true), "{step}: nobody has reported yet");
        }
        let _token = report.finish().unwrap();
        let state = engine.snapshot(&check).unwrap();
        assert_eq!(
            (state.status(), state.output()),
            (Status::Passing, "ok"),
            "{step}: what was reported stays"
        );
        assert!(!state.is_restored() && !state.is_initial() && state.transitions() == 1, "{step}: {state:?}");
        // One commit of the report's, and one of the registration's where it gave the check a state.
        let given = u64::from(first.restored.is_none() && !reported);
        assert_eq!(state.version(), before + 1 + given, "{step}: registering the same again is no change");
        assert_eq!(
            (check.status(), mirror.status()),
            (Some(Status::Passing), Some(Status::Passing)),
            "{step}"
        );
    }
    committed
}

fn has_restored_or_nothing(engine: &Engine, check: &Check) -> bool {
    let state = engine.snapshot(check).unwrap();
    state.is_restored() || state.is_initial()
}

/// A restart: restored `critical`, then a registration while the first evaluation is under way, then `passing`.
#[test]
fn w9_a_registration_beside_the_first_report_changes_nothing() {
    let spec = CheckSpec::new("one").restored(critical());
    let script = || {
        let committed = registered_again_beside_the_first_report(&spec);
        let is_both = !committed.contains(&"commit:drawn") && committed.contains(&"commit:done");
        assert!(is_both, "both orders came about: {committed:?}");
    };
    breaks::notices("restore-over-report", "registering the same again is no change", script);
}

/// The same where the registration before had no state to restore: then this one is a commit of its own, which the report may lose to and must not be lost to.
#[test]
fn w9_a_state_restored_beside_the_first_report_never_replaces_it() {
    let spec = CheckSpec::new("one");
    let script = || {
        let committed = registered_again_beside_the_first_report(&spec);
        let is_both = !committed.contains(&"commit:drawn") && committed.contains(&"commit:done");
        assert!(is_both, "both orders came about: {committed:?}");
    };
    breaks::notices("restore-over-report", "what was reported stays", script);
}

#[test]
fn w9_a_lapse_keeps_the_mark() {
    let _whole = breaks::none();
    let engine = timed();
    let check = engine.register_check(&CheckSpec::new("one").restored(critical()), None).unwrap();
    let lease = std::time::Duration::from_secs(4);
    let _token = engine.acquire(&check, Acquire::new("probe").lease(lease, OnLapse::Keep)).unwrap();
    (1..=5).for_each(|second| engine.tick(0, second * 1_000_000_000).unwrap());
    let state = engine.snapshot(&check).unwrap();
    assert!(state.is_orphaned() && state.is_restored());
}

#[test]
fn w9_bad_files_are_named_and_change_nothing() {
    let _whole = breaks::none();
    let folder = tempdir().unwrap();
    assert_eq!(kind(Export::read(&file(&folder))), ErrorKind::NotFound);
    for bad in [
        "",
        "{}",
        "[1]",
        r#"{"format":"lifesign-export-9","time_ns":0,"checks":[]}"#,
        r#"{"format":"lifesign-export-1","time_ns":0,"checks":[{"id":"a","status":"well","output":"","since_ns":0,"reported_ns":0}]}"#,
    ] {
        fs::write(file(&folder), bad).unwrap();
        let refused = Export::read(&file(&folder)).expect_err("it is no export");
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.to_string().contains("state.json"), "{refused}");
    }
    let engine = engine();
    let refused = engine.export(&folder.path().join("missing/state.json")).expect_err("no such folder");
    assert!(refused.kind() == ErrorKind::Invalid && refused.to_string().contains("missing"), "{refused}");
    let long = CheckSpec::new("one").restored(Restored { output: "x".repeat(5_000), ..critical() });
    assert_eq!(kind(engine.register_check(&long, None)), ErrorKind::TooLarge);
    let derived = CheckSpec::alias("two", "web").restored(critical());
    assert_eq!(kind(engine.register_check(&derived, None)), ErrorKind::Invalid);
    assert!(engine.checks().unwrap().is_empty());
}

#[test]
fn w9_a_full_disk_leaves_the_earlier_export() {
    let _alone = breaks::alone();
    let folder = tempdir().unwrap();
    let answered = in_a_child(|| {
        let engine = engine();
        let check = check(&engine, "one", None);
        engine.acquire(&check, "probe").unwrap().write(Status::Warning, "slow").unwrap();
        let export = || _ = engine.export(&file(&folder)).expect("there is room");
        let room: Box<dyn Fn()> = match disk::fill(folder.path(), export) {
            Some(room) => Box::new(room),
            None => {
                export();
                disk::limit_files(Some(8));
                Box::new(|| disk::limit_files(None))
            }
        };
        let earlier = fs::read(file(&folder)).unwrap();
        let refused = engine.export(&file(&folder));
        let (left, later) = (fs::read(file(&folder)).unwrap(), || engine.export(&file(&folder)));
        let beside = fs::read_dir(folder.path()).unwrap().count();
        room();
        vec![
            refused.is_err_and(|refused| refused.kind() == ErrorKind::Limit),
            left == earlier,
            // The one that fills the disk, if it is a disk, is no part of it.
            beside <= 2 && fs::read_dir(folder.path()).unwrap().count() == 1,
            later().is_ok(),
        ]
    });
    let said =
        ["", "it is LIMIT", "the earlier one stays", "nothing is left beside it", "there is room again"];
    assert_eq!(answered, 0, "{}", said.get(answered as usize).unwrap_or(&"the child failed"));
}
