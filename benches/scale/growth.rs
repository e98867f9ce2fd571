//! How long things take in an engine of a given size.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use dashmap::DashMap;
use lifesign::{
    Check, CheckSpec, Engine, Event, Service, Snapshot, Status, Subscription, SubscriptionFilter,
};

use crate::common::lines::Lines;
use crate::common::random::Random;
use crate::common::world::Flipper;
use crate::world::{TO_A_SERVICE, aliases, engine, id, service_id, services, spec, write_once};

type Hasher = foldhash::fast::RandomState;

/// So many definitions are made at a time, outside what is measured.
const PORTION: usize = 1_000;
/// So many look-ups and flips are measured.
const STEPS: usize = 200_000;

/// Nanoseconds for each of `count` things.
fn each<T>(count: usize, work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed().as_nanos() as f64 / count as f64)
}

/// Registers checks of these numbers; nanoseconds for each.
fn register(engine: &Engine, homes: &[Service], count: usize) -> (Vec<Check>, f64) {
    let (mut made, mut spent) = (Vec::with_capacity(count), 0.0);
    for start in (0..count).step_by(PORTION) {
        let specs: Vec<_> = (start..count.min(start + PORTION)).map(spec).collect();
        let began = Instant::now();
        for (number, spec) in (start..).zip(&specs) {
            let home = &homes[number / TO_A_SERVICE];
            made.push(engine.register_check(spec, Some(home)).expect("a check registers"));
        }
        spent += began.elapsed().as_nanos() as f64;
    }
    (made, spent / count as f64)
}

pub fn measure(size: usize, lines: &mut Lines) {
    let engine = engine();
    let (ids, few): (Vec<String>, _) = ((0..size).map(id).collect(), size.div_ceil(TO_A_SERVICE));
    let mut report = |id: &str, nanoseconds| lines.add(&format!("{id}/{size}"), nanoseconds, "ns");

    let (homes, time) = each(few, || services(&engine, size));
    report("register-service/lifesign", time);
    let (checks, time) = register(&engine, &homes, size);
    report("register/lifesign", time);
    let bare = DashMap::<Arc<str>, Check, Hasher>::default();
    let insert =
        || ids.iter().zip(&checks).for_each(|(id, check)| _ = bare.insert(id.as_str().into(), *check));
    report("register/dashmap", each(size, insert).1);
    let tokens = (0..size).map(|number| write_once(&engine, number, &checks[number])).collect::<Vec<_>>();
    resync(&mut report, "resync", &engine, &checks, 0);
    let specs = aliases(few);
    let mirror = |(spec, home): &(CheckSpec, usize)| {
        engine.register_check(spec, Some(&homes[*home])).expect("an alias registers")
    };
    let (mirrors, time) = each(few, || specs.iter().map(mirror).collect::<Vec<_>>());
    report("register-alias/lifesign", time);
    let follow = |check| engine.subscribe(&SubscriptionFilter::check(check)).expect("it subscribes");
    let (followers, time) = each(size / 100, || checks.iter().step_by(100).map(follow).collect::<Vec<_>>());
    report("subscribe/lifesign", time);

    let mut random = Random::new();
    let wanted: Vec<usize> = (0..STEPS).map(|_| random.below(size)).collect();
    let found =
        || wanted.iter().filter(|at| engine.check(&ids[**at]).is_ok_and(|it| it == checks[**at])).count();
    let (count, time) = each(STEPS, found);
    assert_eq!(count, STEPS);
    report("lookup-scale/lifesign", time);
    let found = || {
        wanted.iter().filter(|at| bare.get(ids[**at].as_str()).is_some_and(|it| *it == checks[**at])).count()
    };
    let (count, time) = each(STEPS, found);
    assert_eq!(count, STEPS);
    report("lookup-scale/dashmap", time);
    let passing = || wanted.iter().filter(|at| checks[**at].status() == Some(Status::Passing)).count();
    let (count, time) = each(STEPS, passing);
    assert_eq!(count, STEPS);
    report("status-scale/lifesign", time);

    flips(&mut report, &engine, tokens, &wanted);
    assert!(mirrors.iter().all(|alias| alias.status().is_some()));
    resync(&mut report, "resync-with-aliases", &engine, &checks, mirrors.len());
    drop(followers);
    report("close/lifesign", each(size, || drop(engine)).1);
    assert!(checks.iter().all(|check| check.status().is_none()));
}

/// Of one check again and again, and of checks all over the engine.
fn flips(
    report: &mut impl FnMut(&str, f64),
    engine: &Engine,
    tokens: Vec<lifesign::Token>,
    wanted: &[usize],
) {
    let mut writers: Vec<_> = tokens.into_iter().map(Flipper::of).collect();
    let first = &mut writers[0];
    report("flip-scale/lifesign", each(STEPS, || (0..STEPS).for_each(|_| first.flip())).1);
    report(
        "flip-scale-anywhere/lifesign",
        each(STEPS, || wanted.iter().for_each(|at| writers[*at].flip())).1,
    );
    writers.iter().step_by(97).for_each(|writer| writer.assert_right(engine));
}

/// Everything, from the beginning.
pub fn take_all(subscription: &Subscription, mut take: impl FnMut(&Snapshot)) -> usize {
    let mut events = 0;
    loop {
        let batch = subscription.poll(4_096).expect("an open subscription");
        for event in &batch.events {
            if let Event::State { snapshot, .. } = event {
                take(snapshot);
                events += 1;
            }
        }
        if !batch.more {
            return events;
        }
    }
}

/// Looks at what a resynchronisation is about: the numbers, the id and the text.
fn look(sum: &mut u64, snapshot: &Snapshot) {
    let bytes = |text: &str| text.bytes().map(u64::from).sum::<u64>();
    *sum = sum.wrapping_add(snapshot.version() + bytes(snapshot.id()) + bytes(snapshot.output()));
}

/// A subscription to everything until it has caught up, beside one pass over the snapshots of the same checks as they were registered.
fn resync(report: &mut impl FnMut(&str, f64), row: &str, engine: &Engine, checks: &[Check], aliases: usize) {
    let (mut passed, mut delivered) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let states: Vec<Arc<Snapshot>> =
            checks.iter().map(|check| engine.snapshot(check).expect("a living check")).collect();
        let mut sum = 0;
        passed.push(each(checks.len(), || states.iter().for_each(|state| look(&mut sum, state))).1);
        black_box(sum);
        drop(states);
        let everything = || {
            let subscription = engine.subscribe(&SubscriptionFilter::all()).expect("it subscribes");
            take_all(&subscription, |snapshot| look(&mut sum, snapshot))
        };
        let (events, time) = each(checks.len() + aliases, everything);
        assert_eq!(events, checks.len() + aliases);
        delivered.push(time);
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    report(&format!("{row}/lifesign"), median(delivered));
    report(&format!("{row}/linear-pass"), median(passed));
}

/// Aliases that are bound to the node, as many as services that they mirror.
pub fn node_aliases(size: usize, lines: &mut Lines) {
    let engine = engine();
    drop(services(&engine, size * TO_A_SERVICE));
    let specs: Vec<_> =
        (0..size).map(|number| CheckSpec::alias(format!("alias{number:07}"), service_id(number))).collect();
    let mirror = |spec| engine.register_check(spec, None).expect("an alias registers");
    let (made, time) = each(size, || specs.iter().map(mirror).collect::<Vec<_>>());
    lines.add(&format!("register-alias-node/lifesign/{size}"), time, "ns");
    let text = |alias| assert!(engine.snapshot(alias).is_ok_and(|it| it.output() == "No checks found."));
    let ((), time) = each(size, || made.iter().for_each(text));
    lines.add(&format!("alias-snapshot-node/lifesign/{size}"), time, "ns");
}

/// Registering beside ten thousand prefix subscriptions, of which each check interests one.
pub fn prefixes(size: usize, lines: &mut Lines) {
    const PREFIXES: usize = 10_000;
    let engine = engine();
    let homes = services(&engine, size);
    let subscribe = |number: usize| {
        let prefix = format!("service:web{:06}", number);
        engine.subscribe(&SubscriptionFilter::prefix(&prefix)).expect("it subscribes")
    };
    let subscriptions: Vec<_> = (0..PREFIXES).map(subscribe).collect();
    let (made, time) = register(&engine, &homes, size);
    lines.add(&format!("register-prefixes/lifesign/{size}"), time, "ns");
    let told: usize = subscriptions.iter().map(|subscription| take_all(subscription, |_| ())).sum();
    assert_eq!(told, made.len().min(PREFIXES * TO_A_SERVICE), "each check was told to the one it interests");
}
