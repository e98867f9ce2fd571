//! Writes of one thread: flips, heartbeats, refusals; and a holder beside rivals that are refused.

mod common;

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::bare::BareFlipper;
use common::busy::Busy;
use common::world::{DOWN, Flipper, UP, acquire, check, engine, engine_of, service};
use criterion::Criterion;
use lifesign::{Config, Engine, ErrorKind, Status, Token};
use rustix::time::{ClockId, clock_gettime};

/// So many rivals are refused beside the holder.
const RIVALS: usize = 4;

fn main() {
    let mut criterion = common::criterion();
    flip(&mut criterion);
    heartbeat(&mut criterion);
    refused(&mut criterion);
    holder(&mut criterion);
    criterion.final_summary();
}

fn flip(criterion: &mut Criterion) {
    let engine = engine();
    let mut writer = Flipper::alone(&engine, "web");
    let forgetful = engine_of(Config { history: 0, ..Config::default() });
    let mut unremembered = Flipper::alone(&forgetful, "web");
    let mut bare = BareFlipper::default();

    let mut group = criterion.benchmark_group("flip");
    group.bench_function("lifesign", |b| b.iter(|| writer.flip()));
    group.bench_function("arc-swap-store", |b| b.iter(|| bare.flip()));
    group.bench_function("lifesign-without-history", |b| b.iter(|| unremembered.flip()));
    group.finish();
    writer.assert_right(&engine);
    unremembered.assert_right(&forgetful);
    bare.assert_right();

    let token = Flipper::alone(&engine, "text").token;
    let mut texts = [UP, DOWN].into_iter().cycle();
    let mut group = criterion.benchmark_group("text-change");
    group.bench_function("lifesign", |b| {
        b.iter(|| token.write(Status::Passing, texts.next().expect("a ring has no end")));
    });
    group.finish();
    assert_eq!(engine.snapshot(&token.check()).expect("a living check").transitions(), 0);
}

fn heartbeat(criterion: &mut Criterion) {
    let engine = engine();
    let token = Flipper::alone(&engine, "web").token;
    token.write(Status::Passing, UP).expect("the holder writes");
    let before = engine.snapshot(&token.check()).expect("a living check").version();
    let counter = AtomicU64::new(0);
    let mut group = criterion.benchmark_group("heartbeat");
    group.bench_function("lifesign", |b| b.iter(|| token.write(Status::Passing, black_box(UP))));
    group.bench_function("fetch-add", |b| b.iter(|| black_box(&counter).fetch_add(1, Ordering::AcqRel)));
    group.finish();
    let after = engine.snapshot(&token.check()).expect("a living check");
    assert_eq!((after.version(), after.output()), (before, UP), "a heartbeat commits nothing");
    assert!(engine.stats().expect("an open engine").heartbeats > 0);
}

/// The holder of a new check, and tokens that were taken over one after the other until it came.
fn rivals(engine: &Engine, id: &str, count: usize) -> (Token, Vec<Token>) {
    let home = service(engine, id);
    let check = check(engine, id, Some(&home));
    let (mut holder, mut stale) = (acquire(engine, &check), Vec::new());
    for number in 0..count {
        let label = format!("rival {number}");
        let next = engine.take_over(&check, holder.generation(), &label).expect("the holder it has seen");
        stale.push(std::mem::replace(&mut holder, next));
    }
    (holder, stale)
}

/// What a stale token is told; the error is made and dropped within the measured time.
fn refuse(stale: &mut Token) {
    let told = stale.write(Status::Critical, DOWN).expect_err("a stale token");
    assert_eq!(told.kind(), ErrorKind::Fenced);
}

fn refused(criterion: &mut Criterion) {
    let engine = engine();
    let (holder, mut stale) = rivals(&engine, "web", 1);
    holder.write(Status::Passing, UP).expect("the holder writes");
    let mut group = criterion.benchmark_group("refused");
    group.bench_function("lifesign", |b| b.iter(|| refuse(&mut stale[0])));
    group.bench_function("heartbeat", |b| b.iter(|| holder.write(Status::Passing, black_box(UP))));
    group.finish();
    assert_eq!(holder.check().status(), Some(Status::Passing), "nothing of a stale token is seen");
}

/// How long this thread has run: rivals take processors from the holder whatever they do there, which is not what is asked.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// The holder's flip beside rivals that are refused at its check, and beside as many that are refused in another engine.
fn holder(criterion: &mut Criterion) {
    let (engine, other) = (engine(), common::world::engine());
    let mut group = criterion.benchmark_group("flip-refusing");
    for (name, refusing) in [("lifesign", &engine), ("elsewhere", &other)] {
        let (holder, stale) = rivals(refusing, name, RIVALS);
        let mut writer =
            if name == "lifesign" { Flipper::of(holder) } else { Flipper::alone(&engine, "undisturbed") };
        let busy: Vec<_> = stale.into_iter().map(|token| Busy::run(token, refuse)).collect();
        group.bench_function(name, |b| {
            b.iter_custom(|times| {
                let began = cpu_time();
                (0..times).for_each(|_| writer.flip());
                cpu_time() - began
            });
        });
        busy.into_iter().for_each(|busy| drop(busy.end()));
        writer.assert_right(&engine);
    }
    group.finish();
}
