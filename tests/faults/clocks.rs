//! Clocks that jump, go back, stand still or say the most that a number can: no lease is lost by it, and nothing breaks.

use std::time::{Duration, Instant};

use lifesign::{
    Acquire, Check, Engine, ErrorKind, Event, HistoryKind, OnLapse, Status, SubscriptionFilter, Token,
};

use crate::support::clock::{SECOND, pass, timed};
use crate::support::random::Random;
use crate::support::{breaks, check, drain, evidence, service};

const HOUR: u64 = 3_600 * SECOND;

fn hold(engine: &Engine, check: &Check, seconds: u64) -> Token {
    let how = Acquire::new("probe").lease(Duration::from_secs(seconds), OnLapse::Critical);
    engine.acquire(check, how).unwrap()
}

#[test]
fn a_machine_that_was_suspended_takes_no_lease_away() {
    let _whole = breaks::none();
    let engine = timed();
    let check = check(&engine, "alive", None);
    let token = hold(&engine, &check, 10);
    let mut now = 0;
    for nights in 1..=100 {
        // The boot clock counts the time asleep; the wall clock is set afterwards, back or forth.
        let wall = if nights % 2 == 0 { -(now as i64) } else { now as i64 + 7 };
        now += 8 * HOUR;
        engine.tick(wall, now).unwrap();
        let stats = engine.stats().unwrap();
        assert_eq!((stats.lapses, stats.clock_jumps), (0, nights), "night {nights}");
        let status = if nights % 2 == 0 { Status::Passing } else { Status::Warning };
        token.write(status, "awake").expect("the machine was asleep, not the writer");
        pass(&engine, now, now + 9 * SECOND);
        now += 9 * SECOND;
    }
    let history = engine.history(&check).unwrap();
    assert_eq!(history.len(), 16);
    assert!(history.iter().all(|entry| entry.kind == HistoryKind::Transition));
    assert!(history.is_sorted_by_key(|entry| entry.revision), "in the order of the commits");
    assert!(history.is_sorted_by_key(|entry| entry.boot_ns), "by a clock that never goes back");
    assert!(!history.is_sorted_by_key(|entry| entry.time_ns), "while the wall clock did");
    pass(&engine, now, now + 11 * SECOND);
    assert_eq!(engine.stats().unwrap().lapses, 1, "who is silent while the machine is awake is late");
}

#[test]
fn a_wall_clock_that_is_set_moves_no_lease() {
    let _whole = breaks::none();
    let engine = timed();
    let check = check(&engine, "alive", None);
    let token = hold(&engine, &check, 1);
    let walls = [i64::MIN, i64::MAX, 0, -1, i64::MAX - 1, i64::MIN + 1, 1];
    for (step, wall) in walls.into_iter().cycle().take(70).enumerate() {
        engine.tick(wall, (step as u64 + 1) * SECOND / 4).unwrap();
        token.write(if step % 2 == 0 { Status::Critical } else { Status::Passing }, "").unwrap();
        assert_eq!(engine.snapshot(&check).unwrap().time_ns(), wall, "it is told as it was set");
    }
    let stats = engine.stats().unwrap();
    assert_eq!((stats.lapses, stats.clock_jumps), (0, 0));
}

#[test]
fn a_boot_clock_that_goes_back_stands_still() {
    let _whole = breaks::none();
    let engine = timed();
    let check = check(&engine, "alive", None);
    let token = hold(&engine, &check, 1);
    pass(&engine, 0, SECOND / 2);
    for boot in [0, 1, SECOND / 4, SECOND / 2] {
        engine.tick(0, boot).unwrap();
        assert_eq!(engine.stats().unwrap().lapses, 0);
    }
    token.renew().unwrap();
    pass(&engine, SECOND / 2, SECOND * 3 / 2);
    assert_eq!(engine.stats().unwrap().lapses, 0, "from where it stood");
    pass(&engine, SECOND * 3 / 2, SECOND * 7 / 4);
    assert_eq!(token.renew().expect_err("the time is up").kind(), ErrorKind::Expired);
}

#[test]
fn at_the_end_of_time_trouble_is_still_told_at_its_rate() {
    let _whole = breaks::none();
    let engine = timed();
    let check = check(&engine, "alive", None);
    let _token = engine.acquire(&check, "holder").unwrap();
    let trouble = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
    engine.tick(0, END - 5).unwrap();
    let counts: Vec<u64> = (0..100)
        .flat_map(|_| {
            engine.acquire(&check, "rival").expect_err("it is held");
            drain(&trouble)
        })
        .map(|event| match event {
            Event::Trouble(trouble) => trouble.count,
            other => panic!("not subscribed to: {other:?}"),
        })
        .collect();
    assert_eq!(counts, [1], "one event a second, also where the second ends after the last");
}

/// The last time that an engine can measure, nanoseconds after it was opened: 10.9 years.
const END: u64 = ((1 << 35) - 2) * 10_000_000;

/// Values at and near the ends of what a clock can say, and ordinary ones.
fn extreme(random: &mut Random) -> u64 {
    let ends = [0, 1, SECOND, END, i64::MAX as u64, i64::MIN as u64, u64::MAX];
    let end = ends[random.below(ends.len() as u64) as usize];
    match random.below(4) {
        0 => end,
        1 => end.wrapping_add(random.below(2 * SECOND)),
        2 => end.wrapping_sub(random.below(2 * SECOND)),
        _ => random.next() >> random.below(64),
    }
}

#[test]
fn nothing_breaks_whatever_the_clocks_say() {
    let _whole = breaks::none();
    let begun = Instant::now();
    let rounds = if std::env::var_os("LIFESIGN_LONG").is_some() { 20_000 } else { 400 };
    let mut ticks = 0;
    for seed in 0..rounds {
        let mut random = Random::new(seed);
        let engine = timed();
        let web = service(&engine, "web");
        let check = check(&engine, "web:alive", Some(&web));
        let subscription = engine.subscribe(&SubscriptionFilter::all()).unwrap();
        let trouble = engine.subscribe(&SubscriptionFilter::trouble()).unwrap();
        let (mut token, mut silent) = (None, Vec::new());
        for _ in 0..20 {
            let (wall, boot) = (extreme(&mut random) as i64, extreme(&mut random));
            match engine.tick(wall, boot) {
                Ok(()) => assert!(boot <= END),
                Err(refused) => assert!(refused.kind() == ErrorKind::Invalid && boot > END, "{refused}"),
            }
            ticks += 1;
            let holder = token.take().unwrap_or_else(|| {
                let generation = engine.who(&check).unwrap().generation;
                let seconds = 1 + random.below(497 * 86_400);
                let how = Acquire::new("probe").lease(Duration::from_secs(seconds), OnLapse::Warning);
                engine.take_over(&check, generation, how).expect("nobody came since")
            });
            let status = [Status::Passing, Status::Critical][random.below(2) as usize];
            match holder.write(status, "as it is") {
                Ok(()) => assert_eq!(check.status(), Some(status)),
                Err(refused) => assert_eq!(refused.kind(), ErrorKind::Expired, "seed {seed}"),
            }
            if random.below(3) > 0 {
                token = Some(holder);
            } else {
                silent.push(holder); // It is not heard of any more.
            }
            if engine.acquire(&check, "rival").is_ok() {
                token = None; // Its lease was over.
            }
            let who = engine.who(&check).unwrap();
            assert!(who.silent_for.is_some() && !format!("{who:?}").is_empty());
            let writers = engine.writers(&check).unwrap();
            assert!(
                writers.iter().all(|writer| writer.first_ns <= writer.last_ns),
                "seed {seed}: {writers:?}"
            );
            engine.service_snapshot(&web).unwrap();
            let history = engine.history(&check).unwrap();
            assert!(history.is_sorted_by_key(|entry| (entry.revision, entry.boot_ns)), "seed {seed}");
            drain(&trouble);
        }
        drain(&subscription);
        let stats = engine.stats().unwrap();
        assert_eq!((stats.internal_errors, engine.audit().unwrap()), (0, 0), "seed {seed}");
    }
    evidence::tell("faults", "ticks of clocks that say anything: nothing breaks", ticks, begun);
}
