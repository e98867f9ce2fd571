//! Flips in a program with many threads: 256 of them have used the engine, and bare arc-swap too, and are still there.
//!
//! A program of its own, because a thread may leave something behind where every write has to pass: what is measured before the crowd comes is
//! measured with one thread. At the end everything that a flip has to bear comes together: the crowd, ten thousand subscriptions to
//! other checks, a thousand aliases of the service.

mod common;

use std::ops::Range;
use std::sync::Arc;

use common::bare::{BareCell, BareFlipper};
use common::crowd::Crowd;
use common::world::{Flipper, alias, check, engine, service};
use criterion::{BenchmarkId, Criterion};
use lifesign::{Engine, Status, Subscription, SubscriptionFilter};

/// So many threads are there in the end, and at each step.
const STEPS: [usize; 3] = [16, 64, 256];
const ELSEWHERE: usize = 10_000;
const ALIASES: usize = 1_000;

fn main() {
    let mut criterion = common::criterion();
    let quiet = engine();
    let busy = Arc::new(engine());
    let (mut alone, mut bare) = (Flipper::alone(&quiet, "web"), BareFlipper::default());
    let mut laden = Flipper::alone(&busy, "web");

    let mut group = criterion.benchmark_group("flip-combined");
    group.bench_function("empty", |b| b.iter(|| alone.flip()));
    group.finish();
    measure(&mut criterion, 0, &mut alone, &mut bare);
    let (mut present, mut crowds) = (0, Vec::new());
    for threads in STEPS {
        crowds.push(gather(present..threads, &busy, &bare.cell));
        present = threads;
        measure(&mut criterion, threads, &mut laden, &mut bare);
    }
    let subscriptions = load(&busy);
    let mut group = criterion.benchmark_group("flip-combined");
    group.bench_function("lifesign", |b| b.iter(|| laden.flip()));
    group.finish();

    alone.assert_right(&quiet);
    laden.assert_right(&busy);
    bare.assert_right();
    let last = busy.check(&format!("alias-{}", ALIASES - 1)).expect("a living alias");
    assert_eq!(last.status(), Some(laden.shows()));
    assert!(subscriptions.iter().all(|elsewhere| elsewhere.poll(1).expect("an open one").events.is_empty()));
    drop(crowds);
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, threads: usize, writer: &mut Flipper, bare: &mut BareFlipper) {
    let mut group = criterion.benchmark_group("flip-crowd");
    group.bench_function(BenchmarkId::new("lifesign", threads), |b| b.iter(|| writer.flip()));
    group.bench_function(BenchmarkId::new("arc-swap-store", threads), |b| b.iter(|| bare.flip()));
    group.finish();
}

/// Threads that have read and written, each its own check and its own cell too.
fn gather(numbers: Range<usize>, engine: &Arc<Engine>, cell: &Arc<BareCell>) -> Crowd {
    let (first, engine, cell) = (numbers.start, engine.clone(), cell.clone());
    Crowd::of(numbers.len(), move |number| {
        let id = format!("crowd-{}", first + number);
        let mut writer = Flipper::alone(&engine, &id);
        writer.flip();
        writer.flip();
        let found = engine.check(&id).expect("a living check");
        let snapshot = engine.snapshot(&found).expect("a living check");
        assert_eq!((found.status(), snapshot.transitions()), (Some(Status::Passing), 2));
        let own = BareCell::default();
        own.store(1, Status::Critical, "of this thread");
        drop((own.cell.load_full(), cell.cell.load_full(), cell.cell.load()));
    })
}

/// Subscriptions to other checks, each of which has been told what there was, and aliases of the service.
fn load(engine: &Engine) -> Vec<Subscription> {
    let elsewhere = service(engine, "elsewhere");
    let subscribe = |number| {
        let other = check(engine, &format!("elsewhere-{number}"), Some(&elsewhere));
        let subscription = engine.subscribe(&SubscriptionFilter::check(&other)).expect("it subscribes");
        while subscription.poll(16).expect("an open one").more {}
        subscription
    };
    let subscriptions = (0..ELSEWHERE).map(subscribe).collect();
    let sidecar = service(engine, "sidecar");
    for number in 0..ALIASES {
        alias(engine, &format!("alias-{number}"), Some(&sidecar), "web");
    }
    subscriptions
}
