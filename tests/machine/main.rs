//! The state machine: random sequences of calls are made on an engine and on a model that is written from the contract, for one thread and with
//! plain collections, and after each call everything that can be observed is compared. A sequence that shows a difference is shrunk and printed
//! with what the engine answered.
//!
//! `LIFESIGN_SEQUENCES` sets how many sequences are run, `LIFESIGN_SEED` repeats a run; a run prints both.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod any;
mod deliver;
mod flaw;
mod model;
mod observe;
mod op;
mod regressions;
mod world;

use std::cell::Cell;
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use any::sequence;
use flaw::Flaw;
use op::Sequence;
use support::evidence;
use world::{Same, World};

/// What a run has done.
struct Run {
    sequences: u32,
    calls: u64,
    seconds: f64,
    /// The shrunk sequence with what differs.
    difference: Option<(Sequence, String)>,
}

/// Makes the calls of one sequence; gives their number.
fn execute(sequence: &Sequence, flaw: Option<Flaw>, mut trace: impl FnMut(&op::Op, &World)) -> Same<u64> {
    let mut world = World::new(sequence.bounds, flaw);
    let mut calls = 0;
    for op in &sequence.ops {
        let made = world.call(op);
        if made != Ok(false) {
            trace(op, &world);
        }
        if made? {
            calls += 1;
            world.observe()?;
        }
    }
    for subscription in 0..world.subscriptions.len() {
        world
            .poll(subscription, usize::MAX)
            .map_err(|text| format!("at the end, subscription {subscription}: {text}"))?;
    }
    Ok(calls)
}

/// Runs random sequences until one shows a difference.
fn run(sequences: u32, seed: u64, flaw: Option<Flaw>) -> Run {
    let config =
        Config { cases: sequences, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (done, calls, start) = (Cell::new(0), Cell::new(0), Instant::now());
    let outcome = runner.run(&sequence(), |sequence| {
        let made = execute(&sequence, flaw, |_, _| {}).map_err(TestCaseError::fail)?;
        done.set(done.get() + 1);
        calls.set(calls.get() + made);
        Ok(())
    });
    let difference = match outcome {
        Ok(()) => None,
        Err(TestError::Fail(reason, sequence)) => Some((sequence, reason.to_string())),
        Err(TestError::Abort(reason)) => panic!("no sequences: {reason}"),
    };
    Run { sequences: done.get(), calls: calls.get(), seconds: start.elapsed().as_secs_f64(), difference }
}

/// Where files of a run go: into memory, where that can be had, since an export is written through to the disk.
fn scratch() -> std::path::PathBuf {
    let memory = std::path::PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// The calls of a sequence with the engine's answers.
fn story(sequence: &Sequence) -> String {
    let mut lines = vec![format!("bounds: {:?}", sequence.bounds)];
    let difference =
        execute(sequence, None, |op, world| lines.push(format!("{op:?}\n    -> {}", world.answer)));
    lines.push(format!("{difference:?}"));
    lines.join("\n")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn engine_and_model_agree() {
    let sequences = number("LIFESIGN_SEQUENCES").unwrap_or(8_000) as u32;
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    let seed = number("LIFESIGN_SEED").unwrap_or(clock.as_nanos() as u64);
    let run = run(sequences, seed, None);
    println!("machine: {} sequences, {} calls, {:.1} s, seed {seed}", run.sequences, run.calls, run.seconds);
    let result = if run.difference.is_none() { "ok" } else { "failed" };
    evidence::append("state", "machine sequences", run.sequences.into(), run.seconds, result);
    evidence::append("state", "machine calls", run.calls as u64, run.seconds, result);
    if let Some((sequence, difference)) = run.difference {
        panic!("{difference}\nwith seed {seed}\n{sequence:?}\n{}", story(&sequence));
    }
}
