//! The state machine: random sequences of calls are made on an engine and on a model that is written from the guarantees, for one thread and with
//! plain collections, and after each call everything that can be observed is compared. A sequence that shows a difference is shrunk and printed
//! with what the engine answered.
//!
//! What it leaves out, and where that is tested: subscriptions to trouble (`guarantees::trouble`, `guarantees::claims::x1_a_rival_is_trouble`),
//! declared writers (`guarantees::provenance`), claims of names (`guarantees::claims`), forks (`guarantees::fork`, `faults::forks`), and whatever needs a
//! second thread (`scripts`, `linearizable`, the models and the schedules).
//!
//! `LIFESIGN_SEQUENCES` sets how many sequences are run, then from a seed of their own; `LIFESIGN_SEED` repeats a run. A run prints both.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod any;
mod calls;
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
use support::{breaks, evidence};
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
fn run(sequences: u32, seed: u64, flaw: Option<Flaw>, shrinks: u32) -> Run {
    let config = Config {
        cases: sequences,
        failure_persistence: None,
        max_shrink_iters: shrinks,
        ..Config::default()
    };
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
    let _whole = breaks::none();
    let sequences = number("LIFESIGN_SEQUENCES");
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    // The short share is the same each time; a long run looks where nobody has looked.
    let usual = if sequences.is_some() { clock.as_nanos() as u64 } else { SEED };
    let (sequences, seed) = (sequences.unwrap_or(5_000) as u32, number("LIFESIGN_SEED").unwrap_or(usual));
    let run = run(sequences, seed, None, 20_000);
    let result = if run.difference.is_none() { "ok" } else { "failed" };
    println!("machine: {} sequences, {} calls, {:.1} s, seed {seed}", run.sequences, run.calls, run.seconds);
    evidence::append("state", "machine sequences", run.sequences.into(), run.seconds, result);
    evidence::append("state", "machine calls", run.calls, run.seconds, result);
    if let Some((sequence, difference)) = run.difference {
        panic!("{difference}\nwith seed {seed}\n{sequence:?}\n{}", story(&sequence));
    }
}

/// The sequences of the short shares, always the same: each wrong rule and each break has to be noticed within so many of them.
const NOTICED_WITHIN: u32 = 8_000;
const SEED: u64 = 1;

/// The sequences that show something in what is wrong show nothing in what is not.
fn nothing_is_noticed_within(sequences: u32) {
    let whole = run(sequences, SEED, None, 0);
    assert!(whole.difference.is_none(), "the unbroken engine differs: {:?}", whole.difference);
}

#[test]
fn a_model_that_is_wrong_in_one_rule_is_noticed() {
    let _whole = breaks::none();
    let mut most = 0;
    for flaw in Flaw::ALL {
        let run = run(NOTICED_WITHIN, SEED, Some(flaw), 0);
        let (_, difference) = run.difference.unwrap_or_else(|| panic!("{flaw:?} is not noticed"));
        println!("machine: {flaw:?} is noticed after {} sequences: {difference}", run.sequences);
        evidence::append(
            "state",
            &format!("machine notices {flaw:?}"),
            run.sequences.into(),
            run.seconds,
            "ok",
        );
        most = most.max(run.sequences + 1);
    }
    nothing_is_noticed_within(most);
}

/// The breaks of the engine that show without a second thread.
const BREAKS: [&str; 4] =
    ["refresh-skip-if-equal", "registration-without-stamp", "restore-over-report", "unregister-by-key"];

#[test]
fn an_engine_that_is_broken_is_noticed() {
    let _alone = breaks::alone();
    let mut most = 0;
    for name in BREAKS {
        lifesign::mutant::select(Some(name));
        let run = run(NOTICED_WITHIN, SEED, None, 0);
        lifesign::mutant::select(None);
        let (_, difference) = run.difference.unwrap_or_else(|| panic!("{name} is not noticed"));
        println!("machine: {name} is noticed after {} sequences: {difference}", run.sequences);
        let break_ = format!("{name} in the state machine");
        evidence::append(
            "mutant",
            &break_,
            run.sequences.into(),
            run.seconds,
            "killed: the engine differs from the model",
        );
        most = most.max(run.sequences + 1);
    }
    nothing_is_noticed_within(most);
}
