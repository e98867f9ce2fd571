//! Missed edge: a commit between the snapshot and the wait, inside the wait, merged with another, or over before anybody looks.

use std::sync::Arc;

use lifesign::{Check, Engine, Event, Snapshot, Status, Subscription, SubscriptionFilter, Token};

use crate::support::{PATIENCE, breaks, check, drain, engine, is_readable, parked, states, wait_readable};

struct Scene {
    engine: Engine,
    check: Check,
    token: Arc<Token>,
    subscription: Arc<Subscription>,
}

/// A subscriber of one check that has seen everything there is.
fn scene(least: Status) -> Scene {
    let engine = engine();
    let check = check(&engine, "web:alive", None);
    let token = Arc::new(engine.acquire(&check, "U").unwrap());
    token.write(Status::Passing, "").unwrap();
    let subscription =
        Arc::new(engine.subscribe(&SubscriptionFilter::check(&check).at_least(least)).unwrap());
    drain(&subscription);
    Scene { engine, check, token, subscription }
}

fn only(events: &[Event]) -> Arc<Snapshot> {
    let states = states(events);
    assert_eq!((states.len(), events.len()), (1, 1), "one state and nothing else: {events:?}");
    states[0].1.clone()
}

#[test]
fn a_commit_between_the_snapshot_and_the_wait_ends_the_wait() {
    let _whole = breaks::none();
    let scene = scene(Status::Passing);
    let seen = scene.engine.snapshot(&scene.check).unwrap();
    scene.token.write(Status::Critical, "down").unwrap();
    scene.subscription.wait(Some(PATIENCE)).expect("something newer exists");
    let state = only(&drain(&scene.subscription));
    assert_eq!((state.status(), state.version()), (Status::Critical, seen.version() + 1));
}

#[test]
fn a_commit_before_the_poll_of_the_descriptor_makes_it_readable() {
    let _whole = breaks::none();
    let scene = scene(Status::Passing);
    let descriptor = scene.subscription.descriptor().unwrap();
    assert!(!is_readable(descriptor), "nothing is pending");
    scene.token.write(Status::Critical, "down").unwrap();
    assert!(is_readable(descriptor), "it is readable before the write returns");
    assert_eq!(only(&drain(&scene.subscription)).status(), Status::Critical);
    assert!(!is_readable(descriptor), "everything was taken");
}

/// The consumer is stopped at `point` of its wait, a commit comes, and the consumer goes to sleep or does not.
fn commit_inside_the_wait(point: &'static str) {
    let scene = scene(Status::Passing);
    let subscription = scene.subscription.clone();
    let waiting = parked::at(point, move || subscription.wait(Some(PATIENCE)));
    scene.token.write(Status::Critical, "down").unwrap();
    waiting.finish().expect("the commit ends the wait");
    assert_eq!(only(&drain(&scene.subscription)).status(), Status::Critical);
}

#[test]
fn a_commit_before_the_wait_is_armed_ends_it() {
    let _whole = breaks::none();
    commit_inside_the_wait("wait:looking");
}

#[test]
fn a_commit_between_arming_and_sleeping_ends_the_wait() {
    let _whole = breaks::none();
    commit_inside_the_wait("wait:armed");
}

#[test]
fn two_commits_are_one_wake_and_one_state_that_counts_both() {
    let _whole = breaks::none();
    let scene = scene(Status::Passing);
    let before = scene.engine.snapshot(&scene.check).unwrap();
    let subscription = scene.subscription.clone();
    let waiting = parked::at("wait:armed", move || subscription.wait(Some(PATIENCE)));
    scene.token.write(Status::Critical, "down").unwrap();
    scene.token.write(Status::Warning, "slow").unwrap();
    waiting.finish().expect("the first commit ends the wait");
    let state = only(&drain(&scene.subscription));
    assert_eq!((state.status(), state.output()), (Status::Warning, "slow"));
    assert_eq!(state.version() - before.version(), 2, "the merged commits are counted");
    assert_eq!(state.transitions() - before.transitions(), 2, "the merged transitions are counted");
    assert!(drain(&scene.subscription).is_empty(), "nothing comes twice");
}

#[test]
fn a_slow_subscriber_hears_of_a_critical_that_is_over() {
    let _whole = breaks::none();
    let scene = scene(Status::Critical);
    let descriptor = scene.subscription.descriptor().unwrap();
    let before = scene.engine.snapshot(&scene.check).unwrap();
    scene.token.write(Status::Critical, "down").unwrap();
    scene.token.write(Status::Passing, "up").unwrap();
    assert!(is_readable(descriptor));
    scene.subscription.wait(Some(PATIENCE)).expect("the edge is not lost");
    let state = only(&drain(&scene.subscription));
    assert_eq!((state.status(), state.output()), (Status::Passing, "up"));
    assert_eq!(state.transitions() - before.transitions(), 2, "it was critical in between");
}

/// U marks the cell and is stopped before it tells the levels above; another commit of the check returns meanwhile.
fn second_writer_finishes_the_mark() {
    let scene = scene(Status::Passing);
    let token = scene.token.clone();
    let first = parked::at("mark:leaf", move || token.write(Status::Warning, "first"));
    scene.token.write(Status::Critical, "second").unwrap();
    let states = states(&drain(&scene.subscription));
    assert_eq!(
        states.last().map(|(_, state)| state.output().to_owned()).as_deref(),
        Some("second"),
        "a returned commit is pending whoever is still on its way"
    );
    first.finish().unwrap();
}

#[test]
fn a_mark_that_is_on_its_way_hides_no_other() {
    breaks::notices("mark-stops-at-leaf", "a returned commit is pending", second_writer_finishes_the_mark);
}

/// U has marked and is stopped before it wakes the consumer; another commit returns meanwhile.
fn second_writer_wakes() {
    let scene = scene(Status::Passing);
    let descriptor = scene.subscription.descriptor().unwrap();
    let token = scene.token.clone();
    let first = parked::at("mark:wake", move || token.write(Status::Warning, "first"));
    assert!(!is_readable(descriptor), "the first writer stands before its wake");
    scene.token.write(Status::Critical, "second").unwrap();
    assert!(is_readable(descriptor), "who marks a sleeping consumer wakes it before returning");
    first.finish().unwrap();
    assert_eq!(only(&drain(&scene.subscription)).output(), "second");
}

#[test]
fn a_wake_that_is_on_its_way_replaces_no_other() {
    breaks::notices("wake-by-setter-only", "wakes it before returning", second_writer_wakes);
}

#[test]
fn no_wake_is_lost_between_a_busy_writer_and_a_sleepy_reader() {
    const COMMITS: u64 = 50_000;
    let _whole = breaks::none();
    let scene = scene(Status::Passing);
    let base = scene.engine.snapshot(&scene.check).unwrap().version();
    let descriptor = scene.subscription.descriptor().unwrap();
    let mut wakes = 0u64;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=COMMITS {
                let status = if number % 2 == 0 { Status::Passing } else { Status::Critical };
                scene.token.write(status, &number.to_string()).unwrap();
                if number % 64 == 0 {
                    std::thread::yield_now();
                }
            }
        });
        let mut last = base;
        while last < base + COMMITS {
            if wakes.is_multiple_of(2) {
                scene.subscription.wait(Some(PATIENCE)).expect("there is more to come");
            } else {
                assert!(wait_readable(descriptor, PATIENCE), "there is more to come");
            }
            wakes += 1;
            for (_, state) in states(&drain(&scene.subscription)) {
                assert!(state.version() > last, "version {} came after {last}", state.version());
                last = state.version();
            }
        }
    });
    assert!(wakes > 100, "only {wakes} wakes for {COMMITS} commits: reader and writer did not overlap");
}
