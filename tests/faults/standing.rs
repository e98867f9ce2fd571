//! A writer that stands still for ever, at every step of its write, take-over, acquisition, release, renewal or lapse: everything else goes on.

use std::sync::Arc;
use std::time::Instant;

use lifesign::failpoint::trace;
use lifesign::{Error, ErrorKind, Status};

use crate::support::{breaks, evidence, parked};
use crate::watch::in_time;
use crate::world::World;

type Call = fn(&World) -> Result<(), Error>;

/// Lets a thread stand at each step of `call` while everything else is done; returns how many steps there were.
fn beside(name: &'static str, call: Call) -> usize {
    let first = World::new();
    drop(first.followers());
    let (result, steps) = trace(|| call(&first));
    result.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    for (number, step) in steps.iter().enumerate() {
        let world = World::new();
        let mut followers = world.followers();
        let caller = world.clone();
        let standing = parked::at_number(number, move || call(&caller));
        let what = format!("beside a {name} that stands at {step}, step {number}");
        let (inside, shared) = (what.clone(), world.clone());
        let mut followers = in_time(what, move |progress| {
            shared.reads_and_writes(progress);
            shared.take_over(progress);
            shared.views_and_polls(&mut followers, progress);
            shared.wakes_a_sleeper(progress);
            followers
        });
        let late = standing.finish();
        let expected = [ErrorKind::Fenced, ErrorKind::Held, ErrorKind::Expired];
        assert!(
            late.as_ref().err().is_none_or(|refused| expected.contains(&refused.kind())),
            "{inside}: {late:?}"
        );
        followers.read(&world);
        assert_eq!(world.engine.audit().unwrap(), 0, "{inside}");
        followers.agree_in_the_end(&world);
    }
    println!("{name}: {} steps", steps.len());
    steps.len()
}

fn write(world: &World) -> Result<(), Error> {
    world.token.write(Status::Critical, "down")
}

fn output(world: &World) -> Result<(), Error> {
    world.token.write(Status::Warning, "slower")
}

fn recovery(world: &World) -> Result<(), Error> {
    world.token.write(Status::Passing, "up")
}

fn leased(world: &World) -> Result<(), Error> {
    world.lease.write(Status::Critical, "down")
}

fn take_over(world: &World) -> Result<(), Error> {
    let holder = world.engine.who(&world.check)?;
    world.engine.take_over(&world.check, holder.generation, "rival").map(std::mem::forget)
}

fn close(world: &World) -> Result<(), Error> {
    world.token.close()
}

fn lapse(world: &World) -> Result<(), Error> {
    world.engine.tick(1, 1_250_000_000)
}

#[test]
fn a_writer_that_stands_still_delays_nobody() {
    let _whole = breaks::none();
    let begun = Instant::now();
    let calls: [(&'static str, Call); 7] = [
        ("write", write),
        ("output", output),
        ("recovery", recovery),
        ("leased write", leased),
        ("take-over", take_over),
        ("release", close),
        ("lapse", lapse),
    ];
    let steps: usize = calls.into_iter().map(|(name, call)| beside(name, call)).sum();
    assert!(steps > 7 * 10, "only {steps} steps");
    evidence::tell("faults", "a writer stands still at a step: everything else goes on", steps, begun);
}

#[test]
fn what_holds_beside_a_writer_that_stands_still_is_noticed_when_it_breaks() {
    // Whoever marked first was to wake, and stands before it does.
    breaks::notices("wake-by-setter-only", "the descriptor tells it", || _ = beside("write", write));
    // Who stands before its commit overwrites its successor's.
    breaks::notices("check-then-store", "a write that stands at commit:loaded", || {
        _ = beside("write", write)
    });
}

#[test]
fn several_writers_stand_still_at_once() {
    let _whole = breaks::none();
    let world = World::new();
    let mut followers = world.followers();
    let mut standing = Vec::new();
    // One more at each step, until there are no more, each taking over from the one before; none of them is let go before the end.
    for number in 0.. {
        let holder = world.engine.who(&world.check).unwrap();
        let token = Arc::new(world.engine.take_over(&world.check, holder.generation, "one more").unwrap());
        let status = if number % 2 == 0 { Status::Critical } else { Status::Passing };
        let writer = token.clone();
        let thread = move || writer.write(status, &format!("at step {number}"));
        match parked::at_number_if_any(number, thread) {
            Some(writer) => standing.push((token, writer)),
            None => break,
        }
    }
    assert!(standing.len() > 20, "only {} stand", standing.len());
    let shared = world.clone();
    let mut followers = in_time("beside many", move |progress| {
        shared.reads_and_writes(progress);
        shared.take_over(progress);
        shared.views_and_polls(&mut followers, progress);
        shared.wakes_a_sleeper(progress);
        followers
    });
    for (_, writer) in standing {
        let late = writer.finish();
        assert!(late.is_ok() || late.is_err_and(|refused| refused.kind() == ErrorKind::Fenced));
    }
    followers.read(&world);
    assert_eq!(world.engine.audit().unwrap(), 0);
    followers.agree_in_the_end(&world);
}
