//! Restart: a check that shows what it showed before a restart is registered again while its first evaluation is under way (W9).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lifesign::{CheckSpec, Restored, Status, SubscriptionFilter};
use shuttle::thread::scope;

use super::support::{alias, drain, engine, service, states};
use super::{Script, reached, schedules};

const STANDS: &str = "restart: a restored state is lost, or stands over what was reported";
const AGAIN: &str = "restart: registering the same again is another check, a commit or a transition";
const TOLD: &str = "restart: a subscriber is told a restored state after the report, or not the report";

/// The state was restored when the check was registered first: registering it again changes nothing.
const RESTORED: Script = Script {
    name: "restart_restored",
    run: || restart(true),
    overlaps: &[
        "registered again before the report",
        "registered again beside the report",
        "registered again after the report",
        "the reader saw the restored state and then the report",
    ],
};
/// It comes with the second registration: a commit that rivals the report.
const LATE: Script = Script {
    name: "restart_late",
    run: || restart(false),
    overlaps: &[
        "registered again before the report",
        "registered again beside the report",
        "registered again after the report",
        "beside the report, and restored first",
        "beside the report, and reported first",
        "the reader saw the restored state and then the report",
    ],
};

fn restart(restored_first: bool) {
    let engine = engine();
    let web = service(&engine, "web");
    let mirror = alias(&engine, "sidecar", None, "web");
    let bare = CheckSpec::new("web:alive").initial(Status::Warning);
    let before = Restored { status: Status::Critical, output: "was down".into(), since_ns: 4_000 };
    let restored = bare.clone().restored(before);
    let check = engine.register_check(if restored_first { &restored } else { &bare }, Some(&web)).unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check)).unwrap();
    drain(&subscription);
    let stands = || {
        // The word first: whoever reads the snapshot raises it.
        let (word, above) = (check.status(), mirror.status());
        let state = engine.snapshot(&check).unwrap();
        assert_eq!((state.status(), state.output()), (Status::Passing, "ok"), "{STANDS}");
        assert_eq!((word, above), (Some(Status::Passing), Some(Status::Passing)), "{STANDS}");
    };
    let (begun, returned) = (AtomicBool::new(false), AtomicBool::new(false));
    let (token, beside) = scope(|scope| {
        let runner = scope.spawn(|| {
            let token = engine.acquire(&check, "probe").expect("nobody else wants it");
            begun.store(true, Relaxed);
            token.write(Status::Passing, "ok").unwrap();
            stands();
            returned.store(true, Relaxed);
            token
        });
        scope.spawn(|| {
            let mut last: Option<(bool, bool)> = None;
            for _ in 0..3 {
                let (word, state) = (check.status(), engine.snapshot(&check).unwrap());
                let shown = (state.status(), state.output(), state.is_restored(), state.is_initial());
                let is_reported = match shown {
                    (Status::Passing, "ok", false, false) => true,
                    (Status::Critical, "was down", true, false) => false,
                    (Status::Warning, "", false, true) if !restored_first => false,
                    torn => panic!("{STANDS}: {torn:?}"),
                };
                assert!(is_reported || word != Some(Status::Passing), "{STANDS}");
                if let Some((was_reported, was_restored)) = last {
                    assert!(is_reported || !was_reported, "{STANDS}");
                    if is_reported && was_restored {
                        reached("the reader saw the restored state and then the report");
                    }
                }
                last = Some((is_reported, state.is_restored()));
            }
        });
        let (had_begun, had_returned) = (begun.load(Relaxed), returned.load(Relaxed));
        assert_eq!(engine.register_check(&restored, Some(&web)).unwrap(), check, "{AGAIN}");
        assert!(!engine.snapshot(&check).unwrap().is_initial(), "{STANDS}");
        let beside = !had_returned && begun.load(Relaxed);
        reached(match (had_returned, beside) {
            (true, _) => "registered again after the report",
            (_, true) => "registered again beside the report",
            _ => "registered again before the report",
        });
        (runner.join().unwrap(), beside && had_begun)
    });
    stands();
    // Registered, acquired and reported; and once more where the second registration had something to give.
    let state = engine.snapshot(&check).unwrap();
    match state.version() {
        3 if beside && !restored_first => reached("beside the report, and reported first"),
        4 if beside && !restored_first => reached("beside the report, and restored first"),
        version => assert!(version == 3 || version == 4 && !restored_first, "{AGAIN}: {version}"),
    }
    assert_eq!((state.transitions(), engine.stats().unwrap().transitions), (1, 1), "{AGAIN}");
    let told = states(&drain(&subscription));
    let told: Vec<_> = told.iter().map(|(_, state)| (state.version(), state.status())).collect();
    assert_eq!(told.last(), Some(&(state.version(), Status::Passing)), "{TOLD}");
    assert_eq!(token.generation(), state.generation(), "{AGAIN}");
    assert_eq!(engine.audit().unwrap(), 0);
}

schedules! {
    a_restored_check: RESTORED,
        restore_over_report "restore-over-report" AGAIN;
    a_state_that_is_restored_late: LATE,
        restore_over_report_late "restore-over-report" STANDS,
        restore_by_store "publish-store" STANDS;
}
