//! What a reader notices of registrations, resynchronisations and the close of a sibling: each read is timed by itself.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use lifesign::{Check, Engine, Status, SubscriptionFilter};

use crate::common::bare::Word;
use crate::common::lines::Lines;
use crate::common::random::Random;
use crate::growth::take_all;
use crate::world::{checks, engine, services};

/// A phase is at least so long.
const PHASE: Duration = Duration::from_millis(800);
/// A minute, in nanoseconds: no read takes longer.
const LONGEST: u64 = 60_000_000_000;

pub fn measure(size: usize, lines: &mut Lines) {
    let engine = Arc::new(engine());
    let homes = services(&engine, 4 * size);
    let known = checks(&engine, &homes, 0..size);
    let sibling = super::world::engine();
    drop(checks(&sibling, &services(&sibling, 4 * size), 0..4 * size));

    beside(lines, "idle", &engine, &known, || sleep(PHASE));
    beside(lines, "registration", &engine, &known, || drop(checks(&engine, &homes, size..4 * size)));
    beside(lines, "resync", &engine, &known, || {
        let began = Instant::now();
        while began.elapsed() < PHASE {
            let subscription = engine.subscribe(&SubscriptionFilter::all()).expect("it subscribes");
            assert_eq!(take_all(&subscription, |_| ()), 4 * size);
        }
    });
    beside(lines, "close", &engine, &known, || drop(sibling));
}

/// The times of one kind of read, in nanoseconds.
struct Times(Histogram<u64>);

impl Times {
    fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds in order"))
    }

    /// One read between two looks at the clock, which are part of the figure; a bare word beside it shows how much.
    #[inline]
    fn time<T>(&mut self, read: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let value = black_box(read());
        self.0.saturating_record(began.elapsed().as_nanos() as u64);
        value
    }

    fn report(&self, lines: &mut Lines, id: &str) {
        let figures = [("p50", self.0.value_at_quantile(0.5)), ("p99.9", self.0.value_at_quantile(0.999))];
        for (name, value) in figures.into_iter().chain([("max", self.0.max())]) {
            lines.add(&format!("{id}/{name}"), value as f64, "ns");
        }
    }
}

/// Reads statuses and snapshots all over the engine, and as many bare words, while `work` is done.
fn beside(lines: &mut Lines, phase: &str, engine: &Engine, known: &[Check], work: impl FnOnce() + Send) {
    let (over, mut random) = (AtomicBool::new(false), Random::new());
    let words: Vec<Word> = known.iter().map(|_| Word::default()).collect();
    let (mut status, mut snapshot, mut word) = (Times::new(), Times::new(), Times::new());
    scope(|scope| {
        scope.spawn(|| {
            work();
            over.store(true, Ordering::Release);
        });
        while !over.load(Ordering::Acquire) {
            let at = random.below(known.len());
            let check = &known[at];
            assert_eq!(status.time(|| check.status()), Some(Status::Passing));
            assert!(snapshot.time(|| engine.snapshot(check)).is_ok());
            word.time(|| words[at].0.load(Ordering::Acquire));
        }
    });
    status.report(lines, &format!("status-tail-{phase}/lifesign"));
    word.report(lines, &format!("status-tail-{phase}/atomic-load"));
    snapshot.report(lines, &format!("snapshot-tail-{phase}/lifesign"));
}
