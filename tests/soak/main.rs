//! Soak: everything at once, for long. Real threads write, rival each other, let leases run out, register, deregister and subscribe while simulated hours go
//! by; now and then they stand still, and then nothing may differ: checks, summaries, aliases, what each subscriber knows, an export that was
//! read back. The audit, which runs beside them too, repairs nothing, and memory does not grow once all that is ever held at once has been.
//!
//! `LIFESIGN_SOAK_SECONDS` says how long it runs and `LIFESIGN_SOAK_HOURS` how many hours go by at least meanwhile on the manual clock.

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod followers;
mod trouble;
mod workers;
mod world;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use followers::Follower;
use support::{evidence, kilobytes};
use trouble::Watcher;
use workers::Worker;
use world::World;

/// Threads that change things.
const WORKERS: u64 = 4;
/// How long they work before everything is compared.
const ROUND: Duration = Duration::from_millis(500);
/// How long the audit and the export leave the others alone.
const LOOK: Duration = Duration::from_millis(50);
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

/// What was resident at most in each tenth of the time.
#[derive(Default)]
struct Memory {
    tenths: [u64; 10],
}

impl Memory {
    /// Notes what is resident when this part of the time has gone by.
    fn note(&mut self, part: f64) {
        let most = &mut self.tenths[(part * 10.0).min(9.0) as usize];
        *most = resident().max(*most);
    }

    fn verify(&self, seconds: u64) {
        // At first everything that is ever held at once comes to be: that takes some ten seconds, so a short run has not seen the end of it.
        let allowed = if seconds < 60 { 8 << 20 } else { 2 << 20 };
        let [.., first, _, _, _, _, last] = self.tenths;
        assert!(first == 0 || last < first + allowed, "memory grows in the second half: {:?}", self.tenths);
    }
}

#[test]
fn everything_at_once_and_nothing_differs() {
    let (seconds, hours) = (number("LIFESIGN_SOAK_SECONDS", 5), number("LIFESIGN_SOAK_HOURS", 5));
    let begun = Instant::now();
    let world = World::new();
    let mut followers = Follower::all(&world);
    let mut watcher = Watcher::new(&world);
    let (mut rounds, mut compared) = (0_u64, 0_u64);
    let mut memory = Memory::default();
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
            scope.spawn(|| {
                while !world.stop.load(Ordering::Relaxed) {
                    world.look_after();
                    thread::sleep(LOOK);
                }
            });
            scope.spawn(|| watcher.follow(&world));
            for follower in &mut followers {
                let world = &world;
                scope.spawn(move || follower.follow(world));
            }
            thread::sleep(ROUND);
            world.stop.store(true, Ordering::Relaxed);
        });
        // What trouble was held back may be told by now.
        world.pass(STEP);
        compared += compare::all(&world, &mut followers) + watcher.compare(&world);
        rounds += 1;
        memory.note(begun.elapsed().as_secs_f64() / seconds as f64);
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
        ("joins", world.joined.load(Ordering::Relaxed)),
        ("histories", world.remembered.load(Ordering::Relaxed)),
        ("refusals told", watcher.refusals),
        ("take-overs told", watcher.take_overs),
    ] {
        assert!(count > 0, "no {what}: not everything was at work");
    }
    assert!(followers.iter().all(Follower::has_seen_enough), "each follower has followed");
    memory.verify(seconds);
    println!(
        "soak: {} operations, {} commits, {} lapses, {} simulated hours, {rounds} times compared; memory in KiB, by tenths of the time: {:?}",
        world.operations.load(Ordering::Relaxed),
        stats.commits,
        stats.lapses,
        world.hours(),
        memory.tenths.map(|bytes| bytes >> 10)
    );
    evidence::tell("soak", "comparisons without a difference", compared as usize, begun);
    evidence::tell("soak", "simulated hours", world.hours() as usize, begun);
}
