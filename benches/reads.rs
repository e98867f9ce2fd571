//! Reads by handle, idle and beside a busy writer, and the lookup of a handle.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::bare::{BareFlipper, Word};
use common::busy::Busy;
use common::random::Random;
use common::world::{Flipper, alias, check, engine, service};
use criterion::Criterion;
use dashmap::DashMap;
use lifesign::{Check, Engine, Status};

/// A check of a service, an alias of the service, and the check's writer.
fn world() -> (Engine, Check, Check, Flipper) {
    let engine = engine();
    let web = service(&engine, "web");
    let direct = check(&engine, "web:http", Some(&web));
    let alias = alias(&engine, "sidecar", None, "web");
    let writer = Flipper::new(&engine, &direct);
    (engine, direct, alias, writer)
}

fn main() {
    let mut criterion = common::criterion();
    idle(&mut criterion);
    busy_status(&mut criterion);
    busy_snapshot(&mut criterion);
    lookup(&mut criterion);
    criterion.final_summary();
}

fn idle(criterion: &mut Criterion) {
    let (engine, direct, alias, mut writer) = world();
    writer.flip();
    let (word, bare) = (Word::default(), BareFlipper::default());

    let mut group = criterion.benchmark_group("status");
    group.bench_function("lifesign", |b| b.iter(|| black_box(&direct).status()));
    group.bench_function("atomic-load", |b| b.iter(|| black_box(&word).0.load(Ordering::Acquire)));
    group.finish();

    let mut group = criterion.benchmark_group("alias-status");
    group.bench_function("lifesign", |b| b.iter(|| black_box(&alias).status()));
    group.bench_function("atomic-load", |b| b.iter(|| black_box(&word).0.load(Ordering::Acquire)));
    group.finish();
    assert_eq!((direct.status(), alias.status()), (Some(Status::Critical), Some(Status::Critical)));

    let mut group = criterion.benchmark_group("snapshot");
    group.bench_function("lifesign", |b| b.iter(|| engine.snapshot(black_box(&direct))));
    group.bench_function("arc-swap-load-full", |b| b.iter(|| black_box(&bare.cell).cell.load_full()));
    group.finish();
    writer.assert_right(&engine);

    let mut group = criterion.benchmark_group("alias-snapshot");
    group.bench_function("lifesign", |b| b.iter(|| engine.snapshot(black_box(&alias))));
    group.finish();
    let derived = engine.snapshot(&alias).expect("a living alias");
    assert!(derived.status() == Status::Critical && derived.output().contains("refused"));
}

/// The bare word lies on a line of its own and is written as often as the check's: by a thread that flips another check each time.
fn busy_status(criterion: &mut Criterion) {
    let (engine, direct, alias, mut writer) = world();
    let mut other = Flipper::alone(&engine, "other");
    let word: Arc<Word> = Arc::default();
    for (row, read) in [("status-busy", direct), ("alias-status-busy", alias)] {
        let mut group = criterion.benchmark_group(row);
        let flipping = Busy::run(writer, Flipper::flip);
        group.bench_function("lifesign", |b| b.iter(|| black_box(&read).status()));
        writer = flipping.end();
        let raised = word.clone();
        let flipping = Busy::run(other, move |other| {
            other.flip();
            raised.raise_twice();
        });
        group.bench_function("atomic-load", |b| b.iter(|| black_box(&word).0.load(Ordering::Acquire)));
        other = flipping.end();
        group.finish();
        writer.assert_right(&engine);
        assert_eq!(read.status(), Some(writer.shows()));
    }
}

fn busy_snapshot(criterion: &mut Criterion) {
    let (engine, direct, _, writer) = world();
    let mut group = criterion.benchmark_group("snapshot-busy");
    let flipping = Busy::run(writer, Flipper::flip);
    group.bench_function("lifesign", |b| b.iter(|| engine.snapshot(black_box(&direct))));
    flipping.end().assert_right(&engine);
    let bare = BareFlipper::default();
    let read = bare.cell.clone();
    let storing = Busy::run(bare, BareFlipper::flip);
    group.bench_function("arc-swap-load-full", |b| b.iter(|| black_box(&read).cell.load_full()));
    storing.end().assert_right();
    group.finish();
}

/// Ten thousand ids in no order; `scale` goes on to a million.
fn lookup(criterion: &mut Criterion) {
    let engine = engine();
    let home = service(&engine, "web");
    let mut ids: Vec<_> = (0..10_000).map(|number| format!("service:web-{number:05}:http")).collect();
    let bare = DashMap::<Arc<str>, Check, foldhash::fast::RandomState>::default();
    for id in &ids {
        bare.insert(id.as_str().into(), check(&engine, id, Some(&home)));
    }
    let mut random = Random::new();
    random.shuffle(&mut ids);
    let mut group = criterion.benchmark_group("lookup");
    let mut ring = ids.iter().cycle();
    group.bench_function("lifesign", |b| b.iter(|| engine.check(ring.next().expect("a ring has no end"))));
    let found = |id: &String| bare.get(id.as_str()).map(|check| *check);
    group.bench_function("dashmap", |b| b.iter(|| found(ring.next().expect("a ring has no end"))));
    group.finish();
    assert!(ids.iter().all(|id| engine.check(id).ok() == found(id)));
}
