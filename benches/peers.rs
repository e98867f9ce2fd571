//! What a Rust programmer would write instead, each doing the same: the state of a thousand checks {status, text, version}, one writer, readers that want
//! a status or the whole state. Where reading needs the id, the reader looks it up; where it can hold on to something, it does.

mod common;
#[path = "peers/lifesign.rs"]
mod engine;
#[path = "peers/maps.rs"]
mod maps;
#[path = "peers/published.rs"]
mod published;

use std::hint::black_box;
use std::sync::Arc;

use common::busy::Busy;
use common::random::Random;
use common::world::{DOWN, UP, turned};
use criterion::Criterion;
use lifesign::Status;

/// As many checks stand in each of them.
const CHECKS: usize = 1_000;

/// The state of one check, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// Healthy or not.
    pub status: Status,
    /// Why.
    pub text: Arc<str>,
    /// How many reports it has had.
    pub version: u64,
}

/// Who reads: a handle, a receiver, or the map itself.
pub trait Reader {
    /// The whole state as this one hands it out: not a mix of two, and not changing any more.
    type State;
    /// The status of a check alone.
    fn status(&self, check: usize) -> Status;
    /// All there is of a check.
    fn whole(&self, check: usize) -> Self::State;
    /// What it says; for the comparison, not measured.
    fn parts(state: Self::State) -> Whole;
}

/// Who writes: when a report returns, every reader sees it.
pub trait Writer: Send + 'static {
    /// Puts this state in the place of the check's last one.
    fn report(&mut self, check: usize, status: Status, text: &str);
}

/// The id of a check: 23 bytes.
pub fn id(check: usize) -> String {
    format!("service:web-{check:06}:http")
}

/// The order in which checks are read and written.
fn order() -> Vec<usize> {
    let mut order: Vec<_> = (0..CHECKS).collect();
    Random::new().shuffle(&mut order);
    order
}

fn main() {
    let mut criterion = common::criterion();
    let (engine, writer) = engine::open(CHECKS);
    measure(&mut criterion, "lifesign", &engine, writer);
    let (map, writer) = maps::locked(CHECKS);
    measure(&mut criterion, "rwlock-hashmap", &map, writer);
    let (map, writer) = maps::sharded(CHECKS);
    measure(&mut criterion, "dashmap", &map, writer);
    let (map, writer) = maps::concurrent(CHECKS);
    measure(&mut criterion, "papaya", &map, writer);
    let (watch, writer) = published::watched(CHECKS);
    measure(&mut criterion, "tokio-watch", &watch, writer);
    let (twice, writer) = published::twice(CHECKS);
    measure(&mut criterion, "left-right", &twice, writer);
    criterion.final_summary();
}

/// Flips checks in turn, and knows what each of them has to show.
struct Flipping<W> {
    writer: W,
    order: Vec<usize>,
    at: usize,
    critical: Vec<bool>,
    reports: Vec<u64>,
}

impl<W: Writer> Flipping<W> {
    fn flip(&mut self) {
        let check = self.order[self.at];
        self.at = (self.at + 1) % CHECKS;
        let (status, text) = turned(&mut self.critical[check]);
        self.writer.report(check, status, text);
        self.reports[check] += 1;
    }

    /// That each report was taken and the last of them is what is read.
    fn assert_right<R: Reader>(&self, name: &str, reader: &R) {
        for check in 0..CHECKS {
            let (status, text) = match (self.critical[check], self.reports[check]) {
                (true, _) => (Status::Critical, DOWN),
                (false, 0) => (Status::Passing, ""),
                (false, _) => (Status::Passing, UP),
            };
            let whole = Whole { status, text: text.into(), version: self.reports[check] };
            assert_eq!(R::parts(reader.whole(check)), whole, "{name}, check {check}");
            assert_eq!(reader.status(check), status, "{name}, check {check}");
        }
    }
}

fn measure(criterion: &mut Criterion, name: &str, reader: &impl Reader, writer: impl Writer) {
    let order = order();
    let ring = order.clone();
    let mut ring = ring.iter().copied().cycle();
    let mut next = move || ring.next().expect("a ring has no end");
    let (critical, reports) = (vec![false; CHECKS], vec![0; CHECKS]);
    let mut flipping = Flipping { writer, order, at: 0, critical, reports };

    let mut group = criterion.benchmark_group("peer-flip");
    group.bench_function(name, |b| b.iter(|| flipping.flip()));
    group.finish();
    flipping.assert_right(name, reader);
    let mut group = criterion.benchmark_group("peer-status");
    group.bench_function(name, |b| b.iter(|| reader.status(black_box(next()))));
    group.finish();
    let mut group = criterion.benchmark_group("peer-whole");
    group.bench_function(name, |b| b.iter(|| reader.whole(black_box(next()))));
    group.finish();

    let busy = Busy::run(flipping, Flipping::flip);
    let mut group = criterion.benchmark_group("peer-status-busy");
    group.bench_function(name, |b| b.iter(|| reader.status(black_box(next()))));
    group.finish();
    let mut group = criterion.benchmark_group("peer-whole-busy");
    group.bench_function(name, |b| b.iter(|| reader.whole(black_box(next()))));
    group.finish();
    busy.end().assert_right(name, reader);
}
