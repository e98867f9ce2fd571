//! A poll or a wait that stands still for ever, at every step: writers, registrations and other subscriptions go on, and a second call of the same
//! subscription is told that there is one already.

use std::time::{Duration, Instant};

use lifesign::failpoint::trace;
use lifesign::{ErrorKind, Status};

use crate::support::{PATIENCE, breaks, evidence, kind, parked};
use crate::watch::in_time;
use crate::world::World;

#[test]
fn a_poll_that_stands_still_delays_nobody() {
    let _whole = breaks::none();
    let begun = Instant::now();
    let first = World::new();
    let slow = first.one_more();
    first.token.write(Status::Critical, "down").unwrap();
    let (_, steps) = trace(|| slow.poll(usize::MAX).unwrap());
    for (number, step) in steps.iter().enumerate() {
        let world = World::new();
        let mut followers = world.followers();
        let slow = world.one_more();
        world.token.write(Status::Critical, "down").unwrap();
        let standing = parked::at_number(number, move || slow.poll(usize::MAX).map(|batch| (batch, slow)));
        let what = format!("beside a poll that stands at {}", step);
        let shared = world.clone();
        let followers = in_time(what, move |progress| {
            shared.reads_and_writes(progress);
            shared.take_over(progress);
            shared.views_and_polls(&mut followers, progress);
            shared.wakes_a_sleeper(progress);
            followers
        });
        let (_, slow) = standing.finish().unwrap();
        slow.close();
        followers.agree_in_the_end(&world);
    }
    assert!(steps.len() >= 3, "only {steps:?}");
    evidence::tell("faults", "a poll stands still at a step: everything else goes on", steps.len(), begun);
}

#[test]
fn a_wait_that_stands_still_delays_nobody_and_sees_what_came_meanwhile() {
    let _whole = breaks::none();
    let begun = Instant::now();
    let first = World::new();
    let (_, steps) = trace(|| first.of_check.wait(Some(Duration::from_millis(1))));
    // Up to where it sleeps.
    let asleep = steps.iter().position(|step| *step == "wait:armed").expect("it has slept");
    for (number, step) in steps.iter().enumerate().take(asleep + 1) {
        let world = World::new();
        let mut followers = world.followers();
        let caller = world.clone();
        let standing = parked::at_number(number, move || caller.of_check.wait(Some(PATIENCE)));
        if number > 0 {
            assert_eq!(kind(world.of_check.poll(1)), ErrorKind::Busy);
            assert_eq!(kind(world.of_check.wait(None)), ErrorKind::Busy);
        }
        let shared = world.clone();
        let followers = in_time(format!("beside a wait that stands at {}", step), move |progress| {
            shared.writes_beside_a_wait(progress);
            shared.take_over(progress);
            shared.views_and_polls(&mut followers, progress);
            followers
        });
        standing.finish().expect("what came while it stood ends the wait");
        followers.agree_in_the_end(&world);
    }
    evidence::tell("faults", "a wait stands still at a step: everything else goes on", asleep + 1, begun);
}
