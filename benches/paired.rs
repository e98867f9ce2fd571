//! Small differences: what is compared is done in turns of some microseconds, so that whatever else the machine does befalls both alike.
//!
//! The criterion benches have the same rows one after the other; a difference of a few nanoseconds is lost there in what changes from one
//! second to the next. Here a figure is the median of many turns, and a ratio that of turns beside one another.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use common::bare::{BareFlipper, Word};
use common::lines::Lines;
use common::random::Random;
use common::world::{DOWN, Flipper, UP, alias, check, engine, service};
use dashmap::DashMap;
use lifesign::{Check, Engine, Status, Subscription, SubscriptionFilter};

/// Turns of each.
const TURNS: usize = 20_000;
/// Calls in one turn: of what takes some hundred nanoseconds, and of what takes some.
const LONG: u32 = 50;
const SHORT: u32 = 2_000;

fn main() {
    let mut lines = Lines::open("paired");
    reads(&mut lines);
    lookup(&mut lines);
    writes(&mut lines);
    marked(&mut lines);
    elsewhere(&mut lines);
    for count in [100, 1_000] {
        aliases(&mut lines, "flip-aliases-service", count, true);
        aliases(&mut lines, "flip-aliases-node", count, false);
    }
}

/// Nanoseconds of a call in one turn.
fn turn(calls: u32, call: &mut impl FnMut()) -> f64 {
    let began = Instant::now();
    (0..calls).for_each(|_| call());
    began.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// Nanoseconds of a call in each turn of the one and of the other, which take turns at being first.
fn in_turns(calls: u32, mut one: impl FnMut(), mut other: impl FnMut()) -> (Vec<f64>, Vec<f64>) {
    let (mut ones, mut others) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
    for number in 0..TURNS {
        if number % 2 == 0 {
            ones.push(turn(calls, &mut one));
        }
        others.push(turn(calls, &mut other));
        if number % 2 == 1 {
            ones.push(turn(calls, &mut one));
        }
    }
    (ones, others)
}

/// A row of two: the engine and what it is compared with.
fn compare(
    lines: &mut Lines,
    row: &str,
    calls: u32,
    ours: impl FnMut(),
    (name, other): (&str, impl FnMut()),
) {
    let (ours, others) = in_turns(calls, ours, other);
    let (id, other) = (format!("{row}-paired/lifesign"), format!("{row}-paired/{name}"));
    lines.add_turns((&id, &ours), (&other, &others), "ns");
}

fn reads(lines: &mut Lines) {
    let engine = engine();
    let mut writer = Flipper::alone(&engine, "web");
    let (direct, mirror) = (writer.token.check(), alias(&engine, "mirror", None, "web"));
    writer.flip();
    let (word, bare) = (Word::default(), BareFlipper::default());
    let load = || _ = black_box(black_box(&word).0.load(Ordering::Acquire));
    let status = |check: &Check| _ = black_box(black_box(check).status());
    compare(lines, "status", SHORT, || status(&direct), ("atomic-load", load));
    compare(lines, "alias-status", SHORT, || status(&mirror), ("atomic-load", load));
    let load = || _ = black_box(bare.cell.cell.load_full());
    compare(
        lines,
        "snapshot",
        LONG,
        || _ = black_box(engine.snapshot(&direct)),
        ("arc-swap-load-full", load),
    );
    writer.assert_right(&engine);
    assert_eq!((direct.status(), mirror.status()), (Some(Status::Critical), Some(Status::Critical)));
}

/// Ten thousand ids in no order.
fn lookup(lines: &mut Lines) {
    let engine = engine();
    let home = service(&engine, "web");
    let mut ids: Vec<_> = (0..10_000).map(|number| format!("service:web{number:07}:http")).collect();
    let bare = DashMap::<Arc<str>, Check, foldhash::fast::RandomState>::default();
    for id in &ids {
        bare.insert(id.as_str().into(), check(&engine, id, Some(&home)));
    }
    Random::new().shuffle(&mut ids);
    let (mut ring, mut other) = (ids.iter().cycle(), ids.iter().cycle());
    let find = || _ = black_box(engine.check(ring.next().expect("a ring has no end")));
    let found = |id: &String| bare.get(id.as_str()).map(|check| *check);
    let get = || _ = black_box(found(other.next().expect("a ring has no end")));
    compare(lines, "lookup", LONG, find, ("dashmap", get));
    assert!(ids.iter().all(|id| engine.check(id).ok() == found(id)));
}

fn writes(lines: &mut Lines) {
    let engine = engine();
    let (mut writer, mut bare) = (Flipper::alone(&engine, "web"), BareFlipper::default());
    compare(lines, "flip", LONG, || writer.flip(), ("arc-swap-store", || bare.flip()));
    writer.assert_right(&engine);
    bare.assert_right();

    let stale = Flipper::alone(&engine, "steady").token;
    let steady = engine.take_over(&stale.check(), stale.generation(), "the successor");
    let steady = steady.expect("the holder it has seen");
    steady.write(Status::Passing, UP).expect("the holder writes");
    let heartbeat = || steady.write(Status::Passing, black_box(UP)).expect("the holder writes");
    let counter = AtomicU64::new(0);
    compare(
        lines,
        "heartbeat",
        SHORT,
        heartbeat,
        ("fetch-add", || _ = counter.fetch_add(1, Ordering::AcqRel)),
    );
    let refuse = || assert!(stale.write(Status::Critical, black_box(DOWN)).is_err());
    compare(lines, "refused", LONG, refuse, ("heartbeat", heartbeat));
    assert_eq!(steady.check().status(), Some(Status::Passing), "nothing of a stale token is seen");
}

/// A subscription to one check that has been told what there is.
fn subscribe(engine: &Engine, check: &Check) -> Subscription {
    let subscription = engine.subscribe(&SubscriptionFilter::check(check)).expect("it subscribes");
    while subscription.poll(16).expect("an open subscription").more {}
    subscription
}

/// What one subscriber that is marked already adds to a flip, beside a `fetch_add`.
fn marked(lines: &mut Lines) {
    let engine = engine();
    let (mut unheard, mut heard) = (Flipper::alone(&engine, "unheard"), Flipper::alone(&engine, "heard"));
    let subscription = subscribe(&engine, &heard.token.check());
    heard.flip();
    let (without, with) = in_turns(LONG, || unheard.flip(), || heard.flip());
    let added = without.iter().zip(&with).map(|(without, with)| with - without).collect();
    lines.add_median("flip-marked-cost/lifesign", added, "ns");
    let (counter, nothing) = (AtomicU64::new(0), AtomicU64::new(0));
    let counted = || _ = counter.fetch_add(1, Ordering::AcqRel);
    let (counts, _) = in_turns(SHORT, counted, || _ = nothing.load(Ordering::Acquire));
    lines.add_median("flip-marked-cost/fetch-add", counts, "ns");
    unheard.assert_right(&engine);
    heard.assert_right(&engine);
    assert_eq!(subscription.poll(16).expect("an open subscription").events.len(), 1, "all merged into one");
}

/// The same flip in an engine with ten thousand subscribers to other checks, and in one without.
fn elsewhere(lines: &mut Lines) {
    const SUBSCRIPTIONS: usize = 10_000;
    let (empty, full) = (engine(), engine());
    let (mut alone, mut among) = (Flipper::alone(&empty, "web"), Flipper::alone(&full, "web"));
    let other = service(&full, "other");
    let follow = |number| subscribe(&full, &check(&full, &format!("other-{number}"), Some(&other)));
    let subscriptions: Vec<_> = (0..SUBSCRIPTIONS).map(follow).collect();
    let (without, with) = in_turns(LONG, || alone.flip(), || among.flip());
    let id = format!("flip-elsewhere-paired/lifesign/{SUBSCRIPTIONS}");
    lines.add_turns((&id, &with), ("flip-elsewhere-paired/lifesign/0", &without), "ns");
    alone.assert_right(&empty);
    among.assert_right(&full);
    assert!(subscriptions.iter().all(|idle| idle.poll(16).expect("an open one").events.is_empty()));
}

/// The same flip with one alias of the service and with a thousand, all of them bound to one other service or to the node.
fn aliases(lines: &mut Lines, row: &str, count: usize, bound: bool) {
    let world = |count: usize| {
        let engine = engine();
        let writer = Flipper::alone(&engine, "web");
        let home = bound.then(|| service(&engine, "sidecar"));
        let mirror = |number| alias(&engine, &format!("alias-{number}"), home.as_ref(), "web");
        let aliases: Vec<_> = (0..count).map(mirror).collect();
        (engine, writer, aliases)
    };
    let ((one, mut few, mirror), (crowded, mut many, mirrors)) = (world(1), world(count));
    let (with_one, with_many) = in_turns(LONG, || few.flip(), || many.flip());
    let [id, one_id] = [count, 1].map(|count_of| format!("{row}-paired-{count}/lifesign/{count_of}"));
    lines.add_turns((&id, &with_many), (&one_id, &with_one), "ns");
    few.assert_right(&one);
    many.assert_right(&crowded);
    assert_eq!(mirror[0].status(), Some(few.shows()));
    assert!(mirrors.iter().all(|alias| alias.status() == Some(many.shows())));
}
