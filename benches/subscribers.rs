//! A flip against subscribers: one that is marked already, thousands elsewhere, some that sleep; and the poll of one event.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant};

use common::world::{Flipper, check, engine, service};
use criterion::{BenchmarkId, Criterion};
use lifesign::{Check, Engine, ErrorKind, Subscription, SubscriptionFilter};

fn main() {
    let mut criterion = common::criterion();
    marked(&mut criterion);
    interested(&mut criterion);
    elsewhere(&mut criterion);
    poll(&mut criterion);
    sleeping(&mut criterion);
    criterion.final_summary();
}

/// A subscription to one check that has been told what there is.
fn subscribe(engine: &Engine, check: &Check) -> Subscription {
    let subscription = engine.subscribe(&SubscriptionFilter::check(check)).expect("it subscribes");
    while subscription.poll(16).expect("an open subscription").more {}
    subscription
}

/// The difference between the first two is what the mark costs.
fn marked(criterion: &mut Criterion) {
    let engine = engine();
    let (mut unheard, mut writer) = (Flipper::alone(&engine, "unheard"), Flipper::alone(&engine, "web"));
    let subscription = subscribe(&engine, &writer.token.check());
    let counter = AtomicU64::new(0);
    writer.flip();
    let mut group = criterion.benchmark_group("flip-marked");
    group.bench_function("unheard", |b| b.iter(|| unheard.flip()));
    group.bench_function("lifesign", |b| b.iter(|| writer.flip()));
    group.bench_function("fetch-add", |b| b.iter(|| counter.fetch_add(1, Ordering::AcqRel)));
    group.finish();
    writer.assert_right(&engine);
    assert_eq!(subscription.poll(16).expect("an open subscription").events.len(), 1, "all merged into one");
}

/// Many subscribers to the same check, all of them marked.
fn interested(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flip-interested");
    for count in [0, 1, 10, 100, 1_000] {
        let engine = engine();
        let mut writer = Flipper::alone(&engine, "web");
        let subscriptions: Vec<_> = (0..count).map(|_| subscribe(&engine, &writer.token.check())).collect();
        writer.flip();
        group.bench_function(BenchmarkId::new("lifesign", count), |b| b.iter(|| writer.flip()));
        writer.assert_right(&engine);
        let told = |each: &Subscription| each.poll(16).expect("an open subscription").events.len();
        assert!(subscriptions.iter().all(|each| told(each) == 1), "all merged into one");
    }
    group.finish();
}

/// Subscribers to other checks of the same engine.
fn elsewhere(criterion: &mut Criterion) {
    let engine = engine();
    let mut writer = Flipper::alone(&engine, "web");
    let other = service(&engine, "other");
    let mut subscriptions = Vec::new();
    let mut group = criterion.benchmark_group("flip-elsewhere");
    for count in [0, 10_000] {
        subscriptions.extend((0..count).map(|number| {
            let other = check(&engine, &format!("other-{number}"), Some(&other));
            subscribe(&engine, &other)
        }));
        group.bench_function(BenchmarkId::new("lifesign", count), |b| b.iter(|| writer.flip()));
    }
    group.finish();
    writer.assert_right(&engine);
    assert!(subscriptions.iter().all(|idle| idle.poll(16).expect("an open one").events.is_empty()));
}

/// A flip, and the poll that delivers it.
fn poll(criterion: &mut Criterion) {
    let engine = engine();
    let mut writer = Flipper::alone(&engine, "web");
    let subscription = subscribe(&engine, &writer.token.check());
    let mut delivered = 0;
    let mut group = criterion.benchmark_group("poll-one");
    group.bench_function("lifesign", |b| {
        b.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                writer.flip();
                let began = Instant::now();
                delivered += subscription.poll(16).expect("an open subscription").events.len();
                spent += began.elapsed();
            }
            spent
        });
    });
    group.finish();
    let flips = engine.snapshot(&writer.token.check()).expect("a living check").transitions();
    assert_eq!(delivered as u64, flips, "each flip was delivered");
}

/// Threads that sleep until something is pending, take it, and sleep again.
struct Sleepers {
    subscriptions: Vec<Arc<Subscription>>,
    threads: Vec<JoinHandle<()>>,
    /// How often one of them was about to go to sleep.
    rests: Arc<AtomicU64>,
}

impl Sleepers {
    fn of(count: usize, engine: &Engine, check: &Check) -> Self {
        let rests = Arc::new(AtomicU64::new(0));
        let subscriptions: Vec<_> = (0..count).map(|_| Arc::new(subscribe(engine, check))).collect();
        let sleep = |subscription: &Arc<Subscription>| {
            let (subscription, rests) = (subscription.clone(), rests.clone());
            let body = move || {
                loop {
                    rests.fetch_add(1, Ordering::AcqRel);
                    match subscription.wait(None) {
                        Ok(()) => drop(subscription.poll(16).expect("an open subscription")),
                        Err(closed) => return assert_eq!(closed.kind(), ErrorKind::Closed),
                    }
                }
            };
            Builder::new().stack_size(256 * 1024).spawn(body).expect("a thread starts")
        };
        let threads = subscriptions.iter().map(sleep).collect();
        Self { subscriptions, threads, rests }
    }

    /// Returns when all of them have gone to sleep for the time of this number.
    fn wait_asleep(&self, time: u64) {
        while self.rests.load(Ordering::Acquire) < time * self.threads.len() as u64 {
            sleep(Duration::from_micros(50));
        }
        // From there to the kernel's queue it is some hundred instructions, for which there is no sign.
        sleep(Duration::from_micros(200));
    }

    fn end(self) {
        self.subscriptions.iter().for_each(|subscription| subscription.close());
        self.threads.into_iter().for_each(|thread| thread.join().expect("a sleeper ends"));
    }
}

/// The writer alone is measured: each sleeper costs it a system call.
fn sleeping(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flip-sleeping");
    // What lies between two flips takes far longer than the flips.
    group.warm_up_time(Duration::from_millis(20)).measurement_time(Duration::from_millis(50)).sample_size(10);
    for count in [0, 1, 1_000] {
        let engine = engine();
        let mut writer = Flipper::alone(&engine, "web");
        let sleepers = Sleepers::of(count, &engine, &writer.token.check());
        let mut time = 0;
        group.bench_function(BenchmarkId::new("lifesign", count), |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    time += 1;
                    sleepers.wait_asleep(time);
                    let began = Instant::now();
                    writer.flip();
                    spent += began.elapsed();
                }
                spent
            });
        });
        sleepers.wait_asleep(time + 1);
        sleepers.end();
        writer.assert_right(&engine);
    }
    group.finish();
}
