//! What the benches share: how long they measure, the world they measure in, and what stands beside it.
#![allow(dead_code, reason = "each bench uses its own part")]

pub mod bare;
pub mod busy;
pub mod counting;
pub mod crowd;
pub mod lines;
pub mod random;
pub mod together;
pub mod world;

use std::time::Duration;

use criterion::Criterion;

/// Short, because there are many: a third of a second to warm up, one to measure, in twenty samples.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20)
        .nresamples(10_000)
        .without_plots()
        .configure_from_args()
}
