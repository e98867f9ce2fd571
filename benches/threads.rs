//! Several threads at a time: 1, 2, 4, 8 … of them, as many as the machine has cores.
//!
//! A write's figure is the time from start to end divided by the writes of all threads, so its inverse is the throughput; a read's is what one read takes.

mod common;

use std::hint::black_box;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::bare::{BareCell, BareFlipper, Word};
use common::together::{thread_counts, together};
use common::world::{Flipper, engine};
use criterion::{BenchmarkId, Criterion};
use lifesign::Engine;

fn main() {
    let mut criterion = common::criterion();
    writes(&mut criterion);
    engines(&mut criterion);
    reads(&mut criterion);
    snapshots(&mut criterion);
    criterion.final_summary();
}

/// The share of one write when each of `writers` makes `times` of them.
fn share<W: Send>(writers: &mut [W], times: u64, write: impl Fn(&mut W) + Sync) -> Duration {
    let write = &write;
    let count = writers.len() as u32;
    let workers = writers.iter_mut().map(|writer| move || (0..times).for_each(|_| write(writer))).collect();
    together(workers) / count
}

/// What one read takes when `threads` threads read at the same time.
fn each<T>(threads: usize, times: u64, read: impl Fn() -> T + Sync) -> Duration {
    let read = &read;
    let workers = (0..threads).map(|_| move || (0..times).for_each(|_| drop(black_box(read())))).collect();
    together(workers)
}

/// Distinct checks of distinct services of one engine, and distinct arc-swaps.
fn writes(criterion: &mut Criterion) {
    let engine = engine();
    let mut group = criterion.benchmark_group("flip-scaling");
    for threads in thread_counts() {
        let mut bare: Vec<_> = (0..threads).map(|_| BareFlipper::default()).collect();
        group.bench_function(BenchmarkId::new("arc-swap-store", threads), |b| {
            b.iter_custom(|times| share(&mut bare, times, BareFlipper::flip));
        });
        bare.iter().for_each(BareFlipper::assert_right);
        let mut writers: Vec<_> =
            (0..threads).map(|number| Flipper::alone(&engine, &format!("{threads}-{number}"))).collect();
        group.bench_function(BenchmarkId::new("lifesign", threads), |b| {
            b.iter_custom(|times| share(&mut writers, times, Flipper::flip));
        });
        writers.iter().for_each(|writer| writer.assert_right(&engine));
    }
    group.finish();
}

/// The same with an engine for each thread: nothing at all is shared, not even the order of commits.
fn engines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flip-scaling-engines");
    for threads in thread_counts() {
        let engines: Vec<Engine> = (0..threads).map(|_| engine()).collect();
        let mut writers: Vec<_> = engines.iter().map(|engine| Flipper::alone(engine, "web")).collect();
        group.bench_function(BenchmarkId::new("lifesign", threads), |b| {
            b.iter_custom(|times| share(&mut writers, times, Flipper::flip));
        });
        writers.iter().zip(&engines).for_each(|(writer, engine)| writer.assert_right(engine));
    }
    group.finish();
}

/// The status of one check that nobody writes, and a bare word.
fn reads(criterion: &mut Criterion) {
    let engine = engine();
    let (mut writer, word) = (Flipper::alone(&engine, "web"), Word::default());
    let check = writer.token.check();
    writer.flip();
    let mut group = criterion.benchmark_group("status-scaling");
    for threads in thread_counts() {
        group.bench_function(BenchmarkId::new("lifesign", threads), |b| {
            b.iter_custom(|times| each(threads, times, || black_box(&check).status()));
        });
        group.bench_function(BenchmarkId::new("atomic-load", threads), |b| {
            b.iter_custom(|times| each(threads, times, || black_box(&word).0.load(Ordering::Acquire)));
        });
    }
    group.finish();
    writer.assert_right(&engine);
}

/// The whole state of one check, and of one arc-swap.
fn snapshots(criterion: &mut Criterion) {
    let engine = engine();
    let (writer, bare) = (Flipper::alone(&engine, "web"), BareCell::default());
    let check = writer.token.check();
    let mut group = criterion.benchmark_group("snapshot-scaling");
    for threads in thread_counts() {
        group.bench_function(BenchmarkId::new("lifesign", threads), |b| {
            b.iter_custom(|times| each(threads, times, || engine.snapshot(&check)));
        });
        group.bench_function(BenchmarkId::new("arc-swap-load-full", threads), |b| {
            b.iter_custom(|times| each(threads, times, || bare.cell.load_full()));
        });
    }
    group.finish();
    writer.assert_right(&engine);
}
