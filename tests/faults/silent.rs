//! A thousand subscribers that never read: no writer and no other subscriber is delayed, their memory is bounded, and each is told later that it
//! has to start anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use lifesign::{CheckSpec, Config, Engine, Limits, Service, Status, Subscription, SubscriptionFilter, Token};

use crate::follower::{Follower, truth};
use crate::support::{PATIENCE, alias, breaks, check, evidence, is_readable, kilobytes, parked, service};
use crate::watch::in_time;

const SILENT: usize = 1_000;
/// Of them so many have a descriptor, and so many were asleep when it began.
const DESCRIPTORS: usize = 100;
const ASLEEP: usize = 20;
const MAX_PENDING: usize = 64;
/// A check comes and goes once in so many commits.
const CHURN: usize = 20;
/// Kilobytes. A thousand inboxes without a bound would take ten times as much.
const GROWTH: u64 = 8 << 10;

struct World {
    engine: Engine,
    web: Service,
    tokens: Vec<Token>,
    silent: Vec<Arc<Subscription>>,
    reading: Subscription,
}

fn world() -> World {
    let limits = Limits { max_pending: MAX_PENDING, ..Limits::default() };
    let engine = Engine::open(Config { limits, ..Config::default() }).unwrap();
    let web = service(&engine, "web");
    let checks: Vec<_> = (0..30).map(|at| check(&engine, &format!("web:{at}"), Some(&web))).collect();
    alias(&engine, "mirror", None, "web");
    let tokens = checks.iter().map(|check| engine.acquire(check, "probe").unwrap()).collect();
    let subscribe = |at: usize| {
        let filter = match at % 4 {
            0 | 1 => SubscriptionFilter::all(),
            2 => SubscriptionFilter::prefix("web:"),
            _ => SubscriptionFilter::service(&web, true),
        };
        Arc::new(engine.subscribe(&filter).unwrap())
    };
    let silent: Vec<_> = (0..SILENT).map(subscribe).collect();
    let reading = engine.subscribe(&SubscriptionFilter::all()).unwrap();
    World { engine, web, tokens, silent, reading }
}

/// Commits `count` times, with checks that come and go in between; what it wrote last is the truth.
fn commit(world: &World, from: usize, count: usize) {
    for number in from..from + count {
        let status = [Status::Critical, Status::Passing, Status::Warning][number % 3];
        let token = &world.tokens[number % world.tokens.len()];
        token.write(status, &number.to_string()).unwrap();
        if number % CHURN == 0 {
            let spec = CheckSpec::new(format!("web:guest {number}")).initial(Status::Passing);
            let guest = world.engine.register_check(&spec, Some(&world.web)).unwrap();
            world.engine.deregister_check(&guest).unwrap();
        }
    }
}

#[test]
fn subscribers_that_never_read_delay_nobody_and_are_bounded() {
    // Alone: what is resident is the process's.
    let _alone = breaks::alone();
    let begun = Instant::now();
    let long = std::env::var_os("LIFESIGN_LONG").is_some();
    let (warm, commits) = (2 * CHURN * MAX_PENDING, if long { 1_000_000 } else { 6_000 });
    let world = Arc::new(world());
    let descriptors: Vec<_> =
        world.silent[..DESCRIPTORS].iter().map(|silent| silent.descriptor().unwrap()).collect();
    let asleep: Vec<_> = world.silent[SILENT - ASLEEP..]
        .iter()
        .map(|silent| {
            Follower::default().read(silent);
            let sleeper = silent.clone();
            let sleeper = parked::at("wait:armed", move || sleeper.wait(Some(PATIENCE)));
            sleeper.release();
            sleeper
        })
        .collect();
    let mut reader = Follower::default();
    reader.read(&world.reading);
    let (done, shared) = (Arc::new(AtomicBool::new(false)), world.clone());
    let over = done.clone();
    let writing = crate::watch::start("the writer beside a thousand that never read", move |_| {
        // At first every inbox runs full; what comes after that must not take any more.
        commit(&shared, 0, warm);
        let before = kilobytes("VmRSS:");
        commit(&shared, warm, commits);
        over.store(true, Ordering::Release);
        (before, kilobytes("VmRSS:"))
    });
    let (shared, over) = (world.clone(), done.clone());
    let reading = std::thread::spawn(move || {
        let mut batches = 0u64;
        while !over.load(Ordering::Acquire) {
            match shared.reading.wait(Some(PATIENCE)) {
                Ok(()) => reader.take_in(shared.reading.poll(64).unwrap()),
                Err(refused) => panic!("the reader was not woken: {refused}"),
            }
            batches += 1;
        }
        (reader, batches)
    });
    let (before, after) = writing.finish_after(if long { 60 } else { 1 });
    world.tokens[0].write(Status::Critical, "the last word").unwrap();
    let (mut reader, batches) = reading.join().unwrap();
    reader.read(&world.reading);
    assert!(batches > 10, "it has read meanwhile, {batches} times");
    let is = truth(&world.engine, |_| true);
    assert_eq!(reader.known(|_| true), is, "who reads has everything");
    assert!(after < before + GROWTH, "{before} KiB resident before, {after} KiB after {commits} commits");
    asleep.into_iter().for_each(|sleeper| sleeper.finish().expect("it was woken by the first write"));
    assert!(descriptors.into_iter().all(is_readable));
    let shared = world.clone();
    in_time("reading what a thousand have left", move |_| {
        let of_web = truth(&shared.engine, |id| id.starts_with("web:"));
        for (at, silent) in shared.silent.iter().enumerate() {
            let mut late = Follower::default();
            late.read(silent);
            assert_eq!(late.resyncs, 1, "the subscriber {at} is told that it starts anew");
            assert_eq!(late.tombstones, 0, "and absence says what has gone");
            let expected = if at % 4 < 2 { &is } else { &of_web };
            assert_eq!(&late.known(|_| true), expected, "the subscriber {at} ends with what is");
        }
        assert_eq!(shared.engine.stats().unwrap().resyncs, SILENT as u64);
    });
    assert_eq!(world.engine.audit().unwrap(), 0);
    evidence::tell("faults", "commits beside 1,000 subscribers that never read", commits, begun);
}
