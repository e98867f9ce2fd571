//! Torn read: U flips with a text and counter that match the status, R compares.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use lifesign::{Snapshot, Status};

use crate::support::{PATIENCE, alias, breaks, check, engine, service};

const STATUSES: [Status; 3] = [Status::Passing, Status::Warning, Status::Critical];

fn reads() -> u64 {
    if std::env::var_os("LIFESIGN_LONG").is_some() { 10_000_000 } else { 2_000_000 }
}

/// The status, text and counter of one commit.
fn text(number: u64) -> (Status, String) {
    let status = STATUSES[(number % 3) as usize];
    (status, format!("{number} {status} {}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// The number of the commit that a snapshot shows, after comparing everything that belongs together.
fn compare(snapshot: &Snapshot) -> u64 {
    let number: u64 =
        snapshot.output().split(' ').next().and_then(|word| word.parse().ok()).expect("a number leads");
    let (status, expected) = text(number);
    assert_eq!((snapshot.status(), snapshot.output()), (status, &*expected), "torn: {snapshot:?}");
    number
}

/// How many reads must have met a new commit.
const OVERLAP: u64 = 1_000;

#[test]
fn a_reader_never_sees_two_commits_in_one() {
    let _whole = breaks::none();
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = engine.acquire(&check, "U").unwrap();
    let (status, output) = text(0);
    token.write(status, &output).unwrap();
    let first = engine.snapshot(&check).unwrap();
    let (base_version, base_transitions) = (first.version(), first.transitions());
    let done = AtomicBool::new(false);
    let spanned: u64 = thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let (status, output) = text(number);
                token.write(status, &output).unwrap();
            }
        });
        let mut spanned = 0;
        let mut last = 0;
        let (mut left, deadline) = (reads(), Instant::now() + PATIENCE);
        // On a busy machine the two may take turns for a while: then it is read until they have overlapped.
        while left > 0 || (spanned < OVERLAP && Instant::now() < deadline) {
            left = left.saturating_sub(1);
            let snapshot = engine.snapshot(&check).unwrap();
            let number = compare(&snapshot);
            assert!(number >= last, "the snapshot went back from commit {last} to {number}");
            assert_eq!(
                snapshot.version() - base_version,
                number,
                "version and text belong to different commits"
            );
            assert_eq!(
                snapshot.transitions() - base_transitions,
                number,
                "transitions and text belong to different commits"
            );
            spanned += u64::from(number != last);
            last = number;
        }
        done.store(true, Ordering::Relaxed);
        spanned
    });
    assert!(spanned >= OVERLAP, "only {spanned} reads met a new commit: reader and writer did not overlap");
}

#[test]
fn a_snapshot_in_hand_survives_a_million_commits() {
    let _whole = breaks::none();
    let engine = engine();
    let web = service(&engine, "web");
    let check = check(&engine, "web:alive", Some(&web));
    let alias = alias(&engine, "sidecar", None, "web");
    let token = engine.acquire(&check, "U").unwrap();
    let (status, output) = text(0);
    token.write(status, &output).unwrap();
    let held = engine.snapshot(&check).unwrap();
    let derived = engine.snapshot(&alias).unwrap();
    let before = (format!("{held:?}"), format!("{derived:?}"));
    for number in 1..=1_000_000 {
        let status = STATUSES[(number % 3) as usize];
        token.write(status, "another").unwrap();
    }
    assert_eq!(engine.snapshot(&check).unwrap().version(), held.version() + 1_000_000);
    assert_eq!(
        (format!("{held:?}"), format!("{derived:?}")),
        before,
        "a snapshot changed after it was handed out"
    );
    assert_eq!(compare(&held), 0);
}
