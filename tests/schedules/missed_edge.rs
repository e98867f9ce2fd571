//! Missed edge: commits before, between and inside the waits of a subscriber, and merged with one another (S1, S3, S4, S9, R4).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use lifesign::{Check, Engine, ErrorKind, Event, Status, Subscription, SubscriptionFilter, Token};
use shuttle::thread::scope;

use super::support::{check, drain, engine, is_readable, states};
use super::{ASLEEP, Script, reached, schedules};

const ORDER: &str = "missed_edge: a state comes twice or after a newer one";
const MERGED: &str = "missed_edge: merged commits or transitions are not counted";
const READABLE: &str = "missed_edge: a write has returned and the descriptor is not readable";
const FOUND: &str = "missed_edge: a write has returned and a poll after it does not deliver it";
const NOTHING: &str = "missed_edge: something is delivered when everything was";

const WAIT: Script = Script {
    name: "missed_edge_wait",
    run: || wait(Status::Passing),
    overlaps: &[
        "a commit before the wait",
        "a commit inside the wait",
        "two commits in one state",
        "each commit in a state",
    ],
};
const SLOW: Script = Script {
    name: "missed_edge_slow",
    run: || wait(Status::Critical),
    overlaps: &[
        "a commit before the wait",
        "a commit inside the wait",
        "two commits in one state",
        "each commit in a state",
    ],
};
const DESCRIPTOR: Script = Script {
    name: "missed_edge_descriptor",
    run: descriptor,
    overlaps: &["both writers under way when one returned"],
};
const POLL: Script = Script {
    name: "missed_edge_poll",
    run: poll,
    overlaps: &["BUSY", "delivered to another's poll", "delivered to the own poll"],
};

/// A subscriber of one check that has seen everything there is.
fn scene(least: Status) -> (Engine, Check, Token, Subscription) {
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = engine.acquire(&check, "U").unwrap();
    token.write(Status::Passing, "").unwrap();
    let subscription = engine.subscribe(&SubscriptionFilter::check(&check).at_least(least)).unwrap();
    drain(&subscription);
    (engine, check, token, subscription)
}

/// U writes `critical` and then `passing`; R waits until it has both, and sleeps for ever if it misses one.
fn wait(least: Status) {
    let (engine, check, token, subscription) = scene(least);
    let before = engine.snapshot(&check).unwrap();
    let waiting = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| {
            let mut last = (before.version(), before.transitions());
            while last.0 < before.version() + 2 {
                waiting.store(true, Relaxed);
                subscription.wait(None).expect("nobody closes the engine");
                waiting.store(false, Relaxed);
                for (_, state) in states(&drain(&subscription)) {
                    let (version, transitions) = (state.version(), state.transitions());
                    assert!(version > last.0, "{ORDER}");
                    assert_eq!(version - last.0, transitions - last.1, "{MERGED}");
                    reached(if version - last.0 == 2 {
                        "two commits in one state"
                    } else {
                        "each commit in a state"
                    });
                    last = (version, transitions);
                }
            }
        });
        for (status, output) in [(Status::Critical, "down"), (Status::Passing, "up")] {
            let before = waiting.load(Relaxed);
            token.write(status, output).unwrap();
            match (before, waiting.load(Relaxed)) {
                (true, _) => reached("a commit inside the wait"),
                (false, false) => reached("a commit before the wait"),
                (false, true) => {}
            }
        }
    });
    assert!(drain(&subscription).is_empty(), "{NOTHING}");
}

/// Two threads write with one token and nobody polls: whoever returns must find the descriptor readable, wherever the other stands.
fn descriptor() {
    let (engine, check, token, subscription) = scene(Status::Passing);
    let descriptor = subscription.descriptor().unwrap();
    assert!(!is_readable(descriptor), "{NOTHING}");
    let before = engine.snapshot(&check).unwrap().version();
    let returned = AtomicU64::new(0);
    let write = |status, output| {
        let (token, returned, check) = (&token, &returned, &check);
        move || {
            token.write(status, output).unwrap();
            assert!(is_readable(descriptor), "{READABLE}");
            let committed = check.place.cell.status().load().version();
            if returned.fetch_add(1, Relaxed) == 0 && committed == before + 2 {
                reached("both writers under way when one returned");
            }
        }
    };
    scope(|scope| {
        scope.spawn(write(Status::Warning, "one"));
        write(Status::Critical, "other")();
    });
    let events = states(&drain(&subscription));
    assert_eq!(events.last().map(|(_, state)| state.version()), Some(before + 2), "{FOUND}");
    assert!(!is_readable(descriptor) && drain(&subscription).is_empty(), "{NOTHING}");
}

/// U writes one check and V another of the same subscription, and each polls when its write has returned.
fn poll() {
    let engine = engine();
    let checks = ["web:one", "web:other"].map(|id| check(&engine, id, None));
    let tokens = checks.each_ref().map(|check| engine.acquire(check, "U").unwrap());
    let subscription = engine.subscribe(&SubscriptionFilter::prefix("web")).unwrap();
    drain(&subscription);
    let delivered = checks.map(|check| AtomicU64::new(engine.snapshot(&check).unwrap().version()));
    let deliver = |events: &[Event]| {
        for (id, state) in states(events) {
            let at = usize::from(id == "web:other");
            assert!(state.version() > delivered[at].swap(state.version(), Relaxed), "{ORDER}");
        }
    };
    let write = |at: usize| {
        let (tokens, delivered, subscription, deliver) = (&tokens, &delivered, &subscription, &deliver);
        move || {
            let own = delivered[at].load(Relaxed) + 1;
            tokens[at].write(Status::Critical, "down").unwrap();
            let known = delivered[at].load(Relaxed) >= own;
            match subscription.poll(usize::MAX) {
                Ok(batch) => {
                    deliver(&batch.events);
                    assert!(delivered[at].load(Relaxed) >= own, "{FOUND}");
                    reached(if known { "delivered to another's poll" } else { "delivered to the own poll" });
                }
                Err(busy) => {
                    assert_eq!(busy.kind(), ErrorKind::Busy);
                    reached("BUSY");
                }
            }
        }
    };
    scope(|scope| {
        scope.spawn(write(0));
        write(1)();
    });
    deliver(&drain(&subscription));
    for (check, delivered) in checks.iter().zip(&delivered) {
        assert_eq!(engine.snapshot(check).unwrap().version(), delivered.load(Relaxed), "{FOUND}");
    }
}

schedules! {
    a_subscriber_that_waits: WAIT,
        arm_after_look "arm-after-look" ASLEEP;
    a_slow_subscriber: SLOW,
        arm_after_look_when_slow "arm-after-look" ASLEEP;
    two_writers_and_a_descriptor: DESCRIPTOR,
        wake_by_setter_only "wake-by-setter-only" READABLE,
        mark_stops_at_leaf "mark-stops-at-leaf" READABLE;
    writers_that_poll: POLL,
        take_leaf_first "take-leaf-first" FOUND;
}
