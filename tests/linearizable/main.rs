//! Linearizability: real threads write, rival, deregister, register again and read by every view there is. What each of them saw, and when, is
//! recorded and then checked: the long history by the order of versions, short windows by a general checker.

#[path = "../support/mod.rs"]
mod support;

mod actors;
mod commits;
mod corrupted;
mod delivery;
mod derived;
mod follower;
mod forced;
mod mutants;
mod object;
mod recording;
mod specification;
mod timeline;
mod tokens;
mod whole_service;
mod windows;
mod world;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use actors::Actor;
use commits::Commits;
use recording::History;
use support::random::Random;
use support::{breaks, evidence};
use world::{HOMES, LIFE_OF_BASE, STEPS, World};

/// How often each writer and each reader acts in one history.
const ROUNDS: u64 = 320_000;

/// What a thread does each time.
type Step<'a> = fn(&mut Actor<'a>);

/// What each thread does, and how often.
fn steps<'a>() -> [(Step<'a>, u64); 11] {
    [
        (Actor::reregister, ROUNDS / 20),
        (Actor::rival, ROUNDS / 10),
        (Actor::rival, ROUNDS / 10),
        (Actor::stall, ROUNDS / 20),
        (Actor::stall, ROUNDS / 20),
        (Actor::write, ROUNDS),
        (Actor::write, ROUNDS),
        (Actor::write, ROUNDS),
        (Actor::read, ROUNDS),
        (Actor::read, ROUNDS),
        (Actor::read, ROUNDS),
    ]
}

/// Tells the followers that nobody acts any more.
struct Finish<'a>(&'a World);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Lets everybody act at once and returns what they have recorded.
fn record(seed: u64) -> History {
    let mut history = History::default();
    let world = World::new(&mut history);
    let steps = steps();
    let followers: [fn(&World, &mut Random, &mut History); 2] = [follower::follow_all, follower::follow_some];
    let together = Barrier::new(steps.len());
    thread::scope(|scope| {
        let (world, together) = (&world, &together);
        let following = followers.map(|follow| {
            scope.spawn(move || {
                let mut history = History::default();
                follow(world, &mut Random::new(seed), &mut history);
                history
            })
        });
        let acting: Vec<_> = (steps.iter().zip(1u64..))
            .map(|(&(step, rounds), number)| {
                scope.spawn(move || {
                    let mut actor = Actor::new(world, number, seed);
                    together.wait();
                    for _ in 0..rounds {
                        step(&mut actor);
                    }
                    actor.history
                })
            })
            .collect();
        // Also if one of them fails: the others wait for this.
        let finish = Finish(world);
        while acting.iter().any(|thread| !thread.is_finished()) {
            (0..2).for_each(|which| world.let_go(which));
            thread::sleep(Duration::from_micros(300));
        }
        for thread in acting {
            history.append(thread.join().unwrap());
        }
        drop(finish);
        for thread in following {
            history.append(thread.join().unwrap());
        }
    });
    assert_eq!(world.engine.audit().unwrap(), 0, "nothing was wrong when all had returned");
    let stats = world.engine.stats().unwrap();
    assert_eq!((stats.repairs, stats.internal_errors), (0, 0));
    history
}

/// What `check` returns, and how long it takes.
fn timed<T>(check: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    (check(), begun.elapsed())
}

/// Checks every view of one history, and that its threads did get into each other's way. How many reads of each view there were, and how long it
/// took to check them.
fn verify(history: &History) -> [(&'static str, usize, Duration); 5] {
    let known: Vec<_> = (0..=LIFE_OF_BASE).map(|check| Commits::of(history, check)).collect();
    let (tokens, tokens_took) = timed(|| tokens::verify(history, HOMES.len()));
    let (object, object_took) = timed(|| object::verify(history, &known));
    let (derived, derived_took) = timed(|| derived::verify(history, &known));
    let (services, services_took) = timed(|| whole_service::verify(history, &known));
    let (delivery, delivery_took) = timed(|| delivery::verify(history, &known));
    let (operations, polls, lives) = (history.operations, history.polls, history.begins.len());
    println!("{operations} operations, {polls} polls, {lives} lives; {tokens:?}");
    println!(
        "word and snapshot {object:?}; summaries {derived:?}; services {services:?}; events {delivery:?}"
    );

    assert!(operations >= 2_000_000, "too short a history: {operations} operations");
    assert!(lives > 5_000 && polls > 1_000, "{lives} lives, {polls} polls");
    assert!(
        tokens.refused > 10_000 && tokens.claims_lost > 1_000,
        "writers did not meet their rivals: {tokens:?}"
    );
    assert!(
        tokens.rivals > 1_000 && tokens.overtaken > 200 && tokens.ended > 50,
        "no write met another: {tokens:?}"
    );
    assert!(object.concurrent > 2_000 && object.determined > 100_000, "no read met a write: {object:?}");
    assert!(derived.concurrent > 2_000 && derived.determined > 50_000, "no read met a write: {derived:?}");
    assert!(services.concurrent > 200, "no service snapshot met a write: {services:?}");
    assert!(delivery.concurrent > 1_000, "no poll met a write: {delivery:?}");
    [
        ("tokens", tokens.accepted + tokens.refused + history.claims.len(), tokens_took),
        ("word and snapshot", object.checked, object_took),
        ("summaries and aliases", derived.checked, derived_took),
        ("service snapshots", services.checked, services_took),
        ("events", delivery.checked, delivery_took),
    ]
}

#[test]
fn every_view_is_linearizable() {
    let _whole = breaks::none();
    let histories = if std::env::var_os("LIFESIGN_LONG").is_some() { 6 } else { 1 };
    // A line each, with the time of its own: the recording, and the check of each view.
    let mut lines: BTreeMap<&str, (usize, Duration)> = BTreeMap::new();
    for seed in 0..histories {
        let (history, recording) = timed(|| record(seed));
        let recorded = ("operations recorded", history.operations, recording);
        for (line, count, took) in [recorded].into_iter().chain(verify(&history)) {
            let sum = lines.entry(line).or_default();
            *sum = (sum.0 + count, sum.1 + took);
        }
    }
    for (line, (count, took)) in lines {
        evidence::tell_of("linearizability", line, count, took);
    }
}

#[test]
fn short_windows_are_linearizable_to_a_general_checker() {
    let _whole = breaks::none();
    let windows = if std::env::var_os("LIFESIGN_LONG").is_some() { 60_000 } else { 6_000 };
    let begun = Instant::now();
    let met = windows::run(7, windows, &STEPS);
    println!("{met:?}");
    assert!(met.stopped > windows && met.nested > windows / 2, "the threads did not meet: {met:?}");
    evidence::tell("linearizability", "windows, general checker", met.windows, begun);
}
