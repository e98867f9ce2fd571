//! Several threads that do the same at the same time.

use std::sync::Barrier;
use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

/// 1, 2, 4, 8 … threads, as many as the machine has cores.
pub fn thread_counts() -> Vec<usize> {
    let cores = available_parallelism().map_or(1, usize::from);
    let mut counts: Vec<_> = (0..).map(|power| 1 << power).take_while(|count| *count <= cores).collect();
    if counts.last() != Some(&cores) {
        counts.push(cores);
    }
    counts
}

/// From the first thread's start to the last one's end, when each of `workers` is run in a thread of its own.
pub fn together<W: FnMut() + Send>(workers: Vec<W>) -> Duration {
    let start = Barrier::new(workers.len());
    let timed = |mut worker: W| {
        start.wait();
        let began = Instant::now();
        worker();
        (began, Instant::now())
    };
    let spans: Vec<_> = scope(|scope| {
        let spawned: Vec<_> = workers.into_iter().map(|worker| scope.spawn(|| timed(worker))).collect();
        spawned.into_iter().map(|thread| thread.join().expect("a worker ends")).collect()
    });
    let began = spans.iter().map(|(began, _)| *began).min().expect("there is a worker");
    let ended = spans.iter().map(|(_, ended)| *ended).max().expect("there is a worker");
    ended - began
}
