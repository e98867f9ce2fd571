//! Soak: everything at once, for long. Real threads write, rival each other, let leases run out, register, deregister and subscribe while simulated hours go
//! by; now and then they stand still, and then nothing may differ: checks, summaries, aliases, what each subscriber knows, an export that was
//! read back. The audit repairs nothing, and memory does not grow.
//!
//! `LIFESIGN_SOAK_SECONDS` says how long it runs and `LIFESIGN_SOAK_HOURS` how many hours go by at least meanwhile on the manual clock.

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod followers;
mod workers;
mod world;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use followers::Follower;
use support::{evidence, kilobytes};
use workers::Worker;
use world::World;

/// Threads that change things.
const WORKERS: u64 = 4;
/// How long they work before everything is compared.
const ROUND: Duration = Duration::from_millis(500);
/// Simulated time between two ticks; leases are some tens of these long.
const STEP: Duration = Duration::from_millis(2_500);
const HOUR: u64 = 3_600;

fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |given| given.parse().unwrap_or_else(|_| panic!("{name} is a number: {given:?}")))
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    kilobytes("VmRSS:") << 10
}

#[test]
fn everything_at_once_and_nothing_differs() {
    let (seconds, hours) = (number("LIFESIGN_SOAK_SECONDS", 5), number("LIFESIGN_SOAK_HOURS", 5));
    let begun = Instant::now();
    let world = World::new();
    let mut followers = Follower::all(&world);
    let (mut rounds, mut compared, mut warm) = (0_u64, 0_u64, 0);
    let mut told = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) || world.hours() < hours {
        world.stop.store(false, Ordering::Relaxed);
        thread::scope(|scope| {
            for number in 0..WORKERS {
                let (world, seed) = (&world, rounds * WORKERS + number);
                scope.spawn(move || Worker::new(world, number, seed).run());
            }
            scope.spawn(|| {
                while !world.stop.load(Ordering::Relaxed) {
                    world.pass(STEP);
                }
            });
            for follower in &mut followers {
                let world = &world;
                scope.spawn(move || follower.follow(world));
            }
            thread::sleep(ROUND);
            world.stop.store(true, Ordering::Relaxed);
        });
        compared += compare::all(&world, &mut followers);
        rounds += 1;
        if rounds == 4 {
            warm = resident();
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            println!(
                "soak: {:>4} s, {:>5} simulated hours, {} operations, {compared} comparisons, {} MiB",
                begun.elapsed().as_secs(),
                world.hours(),
                world.operations.load(Ordering::Relaxed),
                resident() >> 20
            );
        }
    }
    let stats = world.engine.stats().unwrap();
    assert_eq!((stats.repairs, stats.internal_errors), (0, 0), "nothing was ever wrong");
    for (what, count) in [
        ("transitions", stats.transitions),
        ("heartbeats", stats.heartbeats),
        ("lapses", stats.lapses),
        ("clock jumps", stats.clock_jumps),
        ("fenced", stats.refused_fenced),
        ("held", stats.refused_held),
        ("expired", stats.refused_expired),
        ("gone", stats.refused_gone),
    ] {
        assert!(count > 0, "no {what}: not everything was at work");
    }
    assert!(followers.iter().all(Follower::has_seen_enough), "each follower has followed");
    let grown = resident().saturating_sub(warm);
    assert!(
        warm == 0 || grown < 32 << 20,
        "{} MiB after the warm-up, {} MiB now",
        warm >> 20,
        resident() >> 20
    );
    println!(
        "soak: {} operations, {} commits, {} lapses, {} simulated hours, {rounds} times compared; grown by {} KiB since the warm-up",
        world.operations.load(Ordering::Relaxed),
        stats.commits,
        stats.lapses,
        world.hours(),
        grown >> 10
    );
    evidence::tell("soak", "comparisons without a difference", compared as usize, begun);
    evidence::tell("soak", "simulated hours", world.hours() as usize, begun);
}
